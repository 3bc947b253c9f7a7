/**
 * Deletes Pods that use a device with a NoExecute taint which their claim does not tolerate, or no longer does.
 *
 * Reads: resourceclaims, resourceslices and pods from caches; the Pod about to be deleted, live.
 * Writes: pods/status (DisruptionTarget), deletes of pods, events.
 * Upstream: pkg/controller/devicetainteviction. Differs: works claim by claim, which comes to the same, for a Pod goes with the
 * first of its claims; taints come from ResourceSlices only, DeviceTaintRules do not exist.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { RESOURCE_CLAIMS, RESOURCE_SLICES } from '#machinery/api/resource/v1/resources.gen.ts'
import type { ResourceClaim, ResourceSlice } from '#machinery/api/resource/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { resourceClaimNamesOf } from '#machinery/devices/pod-claims.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, requeueAfter, watching } from '#sdk'
import { DEVICE_TAINT_EVICTION_CONTROLLER } from '../manager/names.ts'
import type { Disruption } from '../manager/pod-conditions.ts'
import { disruptionTarget, patchPodStatus } from '../manager/pod-conditions.ts'
import { allocatedDevices, evictionTimeMs, noExecuteTaints, poolOf } from './eviction-time.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenSlice = DeepReadonly<ResourceSlice>

const DISRUPTION: Disruption = {
  reason: 'DeletionByDeviceTaintManager',
  message: 'Device Taint manager: deleting due to NoExecute taint',
}
/** Index of claims and of slices: their pools. */
const POOL = 'device-taint-eviction/pool'

export const deviceTaintEvictionController = defineController({
  name: DEVICE_TAINT_EVICTION_CONTROLLER,
  reconciles: RESOURCE_CLAIMS,
  featureGate: 'DRADeviceTaints',
  // A Pod may be bound after its claim was reserved.
  watches: [watching(PODS, (pod) => ((pod.spec.nodeName ?? '') === '' ? [] : claimKeys(pod)))],
  permissions: [
    { resource: PODS, verbs: ['get', 'list', 'watch', 'delete'] },
    { resource: PODS, subresource: 'status', verbs: ['patch'] },
    { resource: RESOURCE_CLAIMS, verbs: ['list', 'watch'] },
    { resource: RESOURCE_SLICES, verbs: ['list', 'watch'] },
  ],
  concurrency: 8,
  create: (context) => new DeviceTaintEvictionReconciler(context),
})

const claimKeys = (pod: FrozenPod): ObjectKey[] =>
  resourceClaimNamesOf(pod).map((name) => ({ namespace: pod.metadata.namespace ?? '', name }))

class DeviceTaintEvictionReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #pods: Lister<Pod>
  readonly #claims: Lister<ResourceClaim>
  readonly #slices: Lister<ResourceSlice>
  readonly #enqueue: ReconcilerContext['enqueue']
  /** By claim, the Pods that are to be deleted later on. */
  readonly #scheduled = new Map<string, readonly FrozenPod[]>()

  constructor({ client, clock, events, informer, enqueue }: ReconcilerContext) {
    const claims = informer(RESOURCE_CLAIMS)
    const slices = informer(RESOURCE_SLICES)
    claims.addIndex(POOL, (claim) => [...new Set(allocatedDevices(claim).map(poolOf))])
    slices.addIndex(POOL, (slice) => [poolOfSlice(slice)])
    this.#client = client
    this.#clock = clock
    this.#events = events
    this.#enqueue = enqueue
    this.#pods = informer(PODS).lister
    this.#claims = claims.lister
    this.#slices = slices.lister
    slices.addHandler({
      onAdd: (slice) => this.#sliceChanged(undefined, slice),
      onUpdate: (old, slice) => this.#sliceChanged(old, slice),
      onDelete: (slice) => this.#sliceChanged(slice, undefined),
    })
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const claim = this.#claims.get(key)
    const nowMs = this.#clock.nowMs()
    const timeMs =
      claim === undefined ? undefined : evictionTimeMs(claim, (pool) => this.#slices.byIndex(POOL, pool), nowMs)
    if (claim === undefined || timeMs === undefined) {
      this.#cancel(key)
      return DONE
    }
    const pods = this.#podsOf(claim)
    if (timeMs > nowMs) {
      if (pods.length > 0) this.#scheduled.set(keyString(key), pods)
      return requeueAfter(timeMs - nowMs)
    }
    this.#scheduled.delete(keyString(key))
    for (const pod of pods) await this.#evict(pod, signal)
    return DONE
  }

  /** A slice of a newer generation puts all older ones of its pool out of force. */
  #sliceChanged(old: FrozenSlice | undefined, slice: FrozenSlice | undefined): void {
    const [before, after] = [old, slice].map((one) => (one === undefined ? [] : noExecuteTaints(one)))
    const isSameGeneration = old?.spec.pool.generation === slice?.spec.pool.generation
    if (deepEqual(before, after) && isSameGeneration) return
    const changed = slice ?? old
    if (changed === undefined) return
    for (const claim of this.#claims.byIndex(POOL, poolOfSlice(changed))) this.#enqueue(objectKeyOf(claim))
  }

  /** Those that use the claim, run somewhere and do not go yet. */
  #podsOf({ metadata: { namespace = '' }, status }: DeepReadonly<ResourceClaim>): FrozenPod[] {
    return (status?.reservedFor ?? []).flatMap(({ apiGroup = '', resource, name, uid }) => {
      if (apiGroup !== '' || resource !== 'pods') return []
      const pod = this.#pods.get({ namespace, name })
      if (pod === undefined || pod.metadata.uid !== uid) return []
      const isOver = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
      const isBound = (pod.spec.nodeName ?? '') !== ''
      return isBound && !isOver && pod.metadata.deletionTimestamp === undefined ? [pod] : []
    })
  }

  #cancel(key: ObjectKey): void {
    const pods = this.#scheduled.get(keyString(key)) ?? []
    this.#scheduled.delete(keyString(key))
    for (const pod of pods) {
      const isThere = this.#pods.get(objectKeyOf(pod))?.metadata.uid === pod.metadata.uid
      if (isThere) this.#record(pod, 'Cancelling deletion')
    }
  }

  async #evict(pod: FrozenPod, signal: AbortSignal): Promise<void> {
    const key = objectKeyOf(pod)
    const live = await this.#client.get(PODS, key, { signal }).catch(undefinedIfNotFound)
    if (live === undefined || live.metadata.uid !== pod.metadata.uid) return
    if (live.metadata.deletionTimestamp !== undefined) return
    const { uid = '' } = live.metadata
    this.#record(live, 'Marking for deletion')
    const how = { clock: this.#clock, signal }
    await patchPodStatus(this.#client, live, { condition: disruptionTarget(live, DISRUPTION) }, how)
    await this.#client.delete(PODS, key, { preconditions: { uid }, signal }).catch(undefinedIfNotFound)
  }

  #record(pod: FrozenPod, what: string): void {
    this.#events.record(pod, 'Normal', 'DeviceTaintManagerEviction', what)
  }
}

const poolOfSlice = ({ spec }: FrozenSlice): string => poolOf({ driver: spec.driver, pool: spec.pool.name })
