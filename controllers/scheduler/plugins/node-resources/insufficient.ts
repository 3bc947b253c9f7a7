/** What a node lacks for a Pod's requests. Upstream: plugins/noderesources/fit.go fitsRequest. */
import type { NodeInfo, ResourceAmounts, Verdict } from '../../framework/interfaces.ts'

/** `all`: what the node has of it. */
export type IsIgnored = (name: string, all: number) => boolean

/** Every reason, not only the first. */
export function insufficient(
  wanted: Readonly<ResourceAmounts>,
  node: Pick<NodeInfo, 'allocatable' | 'requested'> & { readonly pods: { readonly size: number } },
  isIgnored: IsIgnored,
): Verdict | undefined {
  const { allocatable, requested } = node
  // Most nodes fit most Pods, and this is asked more often than anything else.
  if (
    node.pods.size < allocatable.pods &&
    isWithin(wanted.milliCpu, requested.milliCpu, allocatable.milliCpu) &&
    isWithin(wanted.memory, requested.memory, allocatable.memory) &&
    isWithin(wanted.ephemeralStorage, requested.ephemeralStorage, allocatable.ephemeralStorage) &&
    wanted.scalar.size === 0
  )
    return undefined
  let reasons: string[] | undefined
  let isUnresolvable = false
  const check = (name: string, amount: number, used: number, all: number): void => {
    if (isWithin(amount, used, all)) return
    reasons ??= []
    reasons.push(`Insufficient ${name}`)
    if (amount > all) isUnresolvable = true
  }
  if (node.pods.size + 1 > allocatable.pods) reasons = ['Too many pods']
  check('cpu', wanted.milliCpu, requested.milliCpu, allocatable.milliCpu)
  check('memory', wanted.memory, requested.memory, allocatable.memory)
  check('ephemeral-storage', wanted.ephemeralStorage, requested.ephemeralStorage, allocatable.ephemeralStorage)
  for (const [name, amount] of wanted.scalar) {
    const all = allocatable.scalar.get(name) ?? 0
    if (!isIgnored(name, all)) check(name, amount, requested.scalar.get(name) ?? 0, all)
  }
  if (reasons === undefined) return undefined
  return { code: isUnresolvable ? 'UnschedulableAndUnresolvable' : 'Unschedulable', reasons }
}

/** A node that is overcommitted already takes what asks for nothing. */
const isWithin = (amount: number, used: number, all: number): boolean => amount === 0 || amount <= all - used
