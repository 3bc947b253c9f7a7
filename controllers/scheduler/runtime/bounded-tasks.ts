/** Work that goes on beside the loop, so much of it at a time. */

export class BoundedTasks {
  readonly #limit: number
  readonly #running = new Set<Promise<void>>()
  #wake: () => void = () => undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#running.size
  }

  get isFull(): boolean {
    return this.#running.size >= this.#limit
  }

  /** `task` must not reject. Starts at once, also beyond the limit: callers wait for `room` first. */
  start(task: () => Promise<void>): void {
    const running = task().finally(() => {
      this.#running.delete(running)
      this.#wake()
    })
    this.#running.add(running)
  }

  async room(): Promise<void> {
    while (this.isFull) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async idle(): Promise<void> {
    await Promise.allSettled(this.#running)
  }
}
