/**
 * When do the Pods of a claim have to go because of NoExecute taints of its devices? Pure.
 * Upstream: pkg/controller/devicetainteviction evictionTime.
 * Differs: a toleration without effect tolerates NoExecute for good, as its documentation says.
 */
import type {
  DeviceRequestAllocationResult,
  DeviceTaint,
  ResourceClaim,
  ResourceSlice,
} from '#machinery/api/resource/v1/types.gen.ts'
import { toleratesDeviceTaint } from '#machinery/devices/tolerations.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenSlice = DeepReadonly<ResourceSlice>
type FrozenTaint = DeepReadonly<DeviceTaint>
type Allocated = DeepReadonly<DeviceRequestAllocationResult>

/** Name of a pool among those of all drivers. */
export const poolOf = ({ driver, pool }: { readonly driver: string; readonly pool: string }): string =>
  `${driver}/${pool}`

/** Devices a claim has been given; none while it is not allocated. */
export const allocatedDevices = ({ status }: DeepReadonly<ResourceClaim>): readonly Allocated[] =>
  status?.allocation?.devices?.results ?? []

/** Of a whole slice, by device: what can make claims lose their Pods. */
export function noExecuteTaints({ spec }: FrozenSlice): (readonly [device: string, taint: FrozenTaint])[] {
  return (spec.devices ?? []).flatMap(({ name, taints = [] }) =>
    taints.filter(({ effect }) => effect === 'NoExecute').map((taint) => [name, taint] as const),
  )
}

/**
 * Milliseconds since the epoch, or undefined: they may stay. `slicesOf` gives the slices of a pool, of which only those
 * of the newest generation count.
 */
export function evictionTimeMs(
  claim: DeepReadonly<ResourceClaim>,
  slicesOf: (pool: string) => readonly FrozenSlice[],
  nowMs: number,
): number | undefined {
  const times = allocatedDevices(claim).flatMap((allocated) =>
    taintsOf(allocated.device, slicesOf(poolOf(allocated))).flatMap(
      (taint) => leavingMs(allocated, taint, nowMs) ?? [],
    ),
  )
  return times.length === 0 ? undefined : Math.min(...times)
}

function taintsOf(device: string, slices: readonly FrozenSlice[]): FrozenTaint[] {
  const newest = Math.max(...slices.map(({ spec }) => spec.pool.generation ?? 0))
  return slices
    .filter(({ spec }) => (spec.pool.generation ?? 0) === newest)
    .flatMap((slice) => noExecuteTaints(slice))
    .flatMap(([name, taint]) => (name === device ? [taint] : []))
}

function leavingMs({ tolerations = [] }: Allocated, taint: FrozenTaint, nowMs: number): number | undefined {
  const fitting = tolerations.filter((toleration) => toleratesDeviceTaint(toleration, taint))
  // Seconds mean something with the effect NoExecute only.
  const seconds = fitting.map(({ effect, tolerationSeconds }) =>
    effect === 'NoExecute' ? tolerationSeconds : undefined,
  )
  if (seconds.includes(undefined)) return undefined
  const addedMs = taint.timeAdded === undefined ? nowMs : Date.parse(taint.timeAdded)
  const shortest = Math.min(...seconds.map((value) => value ?? 0))
  return seconds.length === 0 ? addedMs : addedMs + Math.max(0, shortest) * 1_000
}
