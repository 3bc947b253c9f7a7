/**
 * Keeps the EndpointSlices of every Service with a selector: one set per address type, 100 endpoints per slice.
 *
 * Reads: services, pods, nodes and endpointslices from the cache.  Writes: endpointslices, events on the Service.
 * Upstream: pkg/controller/endpointslice, staging/src/k8s.io/endpointslice.
 * Differs: a Service with 50 Pods or more waits half a millisecond per Pod (1 s at most) for more changes.
 */
import { NODES, PODS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { InformerHandler } from '#machinery/informers/shared-informer.ts'
import { combined } from '#machinery/meta/error-context.ts'
import { isConflict } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, requeueAfter } from '#sdk'
import { hasManagedEndpoints, LAST_CHANGE_TRIGGER_TIME } from '../manager/endpoint-pods.ts'
import { ENDPOINT_SLICE_CONTROLLER } from '../manager/names.ts'
import { ServicePods } from '../manager/service-pods.ts'
import { ENDPOINTS_PER_SLICE_MAX } from '../manager/slice-endpoints.ts'
import { SLICES_BY_SERVICE, SliceTracker, sliceIndexOf, sliceIndexValue } from '../manager/slice-tracker.ts'
import { SliceWriter } from '../manager/slice-writer.ts'
import { TriggerTimes } from '../manager/trigger-times.ts'
import type { AddressType } from './desired-endpoints.ts'
import { addressTypesOf, desiredEndpoints } from './desired-endpoints.ts'
import type { SlicePlan } from './slice-plan.ts'
import { MANAGED_BY, planSlices, recycle } from './slice-plan.ts'
import { TopologyHints, wantsTopologyHints } from './topology-hints.ts'
import { addTrafficHints, removeHints, trafficDistributionOf } from './traffic-hints.ts'
import { zoneShares } from './zone-shares.ts'

const CACHE_BEHIND_MS = 20
/** Heartbeats change Nodes all the time, zones seldom. */
const NODES_BATCH_MS = 100

export const endpointSliceController = defineController({
  name: ENDPOINT_SLICE_CONTROLLER,
  reconciles: SERVICES, // Pods, Nodes and slices are watched in `create`.
  permissions: [
    { resource: SERVICES, verbs: ['get', 'list', 'watch'] },
    { resource: PODS, verbs: ['get', 'list', 'watch'] },
    { resource: NODES, verbs: ['get', 'list', 'watch'] },
    { resource: SERVICES, subresource: 'finalizers', verbs: ['update'] },
    { resource: ENDPOINT_SLICES, verbs: ['create', 'delete', 'get', 'list', 'update', 'watch'] },
  ],
  concurrency: 5,
  backoff: { baseMs: 1_000, maxMs: 1_000_000 },
  create: (context) => new EndpointSliceReconciler(context),
})

class EndpointSliceReconciler implements Reconciler {
  readonly #context: ReconcilerContext
  readonly #events: EventRecorder
  readonly #services: Lister<Service>
  readonly #nodes: Lister<Node>
  readonly #slices: Lister<EndpointSlice>
  readonly #servicePods: ServicePods
  readonly #triggerTimes = new TriggerTimes()
  readonly #tracker = new SliceTracker(MANAGED_BY)
  readonly #topology = new TopologyHints()
  readonly #writer: SliceWriter
  #sharesTimer: { cancel(): void } | undefined

