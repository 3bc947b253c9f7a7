/** Requested and allocatable amounts of the resources a strategy looks at. Upstream: plugins/noderesources/resource_allocation.go. */
import type { NodeInfo, PodInfo, ResourceAmounts } from '../../framework/interfaces.ts'
import type { Scorer } from './strategies.ts'

export interface ScoredResource {
  readonly name: string
  readonly weight: number
}

export const DEFAULT_RESOURCES: readonly ScoredResource[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]

export class ResourceScorer {
  readonly #resources: readonly ScoredResource[]
  readonly #weights: readonly number[]
  readonly #scorer: Scorer
  /** What containers really ask for, instead of 100m / 200 MiB for those that ask for nothing. */
  readonly #usesRequested: boolean
  /** Of the node that is looked at: made once, for this is done for every node and Pod. */
  readonly #requested: number[]
  readonly #allocatable: number[]
  readonly #used: number[]

  constructor(resources: readonly ScoredResource[], scorer: Scorer, usesRequested: boolean) {
    this.#resources = resources
    this.#weights = resources.map(({ weight }) => weight)
    this.#scorer = scorer
    this.#usesRequested = usesRequested
    this.#requested = resources.map(() => 0)
    this.#allocatable = resources.map(() => 0)
    this.#used = resources.map(() => 0)
  }

  /** In the order of the resources. */
  requestsOf(pod: PodInfo): readonly number[] {
    const amounts = this.#usesRequested ? pod.requests : { ...pod.requests, ...pod.nonZero }
    return this.#resources.map(({ name }) => amountOf(amounts, name))
  }

  score(requests: readonly number[], node: NodeInfo): number {
    const requested = this.#requested
    const allocatable = this.#allocatable
    const used = this.#used
    for (let i = 0; i < this.#resources.length; i++) {
      const name = this.#resources[i]?.name ?? ''
      const wanted = requests[i] ?? 0
      // A device nobody asks for says nothing about the node.
      const isIgnored = wanted === 0 && isScalar(name)
      allocatable[i] = isIgnored ? 0 : amountOf(node.allocatable, name)
      const before = this.#usesRequested ? amountOf(node.requested, name) : nonZeroAmountOf(node, name)
      used[i] = before
      requested[i] = before + wanted
    }
    return this.#scorer(requested, allocatable, this.#weights, used)
  }
}

const isScalar = (name: string): boolean => name !== 'cpu' && name !== 'memory' && name !== 'ephemeral-storage'

function nonZeroAmountOf(node: NodeInfo, name: string): number {
  if (name === 'cpu') return node.nonZeroRequested.milliCpu
  if (name === 'memory') return node.nonZeroRequested.memory
  return amountOf(node.requested, name)
}

function amountOf(amounts: Readonly<ResourceAmounts>, name: string): number {
  switch (name) {
    case 'cpu':
      return amounts.milliCpu
    case 'memory':
      return amounts.memory
    case 'ephemeral-storage':
      return amounts.ephemeralStorage
    default:
      return amounts.scalar.get(name) ?? 0
  }
}
