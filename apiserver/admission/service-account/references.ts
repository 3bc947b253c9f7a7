/**
 * What a Pod may refer to: mirror pods to no account and no Secret; Pods of an account that insists on it only to the
 * Secrets the account lists. Pure. Upstream: plugin/pkg/admission/serviceaccount/admission.go.
 */
import type { Container, EphemeralContainer, Pod, ServiceAccount } from '#machinery/api/core/v1/types.gen.ts'
import { podReferences } from '#machinery/meta/pod-references.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Account = DeepReadonly<ServiceAccount>
type AnyContainer = DeepReadonly<Container | EphemeralContainer>

const ENFORCE = 'kubernetes.io/enforce-mountable-secrets'
/** As Go's strconv.ParseBool. */
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])

/** '' when the mirror pod is fine. */
export function whyNoMirror(pod: DeepReadonly<Pod>): string {
  if ((pod.spec.serviceAccountName ?? '') !== '') return 'a mirror pod may not reference service accounts'
  if (podReferences(pod).secrets.size > 0) return 'a mirror pod may not reference secrets'
  const sources = (pod.spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? [])
  const hasToken = sources.some(({ serviceAccountToken }) => serviceAccountToken !== undefined)
  return hasToken ? 'a mirror pod may not use ServiceAccountToken volume projections' : ''
}

export const enforcesSecrets = ({ metadata }: Account): boolean => TRUE.has(metadata.annotations?.[ENFORCE] ?? '')

/** '' when the account lists every Secret the Pod refers to. */
export function whyNotMountable({ spec }: DeepReadonly<Pod>, account: Account): string {
  const allowed = new Set(account.secrets?.map(({ name }) => name))
  for (const { secret } of spec.volumes ?? [])
    if (secret !== undefined && !allowed.has(secret.secretName ?? ''))
      return unlisted('volume with ', `secret.secretName="${secret.secretName ?? ''}"`, account)
  const why =
    whyNotInContainers('init container', spec.initContainers ?? [], account) ||
    whyNotInContainers('container', spec.containers, account)
  if (why !== '') return why
  const pulls = new Set(account.imagePullSecrets?.map(({ name }) => name))
  const index = (spec.imagePullSecrets ?? []).findIndex(({ name }) => !pulls.has(name))
  if (index === -1) return ''
  const named = `imagePullSecrets[${index}].name="${spec.imagePullSecrets?.[index]?.name ?? ''}"`
  return `${named} is not allowed because service account ${account.metadata.name ?? ''} does not reference that imagePullSecret`
}

/** `what`: init container, container, ephemeral container. */
export function whyNotInContainers(what: string, containers: readonly AnyContainer[], account: Account): string {
  const allowed = new Set(account.secrets?.map(({ name }) => name))
  for (const { name, env = [], envFrom = [] } of containers) {
    for (const { name: variable, valueFrom } of env) {
      const secret = valueFrom?.secretKeyRef
      if (secret !== undefined && !allowed.has(secret.name ?? ''))
        return unlisted(`${what} ${name} with envVar ${variable} referencing `, secretName(secret.name), account)
    }
    for (const { secretRef } of envFrom)
      if (secretRef !== undefined && !allowed.has(secretRef.name ?? ''))
        return unlisted(`${what} ${name} with envFrom referencing `, secretName(secretRef.name), account)
  }
  return ''
}

const secretName = (name = ''): string => `secret.secretName="${name}"`

const unlisted = (where: string, what: string, { metadata }: Account): string =>
  `${where}${what} is not allowed because service account ${metadata.name ?? ''} does not reference that secret`
