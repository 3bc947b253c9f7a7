/**
 * Mirrors Endpoints that somebody wrote for a Service without selector into EndpointSlices, which is what consumers read.
 * Not mirrored: Endpoints labelled `endpointslice.kubernetes.io/skip-mirror: "true"` (those of `kubernetes` are; the API
 * server writes its slice itself), locks of old leader elections, Endpoints without Service.
 *
 * Reads: endpoints, services, endpointslices from the cache.  Writes: endpointslices, events on the Endpoints.
 * Upstream: pkg/controller/endpointslicemirroring.
 */
import { ENDPOINTS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Endpoints, Service } from '#machinery/api/core/v1/types.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, requeueAfter } from '#sdk'
import { hasSelector, LEADER_ANNOTATION } from '../manager/endpoint-pods.ts'
import { ENDPOINT_SLICE_MIRRORING_CONTROLLER } from '../manager/names.ts'
import { SLICES_BY_SERVICE, SliceTracker, sliceIndexOf, sliceIndexValue } from '../manager/slice-tracker.ts'
import { SliceWriter } from '../manager/slice-writer.ts'
import type { MirrorPlan } from './mirrored-slices.ts'
import { ADDRESSES_PER_SUBSET_MAX, MANAGED_BY, planMirror } from './mirrored-slices.ts'

const SKIP_MIRROR_LABEL = 'endpointslice.kubernetes.io/skip-mirror'
const CACHE_BEHIND_MS = 20

export const endpointSliceMirroringController = defineController({
  name: ENDPOINT_SLICE_MIRRORING_CONTROLLER,
  reconciles: ENDPOINTS, // Services and slices are watched in `create`.
  permissions: [
    { resource: SERVICES, verbs: ['get', 'list', 'watch'] },
    { resource: ENDPOINTS, verbs: ['get', 'list', 'watch'] },
    { resource: ENDPOINTS, subresource: 'finalizers', verbs: ['update'] },
    { resource: ENDPOINT_SLICES, verbs: ['create', 'delete', 'get', 'list', 'update', 'watch'] },
  ],
  concurrency: 5,
  create: (context) => new MirroringReconciler(context),
})

class MirroringReconciler implements Reconciler {
  readonly #events: EventRecorder
  readonly #endpoints: Lister<Endpoints>
  readonly #services: Lister<Service>
  readonly #slices: Lister<EndpointSlice>
  readonly #tracker = new SliceTracker(MANAGED_BY)
  readonly #writer: SliceWriter

  constructor({ client, events, informer, enqueue }: ReconcilerContext) {
    const [endpoints, services, slices] = [informer(ENDPOINTS), informer(SERVICES), informer(ENDPOINT_SLICES)]
    this.#events = events
    this.#endpoints = endpoints.lister
    this.#services = services.lister
    this.#slices = slices.lister
    this.#writer = new SliceWriter(client, this.#tracker)
    slices.addIndex(SLICES_BY_SERVICE, sliceIndexOf)
    slices.addHandler(this.#tracker.watch(enqueue))
    const wake = (service: DeepReadonly<Service>): void => {
      if (!hasSelector(service)) enqueue(objectKeyOf(service))
    }
    services.addHandler({
      onAdd: wake,
      onUpdate: (old, service) => {
        if (hasSelector(old) !== hasSelector(service)) enqueue(objectKeyOf(service))
      },
      onDelete: wake,
    })
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const endpoints = this.#endpoints.get(key)
    const service = this.#services.get(key)
    const slices = this.#slices.byIndex(SLICES_BY_SERVICE, sliceIndexValue(key, MANAGED_BY))
    const uid = endpoints?.metadata.uid ?? ''
    if (endpoints === undefined || service === undefined || hasSelector(service) || !isMirrored(endpoints)) {
      this.#tracker.forget(key)
      if (slices.length === 0) return DONE
      await this.#writer.write(
        { kind: 'Endpoints', key, uid, isDeleting: true },
        { create: [], update: [], remove: slices },
        signal,
      )
      this.#tracker.forget(key)
      return DONE
    }
    if (this.#tracker.isBehind(key, uid, slices)) return requeueAfter(CACHE_BEHIND_MS)
    const plan = planMirror(endpoints, slices)
    this.#recordSkipped(endpoints, plan)
    const isDeleting = endpoints.metadata.deletionTimestamp !== undefined
    await this.#writer.write({ kind: 'Endpoints', key, uid, isDeleting }, plan, signal)
    return DONE
  }

  #recordSkipped(endpoints: DeepReadonly<Endpoints>, { invalid, skipped }: MirrorPlan): void {
    if (invalid > 0) {
      const message = `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`
      this.#events.record(endpoints, 'Warning', 'InvalidIPAddress', message)
    }
    if (skipped <= invalid) return
    const max = ADDRESSES_PER_SUBSET_MAX
    const message = `A max of ${max} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`
    this.#events.record(endpoints, 'Warning', 'TooManyAddressesToMirror', message)
  }
}

function isMirrored({ metadata }: DeepReadonly<Endpoints>): boolean {
  return metadata.labels?.[SKIP_MIRROR_LABEL] !== 'true' && metadata.annotations?.[LEADER_ANNOTATION] === undefined
}
