/** What DynamicResources knows of one Pod in one cycle. */
import type { AllocationResult } from '#machinery/api/resource/v1/types.gen.ts'
import type { NodeMatcher } from '#machinery/scheduling/node-affinity.ts'
import type { Allocator } from './allocator/allocator.ts'
import type { FrozenClaim } from './allocator/interfaces.ts'
import type { ExtendedClaim, NodeClaim } from './extended-claim.ts'

export interface NodeAllocation {
  /** For each of `toAllocate`, then for `extended`. */
  readonly results: readonly AllocationResult[]
  readonly extended: NodeClaim | undefined
}

/** Extended resources between Reserve and the binding. */
export interface ExtendedReservation {
  readonly node: NodeClaim
  readonly allocation: AllocationResult
  /** Once it is in the API. */
  created: FrozenClaim | undefined
}

export interface ClaimState {
  /** Of the Pod, in its order; PreBind puts in what it has written. */
  readonly claims: FrozenClaim[]
  /** By claim: where its allocation can be used; undefined: anywhere, or not allocated. */
  readonly reachableFrom: readonly (NodeMatcher | undefined)[]
  /** Places of the claims that have no devices yet. */
  readonly toAllocate: readonly number[]
  /** Undefined when all claims have devices. */
  readonly allocator: Allocator | undefined
  /** For extended resources of the Pod that device classes stand for. */
  readonly extended: ExtendedClaim | undefined
  /** Filled in by Filter. */
  readonly byNode: Map<string, NodeAllocation>
  /** Places of allocated claims that a node could not use. */
  readonly unavailable: Set<number>
  /** Place -> what was reserved for the claim, not yet written. */
  readonly reserved: Map<number, AllocationResult>
  extendedReservation: ExtendedReservation | undefined
}
