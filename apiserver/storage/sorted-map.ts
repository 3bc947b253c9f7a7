/**
 * A map kept in key order: an array of bounded chunks, each sorted. Lookups and changes are O(log n) plus a splice within
 * one chunk; range scans touch nothing but the range. Order is by UTF-16 code unit, which is byte order for all keys
 * without astral characters.
 */
import { assert } from '#machinery/util/assert.ts'

const CHUNK_MAX = 256

interface Chunk<V> {
  readonly keys: string[]
  readonly values: V[]
}

export class SortedMap<V> {
  #chunks: Chunk<V>[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)]
    if (chunk === undefined) return undefined
    const at = lowerBound(chunk.keys, key)
    return chunk.keys[at] === key ? chunk.values[at] : undefined
  }

  set(key: string, value: V): void {
    const index = this.#chunkOf(key)
    const chunk = this.#chunks[index]
    if (chunk === undefined) {
      this.#append(key, value)
      return
    }
    const at = lowerBound(chunk.keys, key)
    if (chunk.keys[at] === key) {
      chunk.values[at] = value
      return
    }
    chunk.keys.splice(at, 0, key)
    chunk.values.splice(at, 0, value)
    this.#size++
    if (chunk.keys.length > CHUNK_MAX) this.#split(index, chunk)
  }

  delete(key: string): boolean {
    const index = this.#chunkOf(key)
    const chunk = this.#chunks[index]
    if (chunk === undefined) return false
    const at = lowerBound(chunk.keys, key)
    if (chunk.keys[at] !== key) return false
    chunk.keys.splice(at, 1)
    chunk.values.splice(at, 1)
    if (chunk.keys.length === 0) this.#chunks.splice(index, 1)
    this.#size--
    return true
  }

  clear(): void {
    this.#chunks = []
    this.#size = 0
  }

  /**
   * Visits start <= key < end in order until `visit` returns false; `end` undefined = no upper bound. The map must not
   * be changed meanwhile.
   */
  scan(start: string, end: string | undefined, visit: (value: V, key: string) => boolean): void {
    let index = this.#chunkOf(start)
    let chunk = this.#chunks[index]
    let at = chunk === undefined ? 0 : lowerBound(chunk.keys, start)
    while (chunk !== undefined) {
      for (; at < chunk.keys.length; at++) {
        const key = chunk.keys[at]
        if (key === undefined || (end !== undefined && key >= end)) return
        if (!visit(chunk.values[at] as V, key)) return
      }
      index++
      at = 0
      chunk = this.#chunks[index]
    }
  }

  /** Number of keys in start <= key < end. */
  count(start: string, end: string | undefined): number {
    return (end === undefined ? this.#size : this.#rank(end)) - this.#rank(start)
  }

  /** Number of keys below `key`. */
  #rank(key: string): number {
    const index = this.#chunkOf(key)
    let rank = 0
    for (let i = 0; i < index; i++) rank += this.#chunks[i]?.keys.length ?? 0
    const chunk = this.#chunks[index]
    return chunk === undefined ? rank : rank + lowerBound(chunk.keys, key)
  }

  /** The last chunk whose first key is <= key, else the first chunk. */
  #chunkOf(key: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const first = this.#chunks[middle]?.keys[0]
      assert(first !== undefined, 'a chunk is never empty')
      if (first <= key) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : low - 1
  }

  #append(key: string, value: V): void {
    this.#chunks.push({ keys: [key], values: [value] })
    this.#size++
  }

  /** Ascending inserts, the usual case for generated names and start-up, leave full chunks behind. */
  #split(index: number, chunk: Chunk<V>): void {
    const isLast = index === this.#chunks.length - 1
    const at = isLast ? CHUNK_MAX - 16 : CHUNK_MAX >>> 1
    this.#chunks.splice(index + 1, 0, { keys: chunk.keys.splice(at), values: chunk.values.splice(at) })
  }
}

/** The end of the range that holds exactly the keys starting with `prefix`; undefined = unbounded. */
export function endOfPrefix(prefix: string): string | undefined {
  if (prefix === '') return undefined
  const last = prefix.charCodeAt(prefix.length - 1)
  return last === 0xffff ? undefined : prefix.slice(0, -1) + String.fromCharCode(last + 1)
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}
