/**
 * DynamicResources: a Pod goes where the devices its ResourceClaims ask for are free or already allocated. What is free is
 * decided here and written into the claims before the Pod is bound.
 *
 * Reads: resourceclaims, resourceslices, deviceclasses from caches.  Writes: claims (see claim-writer.ts), events.
 * Upstream: plugins/dynamicresources with 1.36's gates. Differs: the search is bounded by steps as well as by time; claims
 * are not shared by pod groups. Device taint rules and node allocatable resources are off upstream, too.
 */
import { DEVICE_CLASSES, RESOURCE_CLAIMS, RESOURCE_SLICES } from '#machinery/api/resource/v1/resources.gen.ts'
import type { AllocationResult, DeviceClass } from '#machinery/api/resource/v1/types.gen.ts'
import { isReservedFor } from '#machinery/devices/pod-claims.ts'
import { keyStringOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { nodeSelectorMatcher } from '#machinery/scheduling/node-affinity.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { extendedResourcesOf } from '../../framework/extended-resources.ts'
import type {
  CycleView,
  EventHint,
  FilterPlugin,
  FrozenPod,
  NodeInfo,
  PluginDefinition,
  PluginHandle,
  PodInfo,
  PostFilterPlugin,
  PreBindPlugin,
  ReservePlugin,
  ScorePlugin,
  Verdict,
} from '../../framework/interfaces.ts'
import { normalizeByHighest } from '../../framework/normalize.ts'
import { failed, SKIP, unresolvable, unschedulable } from '../../framework/verdicts.ts'
import { Allocator, UnusablePoolsError } from './allocator/allocator.ts'
import { AllocationTimeout } from './allocator/budget.ts'
import type { DeviceSelectors, FrozenClaim } from './allocator/interfaces.ts'
import type { DynamicResourcesArgs } from './args.ts'
import { checkDynamicResourcesArgs, readTimeouts } from './args.ts'
import type { ClaimState } from './claim-state.ts'
import { ClaimTracker } from './claim-tracker.ts'
import { ClaimWriter } from './claim-writer.ts'
import { deviceEvents } from './hints.ts'
import { claimsOf } from './pod-claims.ts'
import { subrequestScore } from './score.ts'
import { DeviceReadiness } from './device-readiness.ts'
import { ExtendedClaims } from './extended-claim.ts'
import { CelSelectors } from './selectors.ts'
import { SliceIndex } from './slice-index.ts'

const NAME = 'DynamicResources'

export const dynamicResources: PluginDefinition = {
  name: NAME,
  checkArgs: checkDynamicResourcesArgs,
  create: (args, handle) => new DynamicResources(args, handle),
}

export class DynamicResources
  implements FilterPlugin<ClaimState>, ScorePlugin<ClaimState>, PostFilterPlugin, ReservePlugin, PreBindPlugin
{
  readonly name = NAME
  readonly events: readonly EventHint[]
  readonly allowsParallel = true
  readonly #handle: PluginHandle
  readonly #filterMs: number
  readonly #claims: ClaimTracker
  readonly #slices: SliceIndex
  readonly #classes: Lister<DeviceClass>
  readonly #selectors: DeviceSelectors
  readonly #writer: ClaimWriter
  readonly #readiness: DeviceReadiness
  readonly #extended: ExtendedClaims

  constructor(args: DynamicResourcesArgs, handle: PluginHandle) {
    this.#handle = handle
    const { filterMs, bindingMs } = readTimeouts(args)
    this.#filterMs = filterMs
    this.#claims = handle.shared('claim-tracker', () => new ClaimTracker(handle.informer(RESOURCE_CLAIMS)))
    this.#slices = handle.shared('slice-index', () => new SliceIndex(handle.informer(RESOURCE_SLICES)))
    this.#selectors = handle.shared('device-selectors', () => new CelSelectors())
    this.#classes = handle.lister(DEVICE_CLASSES)
    this.#writer = new ClaimWriter(handle)
    this.#readiness = new DeviceReadiness(handle, this.#claims, bindingMs)
    this.#extended = new ExtendedClaims(handle, extendedResourcesOf(handle), this.#claims, this.#writer)
    this.events = deviceEvents((pod) => typeof this.#claimsOf(pod) !== 'string')
  }

  preEnqueue(pod: FrozenPod): Verdict | undefined {
    const claims = this.#claimsOf(pod)
    return typeof claims === 'string' ? unresolvable(claims) : undefined
  }

  preFilter(info: PodInfo): Verdict | { readonly state: ClaimState } {
    const claims = this.#claimsOf(info.pod)
    if (typeof claims === 'string') return unresolvable(claims)
    const extended = this.#extended.of(info)
    if (claims.length === 0 && extended === undefined) return SKIP
    if (claims.some((claim) => isFull(claim) && !isReservedFor(info.pod, claim)))
      return unresolvable('resourceclaim in use')
    const toAllocate = [...claims.keys()].filter((i) => claims[i]?.status?.allocation === undefined)
    for (const i of toAllocate) {
      const problem = this.#problemOf(claims[i] as FrozenClaim)
      if (problem !== undefined) return unresolvable(problem)
    }
    return {
      state: {
        claims,
        reachableFrom: claims.map(({ status }) => {
          const selector = status?.allocation?.nodeSelector
          return selector === undefined ? undefined : nodeSelectorMatcher(selector)
        }),
        toAllocate,
        extended,
        allocator: toAllocate.length === 0 && extended === undefined ? undefined : this.#newAllocator(),
        byNode: new Map(),
        unavailable: new Set(),
        reserved: new Map(),
        extendedReservation: undefined,
      },
    }
  }

  filter(state: ClaimState, pod: PodInfo, info: NodeInfo): Verdict | undefined {
    const { node } = info
    if (state.extended?.isStale === true) return unresolvable('cannot schedule extended resource claim')
    let isAvailable = true
    for (const [i, claim] of state.claims.entries()) {
      if (state.reachableFrom[i]?.matches(node) !== false && !this.#isLost(claim)) continue
      state.unavailable.add(i)
      isAvailable = false
    }
    if (state.allocator !== undefined) {
      const refusal = this.#allocate(state, state.allocator, pod, info)
      if (refusal !== undefined) return refusal
    }
    return isAvailable ? undefined : unresolvable('resourceclaim not available on the node')
  }

  /** An allocation that keeps the Pod from every node is given up, if nobody else uses it. */
  async postFilter(
    { pod }: PodInfo,
    _verdicts: ReadonlyMap<string, Verdict>,
    cycle: CycleView,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const state = cycle.filterState(NAME) as ClaimState | undefined
    if (state === undefined) return unschedulable('no new claims to deallocate')
    const idle = [...state.unavailable].flatMap((i) => state.claims[i] ?? []).filter((claim) => isIdle(claim, pod))
    const [chosen] = idle.length > 1 ? [idle[this.#handle.random.int(idle.length)]] : idle
    if (chosen !== undefined) {
      await this.#writer.deallocate(chosen, signal)
      return unschedulable('deallocation of ResourceClaim completed')
    }
    if (state.extended?.isStale !== true) return unschedulable('still not schedulable')
    await this.#extended.remove(state.extended.claim, signal)
    return unschedulable('deletion of ResourceClaim completed')
  }

  preScore(
    _pod: PodInfo,
    _nodes: readonly NodeInfo[],
    _snapshot: unknown,
    filterState: unknown,
  ): Verdict | { readonly state: ClaimState } {
    const state = filterState as ClaimState | undefined
    return state?.allocator === undefined ? SKIP : { state }
  }

  score(state: ClaimState, _pod: PodInfo, { name }: NodeInfo): number {
    const results = state.byNode.get(name)?.results ?? []
    return state.toAllocate.reduce((sum, place, i) => sum + subrequestScore(state.claims[place], results[i]), 0)
  }

  normalize(_state: ClaimState, _pod: PodInfo, scores: Float64Array): void {
    normalizeByHighest(scores)
  }

  reserve(filterState: unknown, _pod: PodInfo, nodeName: string): Verdict | undefined {
    const state = filterState as ClaimState | undefined
    if (state?.allocator === undefined) return undefined
    const found = state.byNode.get(nodeName)
    if (found === undefined) {
      const message = 'claim allocation not found for node'
      return failed(new Error(message), message)
    }
    for (const [i, place] of state.toAllocate.entries()) {
      const [claim, allocation] = [state.claims[place], found.results[i]]
      if (claim === undefined || allocation === undefined) continue
      this.#claims.reserve(claim, allocation)
      state.reserved.set(place, allocation)
    }
    const last = found.results.at(-1)
    if (found.extended === undefined || last === undefined) return undefined
    this.#claims.reserve(found.extended.claim, last)
    state.extendedReservation = { node: found.extended, allocation: last, created: undefined }
    return undefined
  }

  unreserve(filterState: unknown, { pod }: PodInfo): void {
    const state = filterState as ClaimState | undefined
    for (const [place, claim] of (state?.claims ?? []).entries()) {
      const allocation = state?.reserved.get(place)
      state?.reserved.delete(place)
      if (allocation !== undefined && this.#claims.abandon(claim)) this.#tellFreed(claim, allocation)
      if (claim.status?.allocation !== undefined && isReservedFor(pod, claim)) void this.#writer.release(claim, pod)
    }
    const extended = state?.extendedReservation
    if (state === undefined || extended === undefined) return
    state.extendedReservation = undefined
    if (this.#claims.abandon(extended.node.claim)) this.#tellFreed(extended.node.claim, extended.allocation)
    if (extended.created !== undefined) void this.#extended.discard(extended.created)
  }

  isNeeded(filterState: unknown): boolean {
    return filterState !== undefined
  }

  async preBind(
    filterState: unknown,
    { pod }: PodInfo,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<Verdict | undefined> {
    const state = filterState as ClaimState | undefined
    if (state === undefined) return undefined
    try {
      for (const [place, claim] of state.claims.entries()) {
        if (isReservedFor(pod, claim)) continue
        const written = await this.#writer.bind(claim, pod, state.reserved.get(place), signal)
        state.reserved.delete(place)
        state.claims[place] = written
        this.#claims.settle(written)
      }
      const extended = await this.#writeExtended(state, pod, signal)
      await this.#readiness.wait(
        extended === undefined ? state.claims : [...state.claims, extended],
        pod,
        nodeName,
        signal,
      )
      return undefined
    } catch (err: unknown) {
      return failed(err, errorMessage(err))
    }
  }

  #claimsOf(pod: FrozenPod): FrozenClaim[] | string {
    return claimsOf(pod, (key) => this.#claims.get(key))
  }

  /** Why a claim without devices cannot get any now, whatever the node. */
  #problemOf(claim: FrozenClaim): string | undefined {
    const name = keyStringOf(claim)
    if (this.#claims.isPending(claim)) return `resource claim ${name} is in the process of being allocated`
    for (const { name: request, exactly, firstAvailable = [] } of claim.spec?.devices?.requests ?? []) {
      if (exactly === undefined && firstAvailable.length === 0)
        return `resource claim ${name}, request ${request}: unknown request type`
      const wanted = exactly === undefined ? firstAvailable : [{ ...exactly, name: '' }]
      for (const { name: subrequest, deviceClassName } of wanted) {
        if (this.#classes.get({ name: deviceClassName }) !== undefined) continue
        const place = subrequest === '' ? request : `${request}/${subrequest}`
        return `request ${place}: device class ${deviceClassName} does not exist`
      }
    }
    return undefined
  }

  #newAllocator(): Allocator {
    const { clock, random } = this.#handle
    return new Allocator({
      use: this.#claims.use,
      poolsOf: this.#slices.snapshot(),
      classOf: (name) => this.#classes.get({ name }),
      selectors: this.#selectors,
      newShareId: () => random.uuid(),
      monotonicMs: () => clock.monotonicMs(),
      timeoutMs: this.#filterMs,
    })
  }

  async #writeExtended(state: ClaimState, pod: FrozenPod, signal: AbortSignal): Promise<FrozenClaim | undefined> {
    const { extendedReservation: reservation } = state
    if (reservation === undefined) return undefined
    const created = (claim: FrozenClaim): void => {
      reservation.created = claim
    }
    return await this.#extended.write(reservation.node, pod, reservation.allocation, created, signal)
  }

  #allocate(state: ClaimState, allocator: Allocator, pod: PodInfo, info: NodeInfo): Verdict | undefined {
    const { name, node } = info
    try {
      const extended = state.extended === undefined ? undefined : this.#extended.forNode(state.extended, pod, info)
      const claims = state.toAllocate.flatMap((place) => state.claims[place] ?? [])
      const results = allocator.allocate(node, extended === undefined ? claims : [...claims, extended.claim])
      if (results === undefined) return unresolvable('cannot allocate all claims')
      state.byNode.set(name, { results, extended })
      return undefined
    } catch (err: unknown) {
      if (err instanceof UnusablePoolsError) return unresolvable(err.message)
      return failed(err, err instanceof AllocationTimeout ? `node ${name}: ${err.message}` : errorMessage(err))
    }
  }

  /** Its devices will not become ready any more. */
  #isLost(claim: FrozenClaim): boolean {
    const { type } = this.#readiness.of(claim)
    return type === 'failed' || type === 'late'
  }

  /** No watch will tell the Pods that wait for these devices. */
  #tellFreed(claim: FrozenClaim, allocation: AllocationResult): void {
    const old = { ...claim, status: { ...claim.status, allocation } }
    this.#handle.notify({ resource: RESOURCE_CLAIMS.resource, action: 'update', old, object: claim })
  }
}

/** Upstream: resource/v1 types.go ResourceClaimReservedForMaxSize. */
const RESERVED_FOR_MAX = 256

/** No further Pod may use its devices. */
const isFull = ({ status }: FrozenClaim): boolean =>
  status?.allocation !== undefined && (status.reservedFor ?? []).length >= RESERVED_FOR_MAX

/** Reserved for nobody, or for this Pod alone. */
function isIdle({ status }: FrozenClaim, { metadata }: FrozenPod): boolean {
  return (status?.reservedFor ?? []).every(({ uid }) => uid === metadata.uid) && status?.allocation !== undefined
}
