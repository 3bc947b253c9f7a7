/** The objects of one resource: by key, in key order, and by the resource's named indexes. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { SortedMap } from '../sorted-map.ts'
import type { CacheEntry } from './cache-entry.ts'

type IndexFunction = (object: DeepReadonly<KubeObject>) => string | undefined

interface NamedIndex {
  readonly indexOf: IndexFunction
  readonly byValue: Map<string, SortedMap<CacheEntry>>
}

/** Visits in key order until `visit` returns false. */
export type Scan = (start: string, end: string | undefined, visit: (entry: CacheEntry, key: string) => boolean) => void

const NOTHING: Scan = () => {}

export class ObjectIndex {
  readonly #objects = new SortedMap<CacheEntry>()
  readonly #indexes = new Map<string, NamedIndex>()

  constructor(indexes: Readonly<Record<string, IndexFunction>>) {
    for (const [name, indexOf] of Object.entries(indexes)) this.#indexes.set(name, { indexOf, byValue: new Map() })
  }

  get size(): number {
    return this.#objects.size
  }

  get indexNames(): Iterable<string> {
    return this.#indexes.keys()
  }

  hasIndex(name: string): boolean {
    return this.#indexes.has(name)
  }

  indexValue(name: string, entry: CacheEntry | undefined): string | undefined {
    return entry === undefined ? undefined : this.#indexes.get(name)?.indexOf(entry.object)
  }

  get(key: string): CacheEntry | undefined {
    return this.#objects.get(key)
  }

  /** `previous` is what `get(entry.key)` gives. */
  set(entry: CacheEntry, previous: CacheEntry | undefined): void {
    this.#objects.set(entry.key, entry)
    for (const index of this.#indexes.values()) {
      const value = index.indexOf(entry.object)
      const oldValue = previous === undefined ? undefined : index.indexOf(previous.object)
      if (oldValue !== undefined && oldValue !== value) removeFrom(index, oldValue, entry.key)
      if (value !== undefined) addTo(index, value, entry)
    }
  }

  delete(previous: CacheEntry): void {
    this.#objects.delete(previous.key)
    for (const index of this.#indexes.values()) {
      const oldValue = index.indexOf(previous.object)
      if (oldValue !== undefined) removeFrom(index, oldValue, previous.key)
    }
  }

  clear(): void {
    this.#objects.clear()
    for (const index of this.#indexes.values()) index.byValue.clear()
  }

  count(start: string, end: string | undefined): number {
    return this.#objects.count(start, end)
  }

  readonly scan: Scan = (start, end, visit) => this.#objects.scan(start, end, visit)

  /** The objects that have `value` in the index. The index must exist. */
  scanIndex(name: string, value: string): Scan {
    const bucket = this.#indexes.get(name)?.byValue.get(value)
    return bucket === undefined ? NOTHING : (start, end, visit) => bucket.scan(start, end, visit)
  }

  /** The objects as they were, given the versions that have changed since. */
  scanUndone(versions: ReadonlyMap<string, CacheEntry | undefined>): Scan {
    if (versions.size === 0) return this.scan
    return (start, end, visit) => {
      const isWanted = (key: string): boolean => key >= start && (end === undefined || key < end)
      const deletedSince: CacheEntry[] = []
      for (const [key, version] of versions) {
        if (version !== undefined && isWanted(key) && this.#objects.get(key) === undefined) deletedSince.push(version)
      }
      deletedSince.sort((a, b) => (a.key < b.key ? -1 : 1))
      let next = 0
      let isOn = true
      const visitDeletedBefore = (key: string | undefined): void => {
        for (; isOn && next < deletedSince.length; next++) {
          const entry = deletedSince[next]
          if (entry === undefined || (key !== undefined && entry.key >= key)) return
          isOn = visit(entry, entry.key)
        }
      }
      this.#objects.scan(start, end, (entry, key) => {
        visitDeletedBefore(key)
        const version = versions.has(key) ? versions.get(key) : entry
        if (isOn && version !== undefined) isOn = visit(version, key)
        return isOn
      })
      visitDeletedBefore(undefined)
    }
  }
}

function addTo(index: NamedIndex, value: string, entry: CacheEntry): void {
  let bucket = index.byValue.get(value)
  if (bucket === undefined) {
    bucket = new SortedMap()
    index.byValue.set(value, bucket)
  }
  bucket.set(entry.key, entry)
}

function removeFrom(index: NamedIndex, value: string, key: string): void {
  const bucket = index.byValue.get(value)
  if (bucket?.delete(key) && bucket.size === 0) index.byValue.delete(value)
}
