/**
 * What has been let through and is not in the cache yet. Checking and reserving happen in one synchronous step, so
 * writes of the same moment cannot both take the last place.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import type { AdmissionAttributes } from '../interfaces.ts'

type Objects = readonly DeepReadonly<KubeObject>[]

interface Reservation {
  readonly object: DeepReadonly<KubeObject>
  /** Of the object it replaces; undefined for a create. */
  readonly oldVersion: string | undefined
  readonly atMs: number
}

/** How long a write may take to show in the cache; one that failed after admission counts for as long. */
const IN_FLIGHT_MS = 2000

export class Reservations {
  readonly #deps: Pick<AdmissionDeps, 'objects' | 'clock'>
  /** By kind and namespace, then by object name. */
  readonly #waiting = new Map<string, Map<string, Reservation>>()

  constructor(deps: Pick<AdmissionDeps, 'objects' | 'clock'>) {
    this.#deps = deps
  }

  /** The namespace's objects of this kind as they will be when everything let through is stored. */
  objects(attributes: AdmissionAttributes): Objects {
    const stored = this.#deps.objects?.(attributes.group, attributes.resource, attributes.namespace) ?? []
    const key = keyOf(attributes)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return stored
    const sinceMs = this.#deps.clock.monotonicMs() - IN_FLIGHT_MS
    const byName = new Map(stored.map((object) => [object.metadata.name ?? '', object]))
    for (const [name, { object, oldVersion, atMs }] of waiting) {
      if (atMs <= sinceMs || byName.get(name)?.metadata.resourceVersion !== oldVersion) waiting.delete(name)
      else byName.set(name, object)
    }
    if (waiting.size === 0) this.#waiting.delete(key)
    return [...byName.values()]
  }

  add(attributes: AdmissionAttributes, object: DeepReadonly<KubeObject>): void {
    const key = keyOf(attributes)
    const waiting = this.#waiting.get(key) ?? new Map<string, Reservation>()
    this.#waiting.set(key, waiting)
    const oldVersion = attributes.oldObject?.metadata.resourceVersion
    waiting.set(object.metadata.name ?? '', { object, oldVersion, atMs: this.#deps.clock.monotonicMs() })
  }

  /** What is deleted has been stored before: without this, a short-lived object would keep its place for a while. */
  release(attributes: AdmissionAttributes): void {
    this.#waiting.get(keyOf(attributes))?.delete(attributes.name)
  }
}

const keyOf = ({ group, resource, namespace }: AdmissionAttributes): string => `${group}/${resource}/${namespace}`