  constructor(context: ReconcilerContext) {
    const { client, events, informer, enqueue } = context
    const [services, pods, slices] = [informer(SERVICES), informer(PODS), informer(ENDPOINT_SLICES)]
    const nodes = informer(NODES)
    this.#context = context
    this.#events = events
    this.#services = services.lister
    this.#nodes = nodes.lister
    this.#slices = slices.lister
    this.#writer = new SliceWriter(client, this.#tracker)
    this.#servicePods = new ServicePods(services, pods)
    slices.addIndex(SLICES_BY_SERVICE, sliceIndexOf)
    pods.addHandler(this.#servicePods.watch(enqueue))
    slices.addHandler(this.#tracker.watch(enqueue))
    nodes.addHandler(this.#nodeWatch())
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const service = this.#services.get(key)
    if (service === undefined) {
      // Its slices are the garbage collector's.
      for (const memory of [this.#servicePods, this.#triggerTimes, this.#tracker, this.#topology]) memory.forget(key)
      return DONE
    }
    if (!hasManagedEndpoints(service)) return DONE
    const pods = this.#servicePods.podsOf(service)
    const slices = this.#slices
      .byIndex(SLICES_BY_SERVICE, sliceIndexValue(key, MANAGED_BY))
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    if (this.#tracker.isBehind(key, service.metadata.uid ?? '', slices)) return requeueAfter(CACHE_BEHIND_MS)
    const triggerTime = this.#triggerTimes.next(service, pods)
    try {
      await this.#reconcile(service, pods, slices, triggerTime, signal)
    } catch (err: unknown) {
      if (!isConflict(err) && !signal.aborted) this.#recordFailure(service, err)
      throw err
    }
    return DONE
  }

  async #reconcile(
    service: DeepReadonly<Service>,
    pods: readonly DeepReadonly<Pod>[],
    slices: readonly DeepReadonly<EndpointSlice>[],
    triggerTime: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const types = addressTypesOf(service)
    const { namespace = '', name = '', uid = '', deletionTimestamp } = service.metadata
    const owner = {
      kind: 'Service',
      key: { namespace, name },
      uid,
      isDeleting: deletionTimestamp !== undefined,
    } as const
    // One type of addresses must not suffer for the other.
    const errors: unknown[] = []
    const failed = (err: unknown): void => {
      signal.throwIfAborted()
      errors.push(err)
    }
    const remove = slices.filter(({ addressType }) => !types.includes(addressType as AddressType))
    for (const { addressType } of remove) this.#topology.forgetType(service, addressType as AddressType)
    for (const type of types) {
      const nodeOf = (name: string) => this.#nodes.get({ name })
      const { groups, withoutNode } = desiredEndpoints(service, pods, nodeOf, type)
      const existing = slices.filter(({ addressType }) => addressType === type)
      const plan = planSlices({ service, addressType: type, existing, groups, endpointsMax: ENDPOINTS_PER_SLICE_MAX })
      this.#planHints(plan, service, type)
      recycle(plan, service)
      for (const slice of [...plan.create, ...plan.update]) setTriggerTime(slice, triggerTime)
      errors.push(...withoutNode.map((pod) => unknownNode(pod, service)))
      await this.#writer.write(owner, plan, signal).catch(failed)
    }
    await this.#writer.write(owner, { create: [], update: [], remove }, signal).catch(failed)
    const error = combined(errors)
    if (error !== undefined) throw error
  }

  #refreshShares(): void {
    for (const key of this.#topology.setShares(zoneShares(this.#nodes.list()))) this.#context.enqueue(key)
  }

  #planHints(plan: SlicePlan, service: DeepReadonly<Service>, addressType: AddressType): void {
    const isAuto = wantsTopologyHints(service)
    if (isAuto && this.#sharesTimer !== undefined) this.#refreshShares()
    const events = isAuto
      ? this.#topology.add(plan, service, addressType)
      : this.#topology.forgetType(service, addressType)
    for (const { type, reason, message } of events) this.#events.record(service, type, reason, message)
    if (isAuto) return
    const distribution = trafficDistributionOf(service)
    if (distribution === undefined) removeHints(plan)
    else addTrafficHints(plan, distribution)
  }

  /** What a Node's zone, CPU or readiness means to the shares of the zones. */
  #nodeWatch(): InformerHandler<Node> {
    const refresh = (): void => {
      this.#sharesTimer ??= this.#context.clock.setTimeout(() => {
        this.#sharesTimer = undefined
        this.#refreshShares()
      }, NODES_BATCH_MS)
    }
    return {
      onAdd: refresh,
      onUpdate: (old, node) => {
        if (zoneFacts(old) !== zoneFacts(node)) refresh()
      },
      onDelete: refresh,
    }
  }

  #recordFailure(service: DeepReadonly<Service>, err: unknown): void {
    const { namespace, name } = service.metadata
    const message = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${errorMessage(err)}`
    this.#events.record(service, 'Warning', 'FailedToUpdateEndpointSlices', message)
  }
}

function zoneFacts({ metadata, status }: DeepReadonly<Node>): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? ''
  return [ready, metadata.labels?.['topology.kubernetes.io/zone'] ?? '', status?.allocatable?.['cpu'] ?? ''].join('|')
}

function setTriggerTime(slice: EndpointSlice, time: string | undefined): void {
  const { [LAST_CHANGE_TRIGGER_TIME]: _, ...others } = slice.metadata.annotations ?? {}
  slice.metadata.annotations = { ...others, ...(time === undefined ? {} : { [LAST_CHANGE_TRIGGER_TIME]: time }) }
}

function unknownNode(pod: DeepReadonly<Pod>, service: DeepReadonly<Service>): Error {
  const { namespace, name } = service.metadata
  const node = pod.spec?.nodeName ?? ''
  return new Error(`skipping Pod ${pod.metadata.name} for Service ${namespace}/${name}: Node ${node} Not Found`)
}
