/**
 * Finds devices for all requests of all claims of a Pod on one node: the first solution in the order of pools, slices and
 * devices. One device after the other, claim after claim; what does not lead to a solution is given back.
 *
 * Upstream: dynamic-resource-allocation/structured allocateOne, allocateDevice. Differs: the devices of one request are
 * tried as sets, not in every order, which finds the same first solution; a device of which only a part is wanted pays its
 * counters once.
 */
import { toleratesDeviceTaint } from '#machinery/devices/tolerations.ts'
import { assert } from '#machinery/util/assert.ts'
import type { Budget } from './budget.ts'
import type { Amounts } from './capacity.ts'
import { consumedCapacity } from './capacity.ts'
import type { Constraint } from './constraints.ts'
import { Counters } from './counters.ts'
import type { Candidate, DeviceUse } from './interfaces.ts'
import { RESULTS_MAX } from './interfaces.ts'
import type { Alternative, Request } from './requests.ts'

/** One claim, ready to be searched for. */
export interface Wanted {
  /** `claim namespace/name`, for errors. */
  readonly label: string
  readonly requests: readonly Request[]
  readonly constraints: readonly Constraint[]
}

export interface Grant {
  readonly request: Alternative
  readonly candidate: Candidate
  /** Of a device that can be shared. */
  readonly consumed: Amounts | undefined
  /** Counters of the pool went to the device with this grant. */
  readonly paid: boolean
}

/** `too-many`: more devices than a claim can hold, whatever is chosen for the requests before. */
type Outcome = 'found' | 'none' | 'too-many'

export class Search {
  readonly #wanted: readonly Wanted[]
  readonly #use: DeviceUse
  readonly #budget: Budget
  readonly #counters: Counters
  /** By claim. */
  readonly #grants: Grant[][]
  /** Device -> claims that get it for themselves. */
  readonly #taking = new Map<string, Set<number>>()
  /** Device that can be shared -> what is taken of it, grant by grant. */
  readonly #sharing = new Map<string, Amounts[]>()
  /** Devices whose counters are paid. */
  readonly #paid = new Set<string>()

  constructor(wanted: readonly Wanted[], use: DeviceUse, budget: Budget) {
    this.#wanted = wanted
    this.#use = use
    this.#budget = budget
    this.#counters = new Counters(use)
    this.#grants = wanted.map(() => [])
  }

  /** By claim; undefined when there is no solution. Throws AllocationTimeout, and what selectors throw. */
  run(): readonly (readonly Grant[])[] | undefined {
    return this.#claim(0) === 'found' ? this.#grants : undefined
  }

