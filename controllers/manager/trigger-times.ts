/**
 * The annotation `endpoints.kubernetes.io/last-change-trigger-time`: when the change happened that endpoints are written for.
 * Upstream: staging/src/k8s.io/endpointslice/util/trigger_time_tracker.go.
 */
import type { Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import { keyString, keyStringOf } from '#machinery/informers/key.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey } from '#sdk'

export class TriggerTimes {
  /** Per Service the times of its Pods at the last look; a Service's own time, its creation, never changes. */
  readonly #seen = new Map<string, { readonly uid: string; readonly pods: ReadonlyMap<string, string> }>()

  /** RFC 3339; undefined: no trigger is known, the annotation goes. To be called at each sync, also of an unchanged Service. */
  next(service: DeepReadonly<Service>, pods: readonly DeepReadonly<Pod>[]): string | undefined {
    const { uid = '', creationTimestamp } = service.metadata
    const key = keyStringOf(service)
    const before = this.#seen.get(key)
    const times = new Map<string, string>()
    let earliest: string | undefined
    for (const { metadata, status } of pods) {
      const time = status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
      if (typeof time !== 'string') continue
      const name = metadata.name ?? ''
      times.set(name, time)
      const isNews = time > (before?.pods.get(name) ?? '')
      if (isNews && (earliest === undefined || time < earliest)) earliest = time
    }
    this.#seen.set(key, { uid, pods: times })
    return before?.uid === uid ? earliest : (creationTimestamp ?? undefined)
  }

  forget(key: ObjectKey): void {
    this.#seen.delete(keyString(key))
  }
}
