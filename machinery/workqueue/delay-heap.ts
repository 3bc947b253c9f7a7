/** Keys waiting for their time: a binary heap by due time; one entry per key, the earliest wins. Upstream: client-go delaying_queue.go. */

interface Waiting {
  readonly key: string
  dueMs: number
  position: number
}

export class DelayHeap {
  readonly #heap: Waiting[] = []
  readonly #byKey = new Map<string, Waiting>()

  get size(): number {
    return this.#heap.length
  }

  /** Due time of the earliest key. */
  get nextDueMs(): number | undefined {
    return this.#heap[0]?.dueMs
  }

  /** A key that already waits is only ever moved forward. */
  add(key: string, dueMs: number): void {
    const waiting = this.#byKey.get(key)
    if (waiting !== undefined) {
      if (dueMs >= waiting.dueMs) return
      waiting.dueMs = dueMs
      this.#up(waiting)
      return
    }
    const added: Waiting = { key, dueMs, position: this.#heap.length }
    this.#heap.push(added)
    this.#byKey.set(key, added)
    this.#up(added)
  }

  /** Removes and returns the earliest key when it is due. */
  popDue(nowMs: number): string | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.dueMs > nowMs) return undefined
    this.#byKey.delete(first.key)
    const last = this.#heap.pop()
    if (last !== undefined && last !== first) {
      this.#place(last, 0)
      this.#down(last)
    }
    return first.key
  }

  #place(waiting: Waiting, position: number): void {
    this.#heap[position] = waiting
    waiting.position = position
  }

  #up(waiting: Waiting): void {
    while (waiting.position > 0) {
      const parentPosition = (waiting.position - 1) >> 1
      const parent = this.#heap[parentPosition]
      if (parent === undefined || parent.dueMs <= waiting.dueMs) return
      this.#place(parent, waiting.position)
      this.#place(waiting, parentPosition)
    }
  }

  #down(waiting: Waiting): void {
    for (;;) {
      const left = this.#heap[2 * waiting.position + 1]
      const right = this.#heap[2 * waiting.position + 2]
      const child = right !== undefined && left !== undefined && right.dueMs < left.dueMs ? right : left
      if (child === undefined || child.dueMs >= waiting.dueMs) return
      const childPosition = child.position
      this.#place(child, waiting.position)
      this.#place(waiting, childPosition)
    }
  }
}
