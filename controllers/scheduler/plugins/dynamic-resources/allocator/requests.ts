/**
 * What a claim asks for, made ready for the search: each request as its alternatives (one for `exactly`), with class, count
 * and the devices that match. Upstream: dynamic-resource-allocation/structured validateDeviceRequest, isSelectable.
 */
import type {
  CapacityRequirements,
  DeviceSelector,
  DeviceSubRequest,
  DeviceToleration,
} from '#machinery/api/resource/v1/types.gen.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenNode } from '../../../framework/interfaces.ts'
import type { Budget } from './budget.ts'
import { consumedCapacity } from './capacity.ts'
import type { Candidate, DeviceSelectors, DeviceUse, FrozenClaim, FrozenClass, Pool } from './interfaces.ts'
import { deviceId, RESULTS_MAX } from './interfaces.ts'
import { nodeMatches } from './pools.ts'

export interface Alternative {
  /** `request`, or `request/subrequest`. */
  readonly name: string
  /** The request, for a subrequest. */
  readonly parent: string | undefined
  readonly isAdmin: boolean
  readonly tolerations: readonly DeepReadonly<DeviceToleration>[] | undefined
  readonly capacity: DeepReadonly<CapacityRequirements> | undefined
  readonly class: FrozenClass
  /** All that match, and no fewer. */
  readonly takesAll: boolean
  readonly count: number
  /** The i-th device that matches, looked for when it is asked for; undefined past the last. Throws as selectors do. */
  candidate(i: number): Candidate | undefined
}

/** Alternatives in the order of preference. */
export type Request = readonly Alternative[]

export interface RequestWorld {
  readonly node: FrozenNode
  readonly pools: readonly Pool[]
  readonly classOf: (name: string) => FrozenClass | undefined
  readonly selectors: DeviceSelectors
  readonly use: DeviceUse
  readonly budget: Budget
}

/** Throws an Error when the claim cannot be allocated anywhere, or not now. */
export function requestsOf(claim: FrozenClaim, world: RequestWorld): Request[] {
  const requests = (claim.spec?.devices?.requests ?? []).map(({ name, exactly, firstAvailable = [] }): Request => {
    if (exactly !== undefined)
      return [newAlternative({ claim, world, wanted: exactly, name, isAdmin: exactly.adminAccess === true })]
    return firstAvailable.map((wanted) =>
      newAlternative({ claim, world, wanted, name: `${name}/${wanted.name}`, parent: name, isAdmin: false }),
    )
  })
  const least = requests.reduce((sum, request) => sum + Math.min(...request.map(({ count }) => count)), 0)
  if (least > RESULTS_MAX) {
    const problem = `number of requested devices ${least} exceeds the claim limit of ${RESULTS_MAX}`
    throw new Error(`claim ${nameOf(claim)}: ${problem}`)
  }
  return requests
}

interface Wish {
  readonly claim: FrozenClaim
  readonly world: RequestWorld
  readonly wanted: DeepReadonly<Omit<DeviceSubRequest, 'name'>>
  readonly name: string
  readonly parent?: string
  readonly isAdmin: boolean
}

function newAlternative(wish: Wish): Alternative {
  const { claim, world, wanted, name, parent, isAdmin } = wish
  // Of a subrequest upstream gives its own name only.
  const where = `claim ${nameOf(claim)}, request ${name.split('/').at(-1)}`
  const { deviceClassName, allocationMode = 'ExactCount' } = wanted
  const deviceClass = world.classOf(deviceClassName)
  if (deviceClass === undefined) {
    const missing = `deviceclass.resource.k8s.io "${deviceClassName}" not found`
    throw new Error(`${where}: could not retrieve device class ${deviceClassName}: ${missing}`)
  }
  const takesAll = allocationMode === 'All'
  if (!takesAll && allocationMode !== 'ExactCount')
    throw new Error(`${where}: unsupported count mode ${allocationMode}`)
  if (takesAll) checkPools(where, world.pools)
  const devices = matchingDevices(wish, deviceClass, where)
  const matching = new LazyList(takesAll ? withCapacity(devices, wish) : devices)
  return {
    name,
    parent,
    isAdmin,
    tolerations: wanted.tolerations,
    capacity: wanted.capacity,
    class: deviceClass,
    takesAll,
    count: takesAll ? matching.length() : (wanted.count ?? 1),
    candidate: (i) => matching.at(i),
  }
}

