/**
 * Which Pods a Service selects and which Services select a Pod, both through indexes by one label entry: a Pod's change
 * wakes only the Services that select it, and nobody looks through a whole namespace. Upstream:
 * endpointslice/util/controller_utils.go (GetServicesToUpdate). Differs: upstream compares with every Service of the namespace.
 */
import type { Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import type { Informer, InformerHandler } from '#machinery/informers/shared-informer.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey } from '#sdk'
import { hasEndpointChanged, hasManagedEndpoints } from './endpoint-pods.ts'

const SELECTOR_INDEX = 'first-selector-entry'
const LABEL_INDEX = 'label-entry'
/** A Service with this many Pods waits this long for more changes before its endpoints are written again. */
const BATCH_MS_PER_POD = 0.5
const BATCH_FROM_PODS = 50
const BATCH_MS_MAX = 1_000

type Labels = Readonly<Record<string, string>>

export class ServicePods {
  readonly #services: Informer<Service>
  readonly #pods: Informer<Pod>
  /** Pods found at the last look, by Service. */
  readonly #sizes = new Map<string, number>()

  constructor(services: Informer<Service>, pods: Informer<Pod>) {
    this.#services = services
    this.#pods = pods
    services.addIndex(SELECTOR_INDEX, selectorEntryOf)
    pods.addIndex(LABEL_INDEX, ({ metadata }) => labelEntries(metadata.namespace, metadata.labels))
  }

  podsOf(service: DeepReadonly<Service>): DeepReadonly<Pod>[] {
    const { selector = {} } = service.spec ?? {}
    const { namespace } = service.metadata
    let fewest: DeepReadonly<Pod>[] | undefined
    for (const entry of labelEntries(namespace, selector)) {
      const found = this.#pods.lister.byIndex(LABEL_INDEX, entry)
      if (fewest === undefined || found.length < fewest.length) fewest = found
    }
    const pods = (fewest ?? []).filter(({ metadata }) => isSelected(selector, metadata.labels))
    this.#sizes.set(keyString(objectKeyOf(service)), pods.length)
    return pods
  }

  forget(key: ObjectKey): void {
    this.#sizes.delete(keyString(key))
  }

  /** Wakes the Services that select a Pod, before or after its change; large ones after a short wait for more. */
  watch(enqueue: (key: ObjectKey, afterMs: number) => void): InformerHandler<Pod> {
    const wake = (pod: DeepReadonly<Pod>): void => {
      for (const service of this.#servicesOf(pod)) {
        const key = objectKeyOf(service)
        enqueue(key, batchMs(this.#sizes.get(keyString(key)) ?? 0))
      }
    }
    return {
      onAdd: wake,
      onUpdate: (old, pod) => {
        const hasOtherLabels = !areEqual(old.metadata.labels, pod.metadata.labels)
        if (hasOtherLabels) wake(old)
        if (hasOtherLabels || hasEndpointChanged(old, pod)) wake(pod)
      },
      onDelete: wake,
    }
  }

  #servicesOf({ metadata }: DeepReadonly<Pod>): DeepReadonly<Service>[] {
    return labelEntries(metadata.namespace, metadata.labels).flatMap((entry) =>
      this.#services.lister
        .byIndex(SELECTOR_INDEX, entry)
        .filter(({ spec }) => isSelected(spec?.selector ?? {}, metadata.labels)),
    )
  }
}

/** Rewriting thousands of endpoints for each of a burst of changes would cost more than the wait. */
function batchMs(pods: number): number {
  return pods < BATCH_FROM_PODS ? 0 : Math.min(pods * BATCH_MS_PER_POD, BATCH_MS_MAX)
}

function selectorEntryOf(service: DeepReadonly<Service>): readonly string[] {
  if (!hasManagedEndpoints(service)) return []
  return labelEntries(service.metadata.namespace, service.spec?.selector).slice(0, 1)
}

function labelEntries(namespace = '', labels: Labels = {}): string[] {
  return Object.entries(labels).map(([key, value]) => `${namespace}/${key}=${value}`)
}

function isSelected(selector: Labels, labels: Labels = {}): boolean {
  return Object.entries(selector).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value)
}

function areEqual(a: Labels = {}, b: Labels = {}): boolean {
  return Object.keys(a).length === Object.keys(b).length && isSelected(a, b)
}
