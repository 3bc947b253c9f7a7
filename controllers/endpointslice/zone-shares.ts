/**
 * How much of the cluster's CPU each zone has, and how many endpoints of a Service that entitles it to. Pure.
 * Upstream: staging/src/k8s.io/endpointslice/topologycache/topologycache.go (SetNodes, getAllocations).
 */
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { parseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** A zone may have this much less than its share before hints do more harm than good. */
const OVERLOAD_THRESHOLD = 0.2

/** Share of the CPU by zone, summing to 1; undefined: some node lacks zone or CPU, or there is one zone only. */
export type ZoneShares = ReadonlyMap<string, number>

export interface Allocation {
  readonly minimum: number
  readonly maximum: number
  readonly desired: number
}

const EXCLUDING_LABELS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']

export function zoneShares(nodes: readonly DeepReadonly<Node>[]): ZoneShares | undefined {
  const cpu = new Map<string, number>()
  let total = 0
  for (const { metadata, status } of nodes) {
    const labels = metadata.labels ?? {}
    if (EXCLUDING_LABELS.some((label) => Object.hasOwn(labels, label))) continue
    if (status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True') continue
    const zone = labels['topology.kubernetes.io/zone'] ?? ''
    const milliCpu = parseQuantity(String(status.allocatable?.['cpu'] ?? '0')).milliValue()
    if (zone === '' || milliCpu === 0) return undefined
    cpu.set(zone, (cpu.get(zone) ?? 0) + milliCpu)
    total += milliCpu
  }
  if (cpu.size < 2) return undefined
  return new Map([...cpu].map(([zone, milliCpu]) => [zone, milliCpu / total]))
}

/** Bounds by zone, or the reason why there can be none. */
export function allocate(shares: ZoneShares | undefined, endpoints: number): ReadonlyMap<string, Allocation> | string {
  if (shares === undefined)
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'
  const counts = `(${endpoints} endpoints, ${shares.size} zones)`
  if (shares.size > endpoints) return `Insufficient number of endpoints ${counts}`
  const minimums = [...shares].map(([zone, share]) => ({
    zone,
    desired: share * endpoints,
    minimum: minimumOf(share, endpoints),
  }))
  const minimumTotal = minimums.reduce((sum, { minimum }) => sum + minimum, 0)
  if (minimumTotal > endpoints)
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${counts}`
  const spare = endpoints - minimumTotal
  return new Map(
    minimums.map(({ zone, desired, minimum }) => [
      zone,
      { minimum, maximum: minimum + spare, desired: Math.max(desired, minimum) },
    ]),
  )
}

/** Whether some zone now has fewer endpoints than it needs. */
export function isOverloaded(endpointsByZone: ReadonlyMap<string, number>, shares: ZoneShares | undefined): boolean {
  if (endpointsByZone.size === 0) return false
  if (shares === undefined) return true
  const total = [...endpointsByZone.values()].reduce((sum, count) => sum + count, 0)
  return [...shares].some(([zone, share]) => (endpointsByZone.get(zone) ?? -1) < minimumOf(share, total))
}

function minimumOf(share: number, endpoints: number): number {
  return Math.ceil((share * endpoints) / (1 + OVERLOAD_THRESHOLD))
}
