/**
 * Pods as workload controllers handle them: create and delete with events, claim by selector, and the order in which
 * surplus ones go. Upstream: pkg/controller/controller_utils.go, controller_ref_manager.go.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject, OwnerReference, Preconditions } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder } from '#sdk'
import { isNamespaceTerminating } from '#sdk'

/** generateName never makes names longer than this prefix plus five characters. */
export const GENERATE_NAME_MAX = 58
const NAME_MAX = 253

/** Of the Pods of an owner; what is too long of it is the API server's to cut off. */
export function generateNameFor({ metadata }: DeepReadonly<KubeObject>): string {
  const { name = '' } = metadata
  return name.length < NAME_MAX ? `${name}-` : name
}

export class PodControl {
  readonly #client: Client
  readonly #events: EventRecorder

  constructor(client: Client, events: EventRecorder) {
    this.#client = client
    this.#events = events
  }

  /** Creates a Pod of `owner` from the template; says so in an event on the owner. */
  async create(
    owner: DeepReadonly<KubeObject>,
    template: DeepReadonly<PodTemplateSpec>,
    reference: OwnerReference,
    options: { readonly generateName: string; readonly signal: AbortSignal },
  ): Promise<void> {
    const pod = podFromTemplate(owner, template, reference, options.generateName)
    try {
      const created = await this.#client.create(PODS, pod, { signal: options.signal })
      this.#events.record(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name ?? ''}`)
    } catch (err: unknown) {
      if (!isNamespaceTerminating(err))
        this.#events.record(owner, 'Warning', 'FailedCreate', `Error creating: ${errorMessage(err)}`)
      throw err
    }
  }

  /** NotFound is thrown on: the caller's expectations depend on it. */
  delete(owner: DeepReadonly<KubeObject>, pod: DeepReadonly<Pod>, signal: AbortSignal): Promise<void> {
    const { uid = '' } = pod.metadata
    return this.#delete(owner, pod, { uid }, signal)
  }

  /** Throws Conflict, and tells nobody, when the Pod has changed since. */
  deleteAsSeen(owner: DeepReadonly<KubeObject>, pod: DeepReadonly<Pod>, signal: AbortSignal): Promise<void> {
    const { uid = '', resourceVersion = '' } = pod.metadata
    return this.#delete(owner, pod, { uid, resourceVersion }, signal)
  }

  async #delete(
    owner: DeepReadonly<KubeObject>,
    pod: DeepReadonly<Pod>,
    preconditions: Preconditions,
    signal: AbortSignal,
  ): Promise<void> {
    const { name = '' } = pod.metadata
    try {
      await this.#client.delete(PODS, objectKeyOf(pod), { preconditions, signal })
      this.#events.record(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
    } catch (err: unknown) {
      const isOutdated = preconditions.resourceVersion !== undefined && isConflict(err)
      if (!isNotFound(err) && !isOutdated)
        this.#events.record(owner, 'Warning', 'FailedDelete', `Error deleting: ${errorMessage(err)}`)
      throw err
    }
  }

  /** Strategic merge patch. */
  async patch(pod: DeepReadonly<Pod>, body: object, signal: AbortSignal): Promise<void> {
    await this.#client.patch(PODS, objectKeyOf(pod), { type: 'strategic', body }, { signal })
  }
}

/** As GetPodFromTemplate: a Pod of `owner` without a name of its own. */
export function podFromTemplate(
  owner: DeepReadonly<KubeObject>,
  template: DeepReadonly<PodTemplateSpec>,
  reference: OwnerReference,
  generateName: string,
): Pod {
  const { labels, annotations, finalizers } = deepCopy<PodTemplateSpec>(template).metadata ?? {}
  const { namespace } = owner.metadata
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName,
      ownerReferences: [reference],
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
    },
    spec: deepCopy<Pod['spec']>(template.spec ?? { containers: [] }),
  }
}

/** Neither finished nor being deleted. */
export function isPodActive(pod: DeepReadonly<Pod>): boolean {
  return !isPodFinished(pod) && pod.metadata.deletionTimestamp === undefined
}

export function isPodTerminating(pod: DeepReadonly<Pod>): boolean {
  return !isPodFinished(pod) && pod.metadata.deletionTimestamp !== undefined
}

export function isPodFinished({ status }: DeepReadonly<Pod>): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}

export function isPodReady({ status }: DeepReadonly<Pod>): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/**
 * Negative when `a` should be removed before `b`: unassigned, then earlier phase, not ready, ready for less long, restarted
 * more, younger. Upstream: ActivePods.
 */
export function comparePodsForRemoval(a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): number {
  return (
    compareStages(a, b) ||
    compareYounger(readySinceMs(a), readySinceMs(b)) ||
    compareRestarts(a, b) ||
    compareYounger(creationMs(a), creationMs(b))
  )
}

/** How far a Pod has come: those that have not come far are missed least. */
export function compareStages(a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): number {
  for (const stage of STAGES) {
    const difference = stage(a) - stage(b)
    if (difference !== 0) return difference
  }
  return 0
}

const PHASE_RANK = new Map([
  ['Pending', 0],
  ['Unknown', 1],
  ['Running', 2],
])

const STAGES: readonly ((pod: DeepReadonly<Pod>) => number)[] = [
  (pod) => ((pod.spec.nodeName ?? '') === '' ? 0 : 1),
  (pod) => PHASE_RANK.get(pod.status?.phase ?? 'Pending') ?? 0,
  (pod) => (isPodReady(pod) ? 1 : 0),
]

/** The most restarted container decides; the most restarted sidecar only where that is equal. */
export function compareRestarts(a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): number {
  const [first, second] = [restartsOf(a), restartsOf(b)]
  return second.containers - first.containers || second.sidecars - first.sidecars
}

function restartsOf({ spec, status }: DeepReadonly<Pod>): { readonly containers: number; readonly sidecars: number } {
  const names = new Set(
    (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  )
  const sidecars = (status?.initContainerStatuses ?? []).filter(({ name }) => names.has(name))
  return { containers: mostRestarts(status?.containerStatuses ?? []), sidecars: mostRestarts(sidecars) }
}

const mostRestarts = (statuses: readonly { readonly restartCount: number }[]): number =>
  Math.max(0, ...statuses.map(({ restartCount }) => restartCount))

/** Since when a ready Pod is ready; undefined: it is not, or does not say. */
export function readySinceMs({ status }: DeepReadonly<Pod>): number | undefined {
  const ready = status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True')
  return Date.parse(ready?.lastTransitionTime ?? '') || undefined
}

export function creationMs({ metadata }: DeepReadonly<Pod>): number | undefined {
  return Date.parse(metadata.creationTimestamp ?? '') || undefined
}

function compareYounger(a: number | undefined, b: number | undefined): number {
  if (a === undefined || b === undefined) return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1)
  return b - a
}