  #claim(claim: number): Outcome {
    return claim === this.#wanted.length ? 'found' : this.#request(claim, 0)
  }

  #request(claim: number, request: number): Outcome {
    const { requests } = this.#wanted[claim] ?? NOTHING_WANTED
    const alternatives = requests[request]
    if (alternatives === undefined) {
      // Another choice in this claim may leave the next one fewer devices to take.
      const next = this.#claim(claim + 1)
      return next === 'too-many' ? 'none' : next
    }
    let outcome: Outcome = 'too-many'
    for (const alternative of alternatives) {
      const found = this.#fill({ claim, request, alternative, missing: alternative.count, from: 0 })
      if (found === 'found') return found
      if (found === 'none') outcome = 'none'
    }
    return outcome
  }

  /** `missing` more devices, none of them before `from` in the order of candidates. */
  #fill(place: Place): Outcome {
    const { claim, request, alternative, missing, from } = place
    this.#budget.spend()
    if (alternative.takesAll && alternative.count === 0) return 'none'
    if (missing === 0) return this.#request(claim, request + 1)
    if (this.#grantsOf(claim).length + missing > RESULTS_MAX) return 'too-many'
    for (let i = from; ; i++) {
      const candidate = alternative.candidate(i)
      if (candidate === undefined) return 'none'
      this.#budget.spend()
      const grant = this.#take(place, candidate)
      if (grant !== undefined) {
        // The same device may be shared by one request.
        const next = grant.consumed === undefined ? i + 1 : i
        const outcome = this.#fill({ ...place, missing: missing - 1, from: alternative.takesAll ? i + 1 : next })
        if (outcome === 'found') return outcome
        this.#giveBack(claim, grant)
        if (outcome === 'too-many') return outcome
      }
      // All means this one as well.
      if (alternative.takesAll) return 'none'
    }
  }

  /** Throws when all devices are wanted and a constraint forbids one: no other choice would help. */
  #take({ claim, alternative }: Place, candidate: Candidate): Grant | undefined {
    if (!this.#isFree(claim, alternative, candidate) || !isTolerable(candidate, alternative)) return undefined
    const amounts = consumedCapacity(candidate.device, alternative.capacity, this.#usesOf(candidate))
    if (amounts === undefined) return undefined
    const paid = this.#paysCounters(alternative, candidate)
    if (paid && !this.#counters.take(candidate)) return undefined
    if (!this.#join(claim, alternative, candidate)) {
      if (paid) this.#counters.giveBack(candidate)
      if (!alternative.takesAll) return undefined
      const what = `${this.#wanted[claim]?.label}, request ${alternative.name.split('/').at(-1)}`
      throw new Error(`${what}: cannot add device ${candidate.id} because a claim constraint would not be satisfied`)
    }
    const grant = { request: alternative, candidate, consumed: isShareable(candidate) ? amounts : undefined, paid }
    this.#grantsOf(claim).push(grant)
    if (paid) this.#paid.add(candidate.id)
    if (grant.consumed !== undefined) {
      this.#sharing.set(candidate.id, [...(this.#sharing.get(candidate.id) ?? []), grant.consumed])
    } else this.#taking.set(candidate.id, new Set([...(this.#taking.get(candidate.id) ?? []), claim]))
    return grant
  }

  /** Grants go back in the opposite order. */
  #giveBack(claim: number, grant: Grant): void {
    const { request, candidate, consumed, paid } = grant
    const last = this.#grantsOf(claim).pop()
    assert(last === grant, 'grants are given back in the opposite order')
    if (consumed === undefined) this.#taking.get(candidate.id)?.delete(claim)
    else this.#sharing.set(candidate.id, (this.#sharing.get(candidate.id) ?? []).slice(0, -1))
    for (const constraint of this.#wanted[claim]?.constraints ?? []) constraint.remove(request, candidate)
    if (!paid) return
    this.#paid.delete(candidate.id)
    this.#counters.giveBack(candidate)
  }

  /** With admin access a device may be taken that others have, but once in a claim. */
  #isFree(claim: number, { isAdmin }: Alternative, candidate: Candidate): boolean {
    const { id } = candidate
    const taking = this.#taking.get(id)
    if (isAdmin) return isShareable(candidate) || taking?.has(claim) !== true
    if (this.#use.isTaken(id) || (taking !== undefined && taking.size > 0)) return false
    return isShareable(candidate) || !this.#use.isShared(id)
  }

  #usesOf(candidate: Candidate): readonly Amounts[] {
    if (!isShareable(candidate)) return []
    return [this.#use.consumed(candidate.id), ...(this.#sharing.get(candidate.id) ?? [])]
  }

  /** Whoever shares the device already has paid; admin access takes nothing. */
  #paysCounters({ isAdmin }: Alternative, { id, device }: Candidate): boolean {
    return !isAdmin && device.consumesCounters !== undefined && !this.#use.isShared(id) && !this.#paid.has(id)
  }

  #join(claim: number, alternative: Alternative, candidate: Candidate): boolean {
    const { constraints } = this.#wanted[claim] ?? NOTHING_WANTED
    for (const [i, constraint] of constraints.entries()) {
      if (constraint.add(alternative, candidate)) continue
      for (const joined of constraints.slice(0, i)) joined.remove(alternative, candidate)
      return false
    }
    return true
  }

  #grantsOf(claim: number): Grant[] {
    const grants = this.#grants[claim]
    assert(grants !== undefined, 'every claim has a list of grants')
    return grants
  }
}

interface Place {
  readonly claim: number
  readonly request: number
  readonly alternative: Alternative
  readonly missing: number
  readonly from: number
}

const NOTHING_WANTED: Omit<Wanted, 'label'> = { requests: [], constraints: [] }

const isShareable = ({ device }: Candidate): boolean => device.allowMultipleAllocations === true

/** Taints with other effects are for people to read. */
function isTolerable({ device }: Candidate, { tolerations = [] }: Alternative): boolean {
  return (device.taints ?? []).every(
    (taint) =>
      (taint.effect !== 'NoSchedule' && taint.effect !== 'NoExecute') ||
      tolerations.some((toleration) => toleratesDeviceTaint(toleration, taint)),
  )
}
