/** Work that goes on beside the loop, so much of it at a time; what is more waits, in its order. */

export class BoundedTasks {
  readonly #limit: number
  readonly #running = new Set<Promise<void>>()
  readonly #waiting: (() => Promise<void>)[] = []
  #wake: () => void = () => undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Running and waiting. */
  get size(): number {
    return this.#running.size + this.#waiting.length
  }

  get isFull(): boolean {
    return this.size >= this.#limit
  }

  /** `task` must not reject. Starts at once, or when there is room. Who makes many asks `room` first. */
  start(task: () => Promise<void>): void {
    if (this.#running.size >= this.#limit) this.#waiting.push(task)
    else this.#run(task)
  }

  /** For one caller at a time. */
  async room(): Promise<void> {
    while (this.isFull) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async idle(): Promise<void> {
    while (this.size > 0) await Promise.allSettled(this.#running)
  }

  #run(task: () => Promise<void>): void {
    const running = task().finally(() => {
      this.#running.delete(running)
      const next = this.#waiting.shift()
      if (next !== undefined) this.#run(next)
      this.#wake()
    })
    this.#running.add(running)
  }
}
