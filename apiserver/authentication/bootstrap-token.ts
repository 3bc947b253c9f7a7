/**
 * Bootstrap tokens, `<id>.<secret>`, kept as Secrets in kube-system: how a node asks for its first certificate.
 * A token that is expired, deleted or meant for something else is nobody's token.
 * Upstream: plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '#machinery/api/core/v1/types.gen.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TokenAuthenticator } from './bearer-token.ts'
import { createUser } from './user.ts'

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/
const DEFAULT_GROUP = 'system:bootstrappers'

export interface BootstrapTokenDeps {
  /** The Secret of this name in kube-system. */
  lookup(name: string): DeepReadonly<Secret> | undefined
  readonly clock: Clock
}

export function createBootstrapTokenAuthenticator({ lookup, clock }: BootstrapTokenDeps): TokenAuthenticator {
  return {
    authenticateToken(token) {
      const [, id = '', key = ''] = TOKEN.exec(token) ?? []
      if (id === '') return undefined
      const secret = lookup(`bootstrap-token-${id}`)
      if (secret === undefined || secret.type !== 'bootstrap.kubernetes.io/token') return undefined
      if (secret.metadata.deletionTimestamp !== undefined) return undefined
      const read = (name: string): string => Buffer.from(secret.data?.[name] ?? '', 'base64').toString('utf8')
      if (!isEqual(read('token-secret'), key) || read('token-id') !== id) return undefined
      const expiration = read('expiration')
      // What is no time counts as past.
      if (expiration !== '' && !(Date.parse(expiration) > clock.now().getTime())) return undefined
      if (read('usage-bootstrap-authentication') !== 'true') return undefined
      const groups = groupsOf(read('auth-extra-groups'))
      return groups === undefined ? undefined : { user: createUser(`system:bootstrap:${id}`, { groups }) }
    },
  }
}

function groupsOf(extra: string): string[] | undefined {
  const groups = new Set([DEFAULT_GROUP])
  for (const group of extra === '' ? [] : extra.split(',')) {
    if (!GROUP.test(group)) return undefined
    groups.add(group)
  }
  return [...groups].sort()
}

/** Of digests, so that not even the length shows. */
function isEqual(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
