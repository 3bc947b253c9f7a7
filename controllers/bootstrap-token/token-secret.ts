/** Secrets of type bootstrap.kubernetes.io/token. Upstream: k8s.io/cluster-bootstrap/token/{api,util}, pkg/controller/bootstrap/util.go. */
import type { Secret } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export const BOOTSTRAP_TOKENS = { fieldSelector: 'type=bootstrap.kubernetes.io/token' }
export const TOKENS_NAMESPACE = 'kube-system'
const PREFIX = 'bootstrap-token-'
const ID = /^[a-z0-9]{6}$/

type FrozenSecret = DeepReadonly<Secret>

function dataOf({ data = {} }: FrozenSecret, key: string): string {
  return Buffer.from(data[key] ?? '', 'base64').toString('utf8')
}

/** Undefined: never expires. NaN: says something that is no time, which counts as expired. */
export function expirationMs(secret: FrozenSecret): number | undefined {
  const text = dataOf(secret, 'expiration')
  return text === '' ? undefined : Date.parse(text)
}

export interface SigningToken {
  readonly id: string
  readonly secret: string
}

/** Undefined when the token may not sign cluster-info. */
export function signingToken(secret: FrozenSecret, nowMs: number): SigningToken | undefined {
  const id = dataOf(secret, 'token-id')
  const key = dataOf(secret, 'token-secret')
  if (secret.metadata.name !== `${PREFIX}${id}` || !ID.test(id) || key === '') return undefined
  if (dataOf(secret, 'usage-bootstrap-signing') !== 'true') return undefined
  const expiresMs = expirationMs(secret)
  return expiresMs === undefined || expiresMs > nowMs ? { id, secret: key } : undefined
}
