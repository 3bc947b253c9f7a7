/** What the plugins read. Getters over caches, synchronous: admission is on the hot path of every write. */

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
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { SyncAuthorizer } from '../authorization/chain.ts'
import type { WebhookClient } from '../webhooks/interfaces.ts'
import type { WebhookMetrics } from './webhook/metrics.ts'

/** What calling admission webhooks takes. Configurations are read on every write: a change counts for the next request. */
export interface WebhookDeps {
  mutating(): readonly DeepReadonly<MutatingWebhookConfiguration>[]
  validating(): readonly DeepReadonly<ValidatingWebhookConfiguration>[]
  readonly client: WebhookClient
  readonly metrics: WebhookMetrics
  readonly logger: Logger
}

export interface AdmissionDeps {
  namespace(name: string): DeepReadonly<Namespace> | undefined
  serviceAccount(namespace: string, name: string): DeepReadonly<ServiceAccount> | undefined
  limitRanges(namespace: string): readonly DeepReadonly<LimitRange>[]
  priorityClass(name: string): DeepReadonly<PriorityClass> | undefined
  priorityClasses(): readonly DeepReadonly<PriorityClass>[]
  storageClasses(): readonly DeepReadonly<StorageClass>[]
  ingressClasses(): readonly DeepReadonly<IngressClass>[]
  /** The stored object of that name, whatever its kind. */
  peek(group: string, resource: string, namespace: string, name: string): DeepReadonly<KubeObject> | undefined
  /** For plugins that ask what the requesting user may do beyond the request itself. */
  readonly authorizer: SyncAuthorizer
  /** Absent: quotas are not enforced. */
  resourceQuotas?(namespace: string): readonly DeepReadonly<ResourceQuota>[]
  /** Every object of the resource in the namespace, for counting. */
  objects?(group: string, resource: string, namespace: string): readonly DeepReadonly<KubeObject>[]
  /** Absent: webhooks are not called. */
  readonly webhooks?: WebhookDeps
  readonly random: Random
  readonly clock: Clock
}