/** How many "all" are is not known while a pool changes. */
function checkPools(where: string, pools: readonly Pool[]): void {
  for (const { id, isIncomplete, problem } of pools) {
    const state = isIncomplete ? 'being updated' : problem === undefined ? undefined : 'invalid'
    if (state !== undefined)
      throw new Error(`${where}: asks for all devices, but resource pool ${id} is currently ${state}`)
  }
}

function* matchingDevices(
  { claim, world, wanted }: Wish,
  deviceClass: FrozenClass,
  where: string,
): Generator<Candidate> {
  const { node, pools, selectors, budget } = world
  const ofClass = expressionsOf(deviceClass.spec?.selectors, where)
  const ofRequest = expressionsOf(wanted.selectors, where)
  for (const pool of pools) {
    if (pool.isIncomplete || pool.problem !== undefined) continue
    for (const slice of pool.slices) {
      const { driver, pool: poolRef, devices = [], perDeviceNodeSelection } = slice.spec
      for (const device of devices) {
        budget.spend()
        const matches = (expression: string): boolean => selectors.matches(expression, driver, device, budget)
        if (!everyMatches(ofClass, matches, `class ${deviceClass.metadata.name}`)) continue
        if (!everyMatches(ofRequest, matches, `claim ${nameOf(claim)}`)) continue
        if (perDeviceNodeSelection === true && !nodeMatches(node, device)) continue
        yield { id: deviceId(driver, poolRef.name, device.name), device, slice, pool }
      }
    }
  }
}

/** "All" are those that have what is asked of each. */
function* withCapacity(devices: Iterable<Candidate>, { world: { use }, wanted }: Wish): Generator<Candidate> {
  for (const candidate of devices)
    if (consumedCapacity(candidate.device, wanted.capacity, [use.consumed(candidate.id)]) !== undefined) yield candidate
}

function everyMatches(
  expressions: readonly string[],
  matches: (expression: string) => boolean,
  where: string,
): boolean {
  return expressions.every((expression, i) => {
    try {
      return matches(expression)
    } catch (err: unknown) {
      throw new Error(`${where}: selector #${i}: ${errorMessage(err)}`, { cause: err })
    }
  })
}

function expressionsOf(selectors: readonly DeepReadonly<DeviceSelector>[] | undefined, where: string): string[] {
  return (selectors ?? []).map(({ cel }, i) => {
    if (cel === undefined)
      throw new Error(`${where}, selector #${i}: CEL expression empty (unsupported selector type?)`)
    return cel.expression
  })
}

const nameOf = ({ metadata }: FrozenClaim): string => `${metadata.namespace}/${metadata.name}`

/** Takes from its source no more than was asked for. */
class LazyList<T> {
  readonly #source: Iterator<T>
  readonly #known: T[] = []
  #isComplete = false
  #problem: { readonly error: unknown } | undefined

  constructor(source: Iterator<T>) {
    this.#source = source
  }

  at(i: number): T | undefined {
    while (this.#known.length <= i && !this.#isComplete) this.#advance()
    if (this.#known.length <= i && this.#problem !== undefined) throw this.#problem.error
    return this.#known[i]
  }

  length(): number {
    while (!this.#isComplete) this.#advance()
    if (this.#problem !== undefined) throw this.#problem.error
    return this.#known.length
  }

  #advance(): void {
    try {
      const next = this.#source.next()
      if (next.done === true) this.#isComplete = true
      else this.#known.push(next.value)
    } catch (error: unknown) {
      this.#isComplete = true
      this.#problem = { error }
    }
  }
}
