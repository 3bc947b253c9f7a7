/**
 * Who a write is attributed to in managedFields: what the client says, or its User-Agent up to the first slash. Parts of
 * this process have none: they are known by their identity.
 * Upstream: apiserver pkg/endpoints/handlers/create.go managerOrUserAgent, prefixFromUserAgent.
 */
import type { UserInfo } from '../../authentication/interfaces.ts'
import type { ApiCall } from '../../filters/interfaces.ts'

const MAX_BYTES = 128
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu
const SERVER_IDENTITY = 'system:apiserver'
const SERVER_MANAGER = 'knarr'
const NODE_PREFIX = 'system:node:'
const NODE_MANAGER = 'kubelet'

export function fieldManagerOf(call: ApiCall, options: Readonly<Record<string, unknown>>): string {
  const { fieldManager } = options
  if (typeof fieldManager === 'string' && fieldManager !== '') return fieldManager
  const agent = call.request.headers['user-agent']
  if (agent !== undefined) return agentPrefix(agent)
  return call.request.user === undefined ? '' : identityManager(call.request.user)
}

/** Clients have few user agents, and send them with every request. */
const prefixes = new Map<string, string>()
const PREFIXES_MAX = 256

function agentPrefix(agent: string): string {
  const known = prefixes.get(agent)
  if (known !== undefined) return known
  const slash = agent.indexOf('/')
  const printable = (slash === -1 ? agent : agent.slice(0, slash)).replace(UNPRINTABLE, '')
  let prefix = ''
  let bytes = 0
  for (const character of printable) {
    bytes += Buffer.byteLength(character)
    if (bytes > MAX_BYTES) break
    prefix += character
  }
  if (prefixes.size >= PREFIXES_MAX) prefixes.clear()
  prefixes.set(agent, prefix)
  return prefix
}

/** `system:serviceaccount:kube-system:deployment-controller` writes as deployment-controller, `system:kube-scheduler` as kube-scheduler. */
function identityManager({ name }: UserInfo): string {
  if (name === SERVER_IDENTITY) return SERVER_MANAGER
  if (name.startsWith(NODE_PREFIX)) return NODE_MANAGER
  return name.slice(name.lastIndexOf(':') + 1)
}
