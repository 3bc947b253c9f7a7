/**
 * The EndpointSlices a controller has written and its cache may not show yet: what to expect of the cache before it may
 * be believed. Upstream: staging/src/k8s.io/endpointslice/util/endpointslice_tracker.go.
 */
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { keyString } from '#machinery/informers/key.ts'
import type { InformerHandler } from '#machinery/informers/shared-informer.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey } from '#sdk'

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
export const SLICE_MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by'

/** A slice changed by somebody else is looked at after this long, so that a burst of such changes is one look. */
const FOREIGN_CHANGE_MS = 1_000
const DELETION_EXPECTED = -1

type Slice = DeepReadonly<EndpointSlice>

/** The Service (or Endpoints) a slice belongs to; undefined without the label. */
export function serviceKeyOf({ metadata }: Slice): ObjectKey | undefined {
  const name = metadata.labels?.[SERVICE_NAME_LABEL] ?? ''
  return name === '' ? undefined : { namespace: metadata.namespace ?? '', name }
}

export const SLICES_BY_SERVICE = 'service-name-and-manager'

/** Index values under which a manager finds the slices of a Service. */
export function sliceIndexOf(slice: Slice): readonly string[] {
  const key = serviceKeyOf(slice)
  return key === undefined ? [] : [sliceIndexValue(key, slice.metadata.labels?.[SLICE_MANAGED_BY_LABEL] ?? '')]
}

export function sliceIndexValue(key: ObjectKey, manager: string): string {
  return `${manager}|${keyString(key)}`
}

interface Expected {
  readonly uid: string
  /** By uid of the slice; DELETION_EXPECTED once deleted. */
  readonly generations: Map<string, number>
}

export class SliceTracker {
  readonly #manager: string
  readonly #expected = new Map<string, Expected>()

  constructor(manager: string) {
    this.#manager = manager
  }

  /** Whether the cache shows less than was written for this owner. An owner of another uid is a new one: nothing is expected. */
  isBehind(key: ObjectKey, uid: string, slices: readonly Slice[]): boolean {
    const expected = this.#expected.get(keyString(key))
    if (expected === undefined) return false
    if (expected.uid !== uid) {
      this.forget(key)
      return false
    }
    const missing = new Map([...expected.generations].filter(([, generation]) => generation !== DELETION_EXPECTED))
    for (const { metadata } of slices) {
      const generation = expected.generations.get(metadata.uid ?? '')
      missing.delete(metadata.uid ?? '')
      if (generation === undefined) continue
      if (generation === DELETION_EXPECTED || generation > (metadata.generation ?? 0)) return true
    }
    return missing.size > 0
  }

  wrote(key: ObjectKey, uid: string, { metadata }: Slice): void {
    this.#of(key, uid).set(metadata.uid ?? '', metadata.generation ?? 0)
  }

  deleted(key: ObjectKey, uid: string, { metadata }: Slice): void {
    this.#of(key, uid).set(metadata.uid ?? '', DELETION_EXPECTED)
  }

  forget(key: ObjectKey): void {
    this.#expected.delete(keyString(key))
  }

  /** Wakes the owners of slices that somebody else has changed, deleted, or taken from or given to this manager. */
  watch(enqueue: (key: ObjectKey, afterMs: number) => void): InformerHandler<EndpointSlice> {
    const wake = (slice: Slice): void => {
      const key = serviceKeyOf(slice)
      if (key !== undefined) enqueue(key, FOREIGN_CHANGE_MS)
    }
    const isManaged = ({ metadata }: Slice) => metadata.labels?.[SLICE_MANAGED_BY_LABEL] === this.#manager
    return {
      onAdd: (slice) => {
        if (isManaged(slice) && this.#isNews(slice)) wake(slice)
      },
      onUpdate: (old, slice) => {
        const isMoved = old.metadata.labels?.[SERVICE_NAME_LABEL] !== slice.metadata.labels?.[SERVICE_NAME_LABEL]
        if (isMoved) wake(old)
        const isHandedOver = isManaged(old) !== isManaged(slice)
        if (isMoved || isHandedOver || (isManaged(slice) && this.#isNews(slice))) wake(slice)
      },
      onDelete: (slice) => {
        if (isManaged(slice) && this.#settleDeletion(slice) === 'unexpected') wake(slice)
      },
    }
  }

  #of(key: ObjectKey, uid: string): Map<string, number> {
    const name = keyString(key)
    let expected = this.#expected.get(name)
    if (expected?.uid !== uid) {
      expected = { uid, generations: new Map() }
      this.#expected.set(name, expected)
    }
    return expected.generations
  }

  #generationsFor(slice: Slice): Map<string, number> | undefined {
    const key = serviceKeyOf(slice)
    return key === undefined ? undefined : this.#expected.get(keyString(key))?.generations
  }

  #isNews(slice: Slice): boolean {
    const generation = this.#generationsFor(slice)?.get(slice.metadata.uid ?? '')
    return generation === undefined || (slice.metadata.generation ?? 0) > generation
  }

  #settleDeletion(slice: Slice): 'expected' | 'unexpected' {
    const generations = this.#generationsFor(slice)
    const generation = generations?.get(slice.metadata.uid ?? '')
    generations?.delete(slice.metadata.uid ?? '')
    return generation === undefined || generation === DELETION_EXPECTED ? 'expected' : 'unexpected'
  }
}
