/**
 * Resources in plain numbers: milli-CPU, bytes, pieces. Upstream: scheduler framework/types.go Resource, PodInfo.CalculateResource.
 * Numbers are exact up to 2^53; memory beyond that (8 PiB) is rounded.
 */

import type { Quantity } from '#machinery/quantity/quantity.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { podRequests } from '#machinery/quota/pod-resources.ts'
import type { FrozenNode, FrozenPod, ResourceAmounts } from './interfaces.ts'

/** What a container that asks for nothing counts as when nodes are compared. */
const DEFAULT_MILLI_CPU = 100
const DEFAULT_MEMORY = 200 * 1024 * 1024
const MISSING = { cpu: `${DEFAULT_MILLI_CPU}m`, memory: String(DEFAULT_MEMORY) }

export interface NonZeroAmounts {
  milliCpu: number
  memory: number
}

export const newAmounts = (): ResourceAmounts => ({ milliCpu: 0, memory: 0, ephemeralStorage: 0, scalar: new Map() })

/** Spelled out: all amounts are one shape to the engine, and filters read little else. */
export const copyAmounts = ({
  milliCpu,
  memory,
  ephemeralStorage,
  scalar,
}: Readonly<ResourceAmounts>): ResourceAmounts => ({
  milliCpu,
  memory,
  ephemeralStorage,
  scalar: new Map(scalar),
})

/** `sign` 1 adds, -1 takes away. */
export function addAmounts(to: ResourceAmounts, amounts: Readonly<ResourceAmounts>, sign: 1 | -1): void {
  to.milliCpu += sign * amounts.milliCpu
  to.memory += sign * amounts.memory
  to.ephemeralStorage += sign * amounts.ephemeralStorage
  for (const [name, amount] of amounts.scalar) to.scalar.set(name, (to.scalar.get(name) ?? 0) + sign * amount)
}

export function nodeAllocatable({ status }: FrozenNode): ResourceAmounts & { pods: number } {
  const amounts = { ...newAmounts(), pods: 0 }
  for (const [name, text] of Object.entries(status?.allocatable ?? {})) {
    const quantity = tryParseQuantity(String(text))
    if (quantity === undefined) continue
    if (name === 'pods') amounts.pods = quantity.value()
    else setAmount(amounts, name, quantity)
  }
  return amounts
}

export function podAmounts(pod: FrozenPod): { readonly requests: ResourceAmounts; readonly nonZero: NonZeroAmounts } {
  const list = podRequests(pod)
  const requests = newAmounts()
  for (const [name, quantity] of list) if (name !== 'pods') setAmount(requests, name, quantity)
  const missing = missingRequests(pod, list)
  const counted = missing === undefined ? list : podRequests(pod, missing)
  const nonZero = {
    milliCpu: counted.get('cpu')?.milliValue() ?? 0,
    memory: counted.get('memory')?.value() ?? 0,
  }
  return { requests, nonZero }
}

/** Undefined when every container says what it wants. Requests of the Pod as a whole replace those of containers. */
function missingRequests({ spec }: FrozenPod, list: ReadonlyMap<string, Quantity>): Record<string, string> | undefined {
  const hasPodLevel = ['cpu', 'memory'].some((name) => spec.resources?.requests?.[name] !== undefined)
  if (hasPodLevel) {
    const missing = Object.entries(MISSING).filter(([name]) => !list.has(name))
    return missing.length === 0 ? undefined : Object.fromEntries(missing)
  }
  const isComplete = [...spec.containers, ...(spec.initContainers ?? [])].every(
    ({ resources }) => resources?.requests?.['cpu'] !== undefined && resources.requests['memory'] !== undefined,
  )
  return isComplete ? undefined : MISSING
}

function setAmount(amounts: ResourceAmounts, name: string, quantity: Quantity): void {
  switch (name) {
    case 'cpu':
      amounts.milliCpu = quantity.milliValue()
      break
    case 'memory':
      amounts.memory = quantity.value()
      break
    case 'ephemeral-storage':
      amounts.ephemeralStorage = quantity.value()
      break
    default:
      amounts.scalar.set(name, quantity.value())
  }
}
