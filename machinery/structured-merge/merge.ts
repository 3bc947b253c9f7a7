/**
 * A configuration merged into the live object: its leaves win, everything else stays, list items keep their order unless
 * the configuration has its own. The result shares values with both. Upstream: structured-merge-diff typed/merge.go.
 */
import { isObject, setMember } from '#machinery/util/json.ts'
import { itemElement, tryItemElement } from './list-items.ts'
import type { ListType, MapType, MergeType } from './types.ts'
import { shapeOf } from './types.ts'

type Members = Readonly<Record<string, unknown>>

export function mergeValues(type: MergeType, live: unknown, config: unknown): unknown {
  if (config === undefined) return live
  if (live === undefined) return config
  const shape = config === null ? shapeOf(type, live) : shapeOf(type, config)
  if (live !== null && shapeOf(type, live) !== shape) return config
  if (shape === 'map') return mergeMaps(type.map as MapType, live, config)
  return shape === 'list' ? mergeLists(type.list as ListType, live, config) : config
}

function mergeMaps(map: MapType, live: unknown, config: unknown): unknown {
  const before: Members = isObject(live) ? live : {}
  const wanted: Members = isObject(config) ? config : {}
  const isEmpty = Object.keys(before).length === 0 && Object.keys(wanted).length === 0
  if (map.isAtomic || isEmpty) return config
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(before)) {
    const mine = Object.hasOwn(wanted, name) ? wanted[name] : undefined
    const type = map.fields?.get(name)?.type ?? map.element
    setMember(out, name, type === undefined ? (mine ?? value) : mergeValues(type, value, mine))
  }
  for (const [name, value] of Object.entries(wanted)) if (!Object.hasOwn(before, name)) setMember(out, name, value)
  return out
}

function mergeLists(list: ListType, live: unknown, config: unknown): unknown {
  const before: readonly unknown[] = Array.isArray(live) ? live : []
  const wanted: readonly unknown[] = Array.isArray(config) ? config : []
  if (list.isAtomic || (before.length === 0 && wanted.length === 0)) return config
  return new ListMerge(list, before, wanted).merge()
}

/** Walks both lists at once: shared items in the configuration's order, the others where they stand. */
class ListMerge {
  readonly #list: ListType
  readonly #before: readonly { readonly element: string; readonly value: unknown }[]
  readonly #wanted: readonly string[]
  /** Null where duplicates make it unclear which item is meant. */
  readonly #live = new Map<string, unknown>()
  readonly #config = new Map<string, unknown>()
  readonly #merged = new Set<string>()
  readonly #out: unknown[] = []
  /** Items both have, in the configuration's order, and how far the merge has got among them. */
  readonly #shared: readonly string[]
  #nextShared = 0

  constructor(list: ListType, before: readonly unknown[], wanted: readonly unknown[]) {
    this.#list = list
    this.#before = before.flatMap((value) => {
      const element = tryItemElement(list, value)
      return element === undefined ? [] : [{ element, value }]
    })
    for (const { element, value } of this.#before) this.#live.set(element, this.#live.has(element) ? null : value)
    this.#wanted = wanted.map((value) => {
      const element = itemElement(list, value)
      this.#config.set(element, value)
      return element
    })
    this.#shared = this.#wanted.filter((element) => this.#live.has(element))
  }

  merge(): unknown[] {
    let left = 0
    let right = 0
    while (left < this.#before.length || right < this.#wanted.length) {
      const item = this.#before[left]
      const wanted = this.#wanted[right]
      if (item !== undefined && wanted !== undefined) {
        if (item.element === wanted) {
          this.#take(wanted)
          left++
          right++
          this.#nextShared++
          continue
        }
        const nextShared = this.#shared[this.#nextShared]
        if (this.#config.has(item.element) && nextShared !== undefined && nextShared !== item.element) {
          left++
          continue
        }
      }
      if (item !== undefined) {
        if (!this.#config.has(item.element)) {
          this.#out.push(item.value)
          left++
          continue
        }
        if (this.#merged.has(item.element)) left++
      }
      if (wanted === undefined) continue
      this.#take(wanted)
      right++
      if (this.#shared[this.#nextShared] === wanted) this.#nextShared++
    }
    return this.#out
  }

  #take(element: string): void {
    this.#merged.add(element)
    const live = this.#live.get(element)
    this.#out.push(mergeValues(this.#list.element, live, this.#config.get(element)))
  }
}
