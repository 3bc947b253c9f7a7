/**
 * Every pod runs as a service account: the default one unless it names another, with a short-lived token, the cluster's
 * CA and its namespace mounted. Upstream: plugin/pkg/admission/serviceaccount/admission.go.
 */
import type { Container, Pod, ServiceAccount, Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { StatusError } from '#machinery/meta/errors.ts'
import { sleep } from '#machinery/util/clock.ts'
import { randomSuffix } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden, isResource } from '../forbidden.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'
import { enforcesSecrets, whyNoMirror, whyNotInContainers, whyNotMountable } from './references.ts'

const TOKEN_MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const VOLUME_PREFIX = 'kube-api-access-'
/** One hour and a bit: upstream marks the tokens that clients which never re-read would break without. */
const TOKEN_EXPIRATION_SECONDS = 3607
const DEFAULT_MODE = 0o644

/** A new namespace's default account is made by a controller: its first pods wait for it a moment. */
const DEFAULT_ACCOUNT_TRIES = 10
const DEFAULT_ACCOUNT_RETRY_MS = 100

type Deps = Pick<AdmissionDeps, 'serviceAccount' | 'random' | 'clock'>
type Account = DeepReadonly<ServiceAccount>

export function createServiceAccount(deps: Deps): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (attributes.operation !== 'CREATE' || !isResource(attributes, '', 'pods')) return
      if (attributes.object === undefined) return
      const pod = attributes.object as Pod
      // The kubelet deletes a mirror pod that is not what it wrote.
      if (isMirror(pod)) return
      const name = pod.spec.serviceAccountName || 'default'
      pod.spec.serviceAccountName = name
      pod.spec.serviceAccount = name
      const account = deps.serviceAccount(attributes.namespace, name)
      if (account !== undefined) applyAccount(pod, account, deps)
      else if (name === 'default') return applyDefaultAccount(deps, attributes, pod)
      else throw accountMissing(attributes, name)
    },
    validate(attributes) {
      const why = whyNot(attributes, deps)
      if (why !== '') throw admissionForbidden(attributes, why)
    },
  }
}

const isMirror = ({ metadata }: Pod): boolean => metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined

/** Asked again after other plugins and webhooks have changed the Pod. */
function whyNot(attributes: AdmissionAttributes, deps: Deps): string {
  const { group, resource, subresource, operation, namespace, object } = attributes
  const isNew = operation === 'CREATE' && subresource === ''
  const isDebugged = operation === 'UPDATE' && subresource === 'ephemeralcontainers'
  if (group !== '' || resource !== 'pods' || object === undefined || !(isNew || isDebugged)) return ''
  const pod = object as Pod
  if (isNew && isMirror(pod)) return whyNoMirror(pod)
  const { serviceAccountName: name = '' } = pod.spec
  if (name === '') return `no service account specified for pod ${namespace}/${pod.metadata.name ?? ''}`
  const account = deps.serviceAccount(namespace, name)
  if (account === undefined) throw accountMissing(attributes, name)
  if (!enforcesSecrets(account)) return ''
  if (isNew) return whyNotMountable(pod, account)
  return whyNotInContainers('ephemeral container', pod.spec.ephemeralContainers ?? [], account)
}

async function applyDefaultAccount(deps: Deps, attributes: AdmissionAttributes, pod: Pod): Promise<void> {
  for (let attempt = 1; attempt < DEFAULT_ACCOUNT_TRIES; attempt++) {
    await sleep(deps.clock, DEFAULT_ACCOUNT_RETRY_MS)
    const account = deps.serviceAccount(attributes.namespace, 'default')
    if (account !== undefined) {
      applyAccount(pod, account, deps)
      return
    }
  }
  throw accountMissing(attributes, 'default')
}

function accountMissing(attributes: AdmissionAttributes, name: string): StatusError {
  const why = `error looking up service account ${attributes.namespace}/${name}: serviceaccount "${name}" not found`
  return admissionForbidden(attributes, why)
}

function applyAccount(pod: Pod, account: Account, deps: Deps): void {
  if (shouldMount(pod, account)) mountToken(pod, deps)
  const secrets = account.imagePullSecrets ?? []
  if ((pod.spec.imagePullSecrets ?? []).length === 0 && secrets.length > 0) {
    pod.spec.imagePullSecrets = secrets.map((secret) => ({ ...secret }))
  }
}

function shouldMount(pod: Pod, account: Account): boolean {
  return pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true
}

function mountToken(pod: Pod, { random }: Pick<Deps, 'random'>): void {
  const existing = pod.spec.volumes?.find(({ name }) => name.startsWith(VOLUME_PREFIX))
  const name = existing?.name ?? `${VOLUME_PREFIX}${randomSuffix(random)}`
  const containers: Container[] = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
  let isNeeded = false
  for (const container of containers) {
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === TOKEN_MOUNT_PATH) === true) continue
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: TOKEN_MOUNT_PATH }]
    isNeeded = true
  }
  if (isNeeded && existing === undefined) pod.spec.volumes = [...(pod.spec.volumes ?? []), tokenVolume(name)]
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_EXPIRATION_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: DEFAULT_MODE,
    },
  }
}
