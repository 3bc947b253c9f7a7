/**
 * Nodes of one zone that wait to be tainted NoExecute, let through at the zone's rate: when much of a zone is lost, the
 * fault is likelier with us than with the nodes. Upstream: pkg/controller/nodelifecycle/scheduler/rate_limited_queue.go.
 */
import type { Clock } from '#machinery/util/clock.ts'
import { TokenBucket } from '#machinery/workqueue/rate-limiter.ts'

const BURST = 1

export class ZoneQueue {
  readonly #clock: Clock
  readonly #waiting = new Set<string>()
  /** Waiting or already let through: a node is let through once, until it is removed. */
  readonly #known = new Set<string>()
  #perSecond: number
  /** Undefined: nobody passes. */
  #bucket: TokenBucket | undefined

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#bucket = this.#newBucket(perSecond)
  }

  get perSecond(): number {
    return this.#perSecond
  }

  /** Somebody waits who may pass some time. */
  get isBusy(): boolean {
    return this.#waiting.size > 0 && this.#bucket !== undefined
  }

  get isEmpty(): boolean {
    return this.#known.size === 0
  }

  get waiting(): number {
    return this.#waiting.size
  }

  add(node: string): void {
    if (this.#known.has(node)) return
    this.#known.add(node)
    this.#waiting.add(node)
  }

  remove(node: string): void {
    this.#known.delete(node)
    this.#waiting.delete(node)
  }

  setRate(perSecond: number): void {
    if (perSecond === this.#perSecond) return
    // Changing the rate back and forth must not let more pass than either rate would.
    const isSpent = this.#bucket?.tryTake() !== true
    this.#perSecond = perSecond
    this.#bucket = this.#newBucket(perSecond)
    if (isSpent) this.#bucket?.tryTake()
  }

  /** Calls `taint` for those whose turn it is; one that fails waits again, behind the others. */
  async letThrough(taint: (node: string) => Promise<boolean>): Promise<void> {
    for (const node of [...this.#waiting]) {
      if (this.#bucket?.tryTake() !== true) return
      if (!this.#waiting.delete(node)) continue
      if (await taint(node)) continue
      if (this.#known.has(node)) this.#waiting.add(node)
    }
  }

  #newBucket(perSecond: number): TokenBucket | undefined {
    return perSecond <= 0 ? undefined : new TokenBucket({ qps: perSecond, burst: BURST }, this.#clock)
  }
}
