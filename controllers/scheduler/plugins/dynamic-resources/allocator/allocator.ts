/**
 * Allocates the claims of one Pod on one node after the other; made anew for each scheduling cycle. Pure but for the IDs of
 * shares: what it finds is nobody's until the claim tracker is told.
 * Upstream: dynamic-resource-allocation/structured.
 */
import type { AllocationResult } from '#machinery/api/resource/v1/types.gen.ts'
import type { FrozenNode } from '../../../framework/interfaces.ts'
import { allocationResult } from './allocation-result.ts'
import { CycleBudget } from './budget.ts'
import { newConstraint } from './constraints.ts'
import type { DeviceSelectors, DeviceUse, FrozenClaim, FrozenClass, Pool } from './interfaces.ts'
import { requestsOf } from './requests.ts'
import type { Wanted } from './search.ts'
import { Search } from './search.ts'

export interface AllocatorOptions {
  readonly use: DeviceUse
  readonly poolsOf: (node: FrozenNode) => readonly Pool[]
  readonly classOf: (name: string) => FrozenClass | undefined
  readonly selectors: DeviceSelectors
  readonly newShareId: () => string
  readonly monotonicMs: () => number
  /** For one node; 0: none. */
  readonly timeoutMs: number
}

/** The node has a pool nobody can use; other nodes may do. */
export class UnusablePoolsError extends Error {
  override readonly name = 'UnusablePoolsError'

  constructor() {
    super('invalid resource pools were encountered')
  }
}

export class Allocator {
  readonly #options: AllocatorOptions
  readonly #budget: CycleBudget

  constructor(options: AllocatorOptions) {
    this.#options = options
    this.#budget = new CycleBudget(options.monotonicMs, options.timeoutMs)
  }

  /**
   * One result for each claim, or undefined when the node does not have the devices. Throws UnusablePoolsError,
   * AllocationTimeout, and any other Error when claim or class can be allocated nowhere.
   */
  allocate(node: FrozenNode, claims: readonly FrozenClaim[]): AllocationResult[] | undefined {
    const { use, poolsOf, classOf, selectors, newShareId } = this.#options
    const pools = poolsOf(node)
    const budget = this.#budget.forNode()
    const world = { node, pools, classOf, selectors, use, budget }
    const wanted = claims.map((claim): Wanted => {
      const label = `claim ${claim.metadata.namespace}/${claim.metadata.name}`
      const constraints = (claim.spec?.devices?.constraints ?? []).map((constraint, i) =>
        newConstraint(constraint, `${label}, constraint #${i}`),
      )
      return { label, requests: requestsOf(claim, world), constraints }
    })
    const grants = new Search(wanted, use, budget).run()
    if (grants !== undefined) {
      const { name = '' } = node.metadata
      return claims.map((claim, i) => allocationResult(claim, grants[i] ?? [], name, newShareId))
    }
    if (pools.some(({ problem }) => problem !== undefined)) throw new UnusablePoolsError()
    return undefined
  }
}
