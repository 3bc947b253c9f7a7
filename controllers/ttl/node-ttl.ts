/**
 * How long kubelets may keep Secrets and ConfigMaps, by the number of nodes. The ranges overlap, so that a cluster at a
 * border does not swing. Pure. Upstream: pkg/controller/ttl.
 */
interface SizeRange {
  readonly nodesMin: number
  readonly nodesMax: number
  readonly seconds: number
}

const RANGES: readonly SizeRange[] = [
  { nodesMin: 0, nodesMax: 100, seconds: 0 },
  { nodesMin: 90, nodesMax: 500, seconds: 15 },
  { nodesMin: 450, nodesMax: 1_000, seconds: 30 },
  { nodesMin: 900, nodesMax: 2_000, seconds: 60 },
  { nodesMin: 1_800, nodesMax: Number.POSITIVE_INFINITY, seconds: 300 },
]

/** The range for so many nodes, given that the cluster was in range `current` (an index; 0 at the start). */
export function nextRange(current: number, nodes: number): number {
  let index = current
  while (nodes > (RANGES[index]?.nodesMax ?? Number.POSITIVE_INFINITY)) index++
  while (nodes < (RANGES[index]?.nodesMin ?? 0)) index--
  return index
}

export function ttlSeconds(range: number): number {
  return RANGES[range]?.seconds ?? 0
}
