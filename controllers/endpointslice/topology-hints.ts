/**
 * Hints for the annotation `service.kubernetes.io/topology-mode: Auto`: endpoints are given to zones in proportion to the
 * zones' CPU, or there are no hints at all, with an event saying why. Remembers which Services have hints.
 * Upstream: staging/src/k8s.io/endpointslice/topologycache (AddHints, redistributeHints, getHintsByZone).
 */
import type { Service } from '#machinery/api/core/v1/types.gen.ts'
import type { Endpoint, EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { keyString, keyStringOf, parseKey } from '#machinery/informers/key.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventType, ObjectKey } from '#sdk'
import type { AddressType } from './desired-endpoints.ts'
import type { SlicePlan } from './slice-plan.ts'
import { removeHints } from './traffic-hints.ts'
import type { Allocation, ZoneShares } from './zone-shares.ts'
import { allocate, isOverloaded } from './zone-shares.ts'

export interface HintsEvent {
  readonly type: EventType
  readonly reason: 'TopologyAwareHintsEnabled' | 'TopologyAwareHintsDisabled'
  readonly message: string
}

type Counts = Map<string, number>

export function wantsTopologyHints({ metadata }: DeepReadonly<Service>): boolean {
  const { annotations = {} } = metadata
  const mode =
    annotations['service.kubernetes.io/topology-aware-hints'] ?? annotations['service.kubernetes.io/topology-mode']
  return mode === 'Auto' || mode === 'auto'
}

export class TopologyHints {
  #shares: ZoneShares | undefined
  /** Endpoints by zone, of the Services that have hints. */
  readonly #counts = new Map<string, Map<AddressType, Counts>>()
  /** Services whose users were told last that there are hints. As upstream, one of two address types without ends that. */
  readonly #announced = new Set<string>()
  /** Services that asked for hints and could not have them. */
  readonly #refused = new Set<string>()

  /** Returns the Services whose hints no longer fit the zones, and those that may have some now. */
  setShares(shares: ZoneShares | undefined): ObjectKey[] {
    if (areEqual(this.#shares, shares)) return []
    this.#shares = shares
    const overloaded = [...this.#counts]
      .filter(([, byType]) => [...byType.values()].some((counts) => isOverloaded(counts, shares)))
      .map(([key]) => key)
    return [...overloaded, ...this.#refused].map(parseKey)
  }

  /** Changes the plan; returns what to tell the user. */
  add(plan: SlicePlan, service: DeepReadonly<Service>, addressType: AddressType): HintsEvent[] {
    const slices = [...plan.create, ...plan.update, ...plan.unchanged]
    const ready = slices.flatMap(({ endpoints = [] }) => endpoints).filter(isReady).length
    const allocations = allocate(this.#shares, ready)
    if (typeof allocations === 'string') return this.#disable(plan, service, addressType, allocations)
    const counts = keepFittingHints(plan, allocations)
    const open = [...plan.create, ...plan.update].flatMap(({ endpoints = [] }) => endpoints)
    for (const endpoint of open) {
      delete endpoint.hints
      if (!isReady(endpoint)) continue
      const { zone } = endpoint
      if (zone === undefined)
        return this.#disable(plan, service, addressType, 'One or more endpoints do not have a zone specified')
      counts.set(zone, (counts.get(zone) ?? 0) + 1)
      endpoint.hints = { forZones: [{ name: zone }] }
    }
    redistribute(open.filter(isReady), counts, allocations)
    const key = keyStringOf(service)
    this.#refused.delete(key)
    this.#counts.set(key, (this.#counts.get(key) ?? new Map()).set(addressType, counts))
    if (this.#announced.has(key)) return []
    this.#announced.add(key)
    const message = `Topology Aware Hints has been enabled, addressType: ${addressType}`
    return [{ type: 'Normal', reason: 'TopologyAwareHintsEnabled', message }]
  }

  /** For a Service that does not ask for hints (any more). Its hints are not removed here. */
  forgetType(service: DeepReadonly<Service>, addressType: AddressType): HintsEvent[] {
    const key = keyStringOf(service)
    this.#refused.delete(key)
    const byType = this.#counts.get(key)
    byType?.delete(addressType)
    if (byType?.size === 0) this.#counts.delete(key)
    if (!this.#announced.delete(key)) return []
    const message = `Topology Aware Hints has been disabled, addressType: ${addressType}`
    return [{ type: 'Warning', reason: 'TopologyAwareHintsDisabled', message }]
  }

  forget(key: ObjectKey): void {
    for (const memory of [this.#counts, this.#announced, this.#refused]) memory.delete(keyString(key))
  }

  #disable(plan: SlicePlan, service: DeepReadonly<Service>, addressType: AddressType, why: string): HintsEvent[] {
    this.forgetType(service, addressType)
    this.#refused.add(keyStringOf(service))
    removeHints(plan)
    const message = `${why}, addressType: ${addressType}`
    return [{ type: 'Warning', reason: 'TopologyAwareHintsDisabled', message }]
  }
}

/** Slices whose hints cannot stay join those to be written. Returns the hints that stay, by zone. */
function keepFittingHints(plan: SlicePlan, allocations: ReadonlyMap<string, Allocation>): Counts {
  const counts: Counts = new Map()
  plan.unchanged = plan.unchanged.filter((slice) => {
    const hints = hintsByZone(slice, counts, allocations)
    if (hints === undefined) plan.update.push(deepCopy<EndpointSlice>(slice))
    for (const [zone, count] of hints ?? []) counts.set(zone, (counts.get(zone) ?? 0) + count)
    return hints !== undefined
  })
  return counts
}

/** Undefined: a ready endpoint has no hint, or one for a zone that takes no (more) endpoints. */
function hintsByZone(
  { endpoints = [] }: DeepReadonly<EndpointSlice>,
  already: Counts,
  allocations: ReadonlyMap<string, Allocation>,
): Counts | undefined {
  const counts: Counts = new Map()
  for (const { hints } of endpoints.filter(isReady)) {
    const zones = hints?.forZones ?? []
    if (zones.length === 0) return undefined
    for (const { name } of zones) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const fits = [...counts].every(
    ([zone, count]) => count + (already.get(zone) ?? 0) <= (allocations.get(zone)?.maximum ?? -1),
  )
  return fits ? counts : undefined
}

/** Moves endpoints from zones with more than their share to zones with less, whole ones only. */
function redistribute(
  endpoints: readonly Endpoint[],
  counts: Counts,
  allocations: ReadonlyMap<string, Allocation>,
): void {
  const moves = plannedMoves(counts, allocations)
  for (const endpoint of endpoints) {
    const from = endpoint.zone ?? ''
    const to = moves.get(from)?.pop()
    if (to === undefined) continue
    endpoint.hints = { forZones: [{ name: to }] }
    counts.set(from, (counts.get(from) ?? 0) - 1)
    counts.set(to, (counts.get(to) ?? 0) + 1)
  }
}

/** By giving zone, the receiving zones, one for each endpoint to give. */
function plannedMoves(counts: Counts, allocations: ReadonlyMap<string, Allocation>): Map<string, string[]> {
  const surplus = new Map([...allocations].map(([zone, { desired }]) => [zone, (counts.get(zone) ?? 0) - desired]))
  const moves = new Map<string, string[]>()
  for (;;) {
    const bySurplus = [...surplus].sort(([, a], [, b]) => b - a)
    const [giver, give = 0] = bySurplus[0] ?? []
    const [receiver, lack = 0] = bySurplus.at(-1) ?? []
    if (giver === undefined || receiver === undefined) return moves
    const receive = -lack
    if ((give < 1 && receive < 1) || give < 0.5 || receive < 0.5) return moves
    moves.set(giver, [...(moves.get(giver) ?? []), receiver])
    surplus.set(giver, give - 1)
    surplus.set(receiver, lack + 1)
  }
}

function areEqual(a: ZoneShares | undefined, b: ZoneShares | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.size === b.size && [...a].every(([zone, share]) => b.get(zone) === share)
}

function isReady({ conditions }: DeepReadonly<Endpoint>): boolean {
  return conditions?.ready === true
}
