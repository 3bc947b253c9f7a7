/** What the allocator works on: devices of pools as a node sees them, and what of them is taken. */
import type {
  AllocationResult,
  CounterSet,
  Device,
  DeviceClass,
  ResourceClaim,
  ResourceSlice,
} from '#machinery/api/resource/v1/types.gen.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Budget } from './budget.ts'

export type FrozenClaim = DeepReadonly<ResourceClaim>
export type FrozenSlice = DeepReadonly<ResourceSlice>
export type FrozenDevice = DeepReadonly<Device>
export type FrozenClass = DeepReadonly<DeviceClass>
export type FrozenAllocation = DeepReadonly<AllocationResult>

/** The devices of one driver's pool that a node can reach. */
export interface Pool {
  /** `driver/pool`. */
  readonly id: string
  /** The driver is replacing it: some slices are missing. Gives no devices. */
  readonly isIncomplete: boolean
  /** Why it gives no devices: the driver published nonsense. */
  readonly problem: string | undefined
  /** By name; those with devices for the node. */
  readonly slices: readonly FrozenSlice[]
  /** Devices for other nodes, which consume the same counters. */
  readonly otherSlices: readonly FrozenSlice[]
  readonly counterSets: ReadonlyMap<string, DeepReadonly<CounterSet>>
}

/** A device that a request may get. */
export interface Candidate {
  /** `driver/pool/device`. */
  readonly id: string
  readonly device: FrozenDevice
  readonly slice: FrozenSlice
  readonly pool: Pool
}

/** What claims have; does not change while a Pod is looked at. */
export interface DeviceUse {
  /** By a claim that has the device for itself. */
  isTaken(id: string): boolean
  /** By claims that share the device. */
  isShared(id: string): boolean
  /** Of a shared device, by capacity name. */
  consumed(id: string): ReadonlyMap<string, Quantity>
}

/**
 * Device selectors. Throws an Error that begins with "CEL compile error: " or "CEL runtime error: ". What a look at the
 * device costs beyond a step is charged to `budget`.
 */
export interface DeviceSelectors {
  matches(expression: string, driver: string, device: FrozenDevice, budget: Budget): boolean
}

export const deviceId = (driver: string, pool: string, device: string): string => `${driver}/${pool}/${device}`

/** Upstream: resource.k8s.io AllocationResultsMaxSize. */
export const RESULTS_MAX = 32
