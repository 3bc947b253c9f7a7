/**
 * How much work an allocation may be: the search can be exponential, and nothing else runs meanwhile. Counted in steps (a
 * device looked at), with upstream's time limit besides. Upstream: DRASchedulerFilterTimeout, context deadline.
 */

/** About a tenth of a second. */
const STEPS_PER_NODE_MAX = 20_000
/** All nodes together, the work of other plugins between them included. */
const CYCLE_MAX_MS = 2_000
/** Looking at the clock costs more than a step. */
const STEPS_PER_LOOK = 256

/** The Pod is tried again after a while: what was evaluated is remembered, devices may have become free. */
export class AllocationTimeout extends Error {
  override readonly name = 'AllocationTimeout'

  constructor() {
    super('timed out trying to allocate devices')
  }
}

export interface Budget {
  /** One step. Throws AllocationTimeout when there is no more. */
  spend(): void
  /** Steps that were made already: the next `spend` may find that they were too many. */
  charge(steps: number): void
}

export class CycleBudget {
  readonly #monotonicMs: () => number
  /** 0: no time limit. */
  readonly #timeoutMs: number
  readonly #startedMs: number

  constructor(monotonicMs: () => number, timeoutMs: number) {
    this.#monotonicMs = monotonicMs
    this.#timeoutMs = timeoutMs
    this.#startedMs = monotonicMs()
  }

  /** For one node, a part of this one. */
  forNode(): Budget {
    const startedMs = this.#monotonicMs()
    let steps = 0
    let nextLook = STEPS_PER_LOOK
    return {
      charge: (made) => {
        steps += made
      },
      spend: () => {
        steps++
        if (steps > STEPS_PER_NODE_MAX) throw new AllocationTimeout()
        if (steps < nextLook) return
        nextLook = steps + STEPS_PER_LOOK
        const nowMs = this.#monotonicMs()
        const isNodeLate = this.#timeoutMs > 0 && nowMs - startedMs > this.#timeoutMs
        if (isNodeLate || nowMs - this.#startedMs > CYCLE_MAX_MS) throw new AllocationTimeout()
      },
    }
  }
}
