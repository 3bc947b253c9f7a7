/** A heap whose elements can be found, moved and taken out by key in O(log n). Upstream: scheduler backend/heap/heap.go. */

export class KeyedHeap<T> {
  readonly #items: T[] = []
  readonly #places = new Map<string, number>()
  readonly #keyOf: (item: T) => string
  readonly #isLess: (a: T, b: T) => boolean

  constructor(keyOf: (item: T) => string, isLess: (a: T, b: T) => boolean) {
    this.#keyOf = keyOf
    this.#isLess = isLess
  }

  get size(): number {
    return this.#items.length
  }

  get(key: string): T | undefined {
    const place = this.#places.get(key)
    return place === undefined ? undefined : this.#items[place]
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  values(): Iterable<T> {
    return this.#items
  }

  /** Adds the item, or puts it where it now belongs. */
  set(item: T): void {
    const key = this.#keyOf(item)
    const known = this.#places.get(key)
    const place = known ?? this.#items.length
    this.#put(item, place)
    if (!this.#rise(place)) this.#sink(place)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    if (first !== undefined) this.delete(this.#keyOf(first))
    return first
  }

  delete(key: string): T | undefined {
    const place = this.#places.get(key)
    if (place === undefined) return undefined
    const removed = this.#items[place]
    const last = this.#items.pop()
    this.#places.delete(key)
    if (last !== undefined && place < this.#items.length) {
      this.#put(last, place)
      if (!this.#rise(place)) this.#sink(place)
    }
    return removed
  }

  #put(item: T, place: number): void {
    this.#items[place] = item
    this.#places.set(this.#keyOf(item), place)
  }

  #swap(i: number, j: number): void {
    const a = this.#items[i] as T
    this.#put(this.#items[j] as T, i)
    this.#put(a, j)
  }

  #less(i: number, j: number): boolean {
    return this.#isLess(this.#items[i] as T, this.#items[j] as T)
  }

  #rise(from: number): boolean {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#less(place, parent)) break
      this.#swap(place, parent)
      place = parent
    }
    return place !== from
  }

  #sink(from: number): void {
    for (let place = from; ; ) {
      let smallest = place
      for (const child of [2 * place + 1, 2 * place + 2])
        if (child < this.#items.length && this.#less(child, smallest)) smallest = child
      if (smallest === place) return
      this.#swap(place, smallest)
      place = smallest
    }
  }
}
