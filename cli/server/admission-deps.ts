/** What admission plugins read, straight from the watch cache: synchronous, so the write path has no extra turn. */
import type { AdmissionDeps, WebhookDeps } from '#apiserver/admission/deps.ts'
import type { SyncAuthorizer } from '#apiserver/authorization/chain.ts'
import type { StoredObjects } from '#apiserver/registry/deps.ts'
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { LimitRange, Namespace, ResourceQuota, ServiceAccount } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { IngressClass } from '#machinery/api/networking/v1/types.gen.ts'
import type { PriorityClass } from '#machinery/api/scheduling/v1/types.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

interface WebhookTools extends Pick<WebhookDeps, 'client' | 'metrics' | 'logger'> {
  /** False while the server writes its own objects at start: a webhook that is down must not keep it from starting. */
  isCalled(): boolean
}

const NONE: readonly never[] = []

export function createAdmissionDeps(
  objects: StoredObjects,
  authorizer: SyncAuthorizer,
  clock: Clock,
  random: Random,
  webhooks: WebhookTools,
): AdmissionDeps {
  // The store of a resource holds objects of its kind only.
  const one = <T extends KubeObject>(group: string, resource: string, namespace: string, name: string) =>
    objects.peek(group, resource, namespace, name) as DeepReadonly<T> | undefined
  const all = <T extends KubeObject>(group: string, resource: string, namespace = '') =>
    objects.list(group, resource, namespace) as unknown as readonly DeepReadonly<T>[]
  return {
    namespace: (name) => one<Namespace>('', 'namespaces', '', name),
    serviceAccount: (namespace, name) => one<ServiceAccount>('', 'serviceaccounts', namespace, name),
    limitRanges: (namespace) => all<LimitRange>('', 'limitranges', namespace),
    priorityClass: (name) => one<PriorityClass>('scheduling.k8s.io', 'priorityclasses', '', name),
    priorityClasses: () => all<PriorityClass>('scheduling.k8s.io', 'priorityclasses'),
    storageClasses: () => all<StorageClass>('storage.k8s.io', 'storageclasses'),
    ingressClasses: () => all<IngressClass>('networking.k8s.io', 'ingressclasses'),
    resourceQuotas: (namespace) => all<ResourceQuota>('', 'resourcequotas', namespace),
    objects: (group, resource, namespace) => objects.list(group, resource, namespace),
    peek: (group, resource, namespace, name) => objects.peek(group, resource, namespace, name),
    authorizer,
    webhooks: {
      ...webhooks,
      mutating: () =>
        all<MutatingWebhookConfiguration>('admissionregistration.k8s.io', 'mutatingwebhookconfigurations'),
      validating: () =>
        webhooks.isCalled()
          ? all<ValidatingWebhookConfiguration>('admissionregistration.k8s.io', 'validatingwebhookconfigurations')
          : NONE,
    },
    clock,
    random,
  }
}
