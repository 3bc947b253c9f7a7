/**
 * Which pools a node can reach, as ResourceSlices describe them: only the newest generation counts, and only when all of its
 * slices are there. Upstream: dynamic-resource-allocation/structured/internal/…/pools.go GatherPools.
 */
import type { NodeSelector } from '#machinery/api/core/v1/types.gen.ts'
import type { CounterSet } from '#machinery/api/resource/v1/types.gen.ts'
import { nodeSelectorMatcher } from '#machinery/scheduling/node-affinity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenNode } from '../../../framework/interfaces.ts'
import type { FrozenSlice, Pool } from './interfaces.ts'

/** Of a slice, or of a device with perDeviceNodeSelection. */
interface NodeSelection {
  readonly nodeName?: string
  readonly allNodes?: boolean
  readonly nodeSelector?: DeepReadonly<NodeSelector>
}

export function nodeMatches(node: FrozenNode, { nodeName = '', allNodes, nodeSelector }: NodeSelection): boolean {
  if (nodeName !== '') return node.metadata.name === nodeName
  if (allNodes === true) return true
  return nodeSelector !== undefined && nodeSelectorMatcher(nodeSelector).matches(node)
}

export const poolIdOf = ({ spec }: FrozenSlice): string => `${spec.driver}/${spec.pool.name}`

/**
 * `slices`: all that may be for the node. `slicesOf`: every slice of a pool. Pools with devices that a node has to wait for
 * (binding conditions) come last, the others in the order of their names.
 */
export function poolsOfNode(
  node: FrozenNode,
  slices: Iterable<FrozenSlice>,
  slicesOf: (poolId: string) => readonly FrozenSlice[],
): Pool[] {
  const pools: Pool[] = []
  for (const [id, reachable] of newestByPool(node, slices)) {
    const pool = newPool(id, reachable, slicesOf)
    if (pool !== undefined) pools.push(pool)
  }
  const delayed = new Set(pools.filter(hasBindingConditions))
  return pools.sort(
    (a, b) => Number(delayed.has(a)) - Number(delayed.has(b)) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  )
}

function newestByPool(node: FrozenNode, slices: Iterable<FrozenSlice>): ReadonlyMap<string, FrozenSlice[]> {
  const pools = new Map<string, FrozenSlice[]>()
  for (const slice of slices) {
    if (!isReachable(node, slice)) continue
    const id = poolIdOf(slice)
    const known = pools.get(id)
    const newer = slice.spec.pool.generation - (known?.[0]?.spec.pool.generation ?? slice.spec.pool.generation)
    if (known === undefined || newer > 0) pools.set(id, [slice])
    else if (newer === 0) known.push(slice)
  }
  return pools
}

function isReachable(node: FrozenNode, { spec }: FrozenSlice): boolean {
  if (spec.perDeviceNodeSelection === true) return (spec.devices ?? []).some((device) => nodeMatches(node, device))
  return nodeMatches(node, spec)
}

/** Undefined: a newer generation has no devices for the node. */
function newPool(
  id: string,
  reachable: readonly FrozenSlice[],
  slicesOf: (poolId: string) => readonly FrozenSlice[],
): Pool | undefined {
  const { generation, resourceSliceCount } = reachable[0]?.spec.pool ?? { generation: 0, resourceSliceCount: 0 }
  let all = reachable
  if (reachable.length !== resourceSliceCount) {
    const known = slicesOf(id)
    if (known.some(({ spec }) => spec.pool.generation > generation)) return undefined
    all = known.filter(({ spec }) => spec.pool.generation === generation)
  }
  if (all.length !== resourceSliceCount) return { ...NO_DEVICES, id, isIncomplete: true }
  const slices = byName(reachable.filter(hasNoCounters))
  const known = new Set(reachable)
  const otherSlices = all.filter((slice) => !known.has(slice) && hasNoCounters(slice))
  const counterSets = new Map<string, DeepReadonly<CounterSet>>()
  const problem =
    duplicateDevice(slices) ??
    addCounterSets(counterSets, all) ??
    unknownCounter(counterSets, [...slices, ...otherSlices])
  if (problem !== undefined) return { ...NO_DEVICES, id, problem }
  return { id, isIncomplete: false, problem: undefined, slices, otherSlices, counterSets }
}

const NO_DEVICES: Omit<Pool, 'id'> = {
  isIncomplete: false,
  problem: undefined,
  slices: [],
  otherSlices: [],
  counterSets: new Map(),
}

/** A slice has either devices or counters. */
const hasNoCounters = ({ spec }: FrozenSlice): boolean => (spec.sharedCounters ?? []).length === 0

const byName = (slices: FrozenSlice[]): FrozenSlice[] =>
  slices.sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))

const hasBindingConditions = ({ slices }: Pool): boolean =>
  slices.some(({ spec }) => (spec.devices ?? []).some(({ bindingConditions }) => bindingConditions !== undefined))

function duplicateDevice(slices: readonly FrozenSlice[]): string | undefined {
  const names = new Set<string>()
  for (const { spec } of slices) {
    for (const { name } of spec.devices ?? []) {
      if (names.has(name)) return `duplicate device name ${name}`
      names.add(name)
    }
  }
  return undefined
}

function addCounterSets(
  counterSets: Map<string, DeepReadonly<CounterSet>>,
  slices: readonly FrozenSlice[],
): string | undefined {
  for (const { spec } of slices) {
    for (const set of spec.sharedCounters ?? []) {
      if (counterSets.has(set.name)) return `duplicate counter set name ${set.name}`
      counterSets.set(set.name, set)
    }
  }
  return undefined
}

function unknownCounter(
  counterSets: ReadonlyMap<string, DeepReadonly<CounterSet>>,
  slices: readonly FrozenSlice[],
): string | undefined {
  for (const device of slices.flatMap(({ spec }) => spec.devices ?? [])) {
    for (const { counterSet, counters = {} } of device.consumesCounters ?? []) {
      const known = counterSets.get(counterSet)
      if (known === undefined) return `counter set ${counterSet} not found`
      const missing = Object.keys(counters).find((name) => known.counters?.[name] === undefined)
      if (missing !== undefined) return `counter ${missing} not found in counter set ${counterSet}`
    }
  }
  return undefined
}
