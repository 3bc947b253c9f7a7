/** Which node a user is. Upstream: pkg/auth/nodeidentifier/default.go. */
import type { UserInfo } from './interfaces.ts'

const PREFIX = 'system:node:'
const GROUP_NODES = 'system:nodes'

/** Undefined: not a node. '' : a node that does not say which. */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  if (!name.startsWith(PREFIX) || !groups.includes(GROUP_NODES)) return undefined
  return name.slice(PREFIX.length)
}
