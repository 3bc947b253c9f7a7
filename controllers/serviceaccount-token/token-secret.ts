/** Pure decisions about token Secrets: whose they are, what they lack. Upstream: tokens_controller.go, pkg/serviceaccount/util.go. */
import type { Secret, ServiceAccount } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const TYPE = 'kubernetes.io/service-account-token'
const NAME_ANNOTATION = 'kubernetes.io/service-account.name'
const UID_ANNOTATION = 'kubernetes.io/service-account.uid'

export const TOKEN_SECRETS = { fieldSelector: `type=${TYPE}` }

export interface TokenFacts {
  readonly account: DeepReadonly<ServiceAccount>
  readonly rootCa: string
}

export interface FilledSecret {
  readonly secret: Secret
  readonly needsToken: boolean
  setToken(token: string): void
}

export function accountNameOf(secret: DeepReadonly<Secret>): string | undefined {
  return secret.type === TYPE ? secret.metadata.annotations?.[NAME_ANNOTATION] : undefined
}

/** A Secret without a UID was written by a user for whatever account has the name. */
export function belongsTo(secret: DeepReadonly<Secret>, account: DeepReadonly<ServiceAccount>): boolean {
  const uid = secret.metadata.annotations?.[UID_ANNOTATION]
  const isNamed = accountNameOf(secret) === account.metadata.name
  return isNamed && (uid === undefined || uid === '' || uid === account.metadata.uid)
}

/** A copy with everything but the token filled in; undefined when the Secret lacks nothing. */
export function filledTokenSecret(secret: DeepReadonly<Secret>, facts: TokenFacts): FilledSecret | undefined {
  const { account, rootCa } = facts
  const { name = '', uid = '', namespace = '' } = account.metadata
  const data = secret.data ?? {}
  const ca = toBase64(rootCa)
  const needsCa = rootCa !== '' && data['ca.crt'] !== ca
  const needsNamespace = (data['namespace'] ?? '') === ''
  const needsToken = (data['token'] ?? '') === ''
  if (!needsCa && !needsNamespace && !needsToken) return undefined
  const filled = deepCopy<Secret>(secret)
  const filledData: Record<string, string> = { ...filled.data }
  if (needsCa) filledData['ca.crt'] = ca
  if (needsNamespace) filledData['namespace'] = toBase64(namespace)
  filled.data = filledData
  filled.metadata.annotations = { ...filled.metadata.annotations, [NAME_ANNOTATION]: name, [UID_ANNOTATION]: uid }
  return {
    secret: filled,
    needsToken,
    setToken(token) {
      filledData['token'] = toBase64(token)
    },
  }
}

/** Legacy generation: one of the Secrets the account lists is a token of it. */
export function hasReferencedToken(
  account: DeepReadonly<ServiceAccount>,
  secrets: readonly DeepReadonly<Secret>[],
): boolean {
  const listed = new Set(account.secrets?.map(({ name }) => name))
  return secrets.some((secret) => listed.has(secret.metadata.name) && belongsTo(secret, account))
}

export function newTokenSecret(account: DeepReadonly<ServiceAccount>, suffix: string): Secret {
  const { name = '', namespace = '', uid = '' } = account.metadata
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: `${name}-token-${suffix}`,
      namespace,
      annotations: { [NAME_ANNOTATION]: name, [UID_ANNOTATION]: uid },
    },
    type: TYPE,
  }
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64')
}
