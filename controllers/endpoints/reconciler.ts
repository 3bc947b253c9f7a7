/**
 * Keeps the Endpoints object of every Service with a selector. Endpoints of Services without one belong to their author,
 * and go with the Service.
 *
 * Reads: services, pods and endpoints from the cache, a Service live before its Endpoints are deleted.
 * Writes: endpoints (create, update, delete), events. Upstream: pkg/controller/endpoint/endpoints_controller.go.
 * Differs: a Service with 50 Pods or more waits half a millisecond per Pod (1 s at most) for more changes.
 */
import { ENDPOINTS, PODS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Endpoints, EndpointSubset, Service } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isAlreadyExists, isConflict, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, isNamespaceTerminating, requeueAfter } from '#sdk'
import {
  HEADLESS_LABEL,
  hasManagedEndpoints,
  isHeadless,
  LAST_CHANGE_TRIGGER_TIME,
  LEADER_ANNOTATION,
} from '../manager/endpoint-pods.ts'
import { ENDPOINTS_CONTROLLER } from '../manager/names.ts'
import { ServicePods } from '../manager/service-pods.ts'
import { TriggerTimes } from '../manager/trigger-times.ts'
import { subsetsOf, truncate } from './subsets.ts'

const MANAGED_BY_LABEL = 'endpoints.kubernetes.io/managed-by'
const MANAGED_BY = 'endpoint-controller'
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity'
const CACHE_BEHIND_MS = 20

export const endpointsController = defineController({
  name: ENDPOINTS_CONTROLLER,
  reconciles: SERVICES, // Endpoints have the names of their Services.
  permissions: [
    { resource: SERVICES, verbs: ['get', 'list', 'watch'] },
    { resource: PODS, verbs: ['get', 'list', 'watch'] },
    { resource: ENDPOINTS, verbs: ['create', 'delete', 'get', 'list', 'update'] },
    { resource: ENDPOINTS, subresource: 'restricted', verbs: ['create'] },
  ],
  concurrency: 5,
  create: (context) => new EndpointsReconciler(context),
})

class EndpointsReconciler implements Reconciler {
  readonly #client: Client
  readonly #events: EventRecorder
  readonly #services: Lister<Service>
  readonly #endpoints: Lister<Endpoints>
  readonly #servicePods: ServicePods
  readonly #triggerTimes = new TriggerTimes()
  /** The versions we have replaced: a cache that still has one of them is behind. */
  readonly #replaced = new Map<string, string>()

  constructor(context: ReconcilerContext) {
    const { client, events, informer, enqueue } = context
    const [services, pods, endpoints] = [informer(SERVICES), informer(PODS), informer(ENDPOINTS)]
    this.#client = client
    this.#events = events
    this.#services = services.lister
    this.#endpoints = endpoints.lister
    this.#servicePods = new ServicePods(services, pods)
    pods.addHandler(this.#servicePods.watch(enqueue))
    endpoints.addHandler({
      // What a Service deleted while nobody watched has left behind.
      onAdd: (object, isInInitialList) => {
        if (isInInitialList) enqueue(objectKeyOf(object))
      },
      onDelete: (object) => enqueue(objectKeyOf(object)),
    })
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const service = this.#services.get(key)
    if (service === undefined) return this.#clean(key, signal)
    if (!hasManagedEndpoints(service)) return DONE
    const pods = this.#servicePods.podsOf(service)
    const triggerTime = this.#triggerTimes.next(service, pods)
    const current = this.#endpoints.get(key)
    if (current !== undefined && current.metadata.resourceVersion === this.#replaced.get(keyString(key)))
      return requeueAfter(CACHE_BEHIND_MS)
    const all = subsetsOf(service, pods)
    const subsets = truncate(all)
    const isTruncated = subsets !== all
    if (current !== undefined && isCurrent(current, service, subsets, isTruncated)) return DONE
    const wanted = withSubsets(current ?? newEndpoints(service), service, subsets, { triggerTime, isTruncated })
    return this.#write(service, current, wanted, signal)
  }

  async #clean(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    this.#servicePods.forget(key)
    this.#triggerTimes.forget(key)
    this.#replaced.delete(keyString(key))
    // The lock of an old leader election has no Service, and is somebody's.
    if (this.#endpoints.get(key)?.metadata.annotations?.[LEADER_ANNOTATION] !== undefined) return DONE
    // Deleting cannot be undone, and the cache of Services may be behind the one of Endpoints.
    const live = await this.#client.get(SERVICES, key, { signal }).catch(undefinedIfNotFound)
    if (live === undefined) await this.#client.delete(ENDPOINTS, key, { signal }).catch(undefinedIfNotFound)
    return DONE
  }

  async #write(
    service: DeepReadonly<Service>,
    current: DeepReadonly<Endpoints> | undefined,
    wanted: Endpoints,
    signal: AbortSignal,
  ): Promise<Result> {
    try {
      if (current === undefined) await this.#client.create(ENDPOINTS, wanted, { signal })
      else {
        const { metadata } = await this.#client.update(ENDPOINTS, wanted, { signal })
        const { resourceVersion = '' } = current.metadata
        if (metadata.resourceVersion !== resourceVersion)
          this.#replaced.set(keyString(objectKeyOf(service)), resourceVersion)
      }
      return DONE
    } catch (err: unknown) {
      if (isNamespaceTerminating(err)) return DONE
      if (current === undefined && isAlreadyExists(err)) return requeueAfter(CACHE_BEHIND_MS)
      if (!isConflict(err) && !signal.aborted) this.#recordFailure(wanted, current === undefined, err)
      throw err
    }
  }

  #recordFailure(endpoints: Endpoints, isNew: boolean, err: unknown): void {
    const { namespace, name } = endpoints.metadata
    const [reason, what] = isNew
      ? ['FailedToCreateEndpoint', `Failed to create endpoint for service ${namespace}/${name}`]
      : ['FailedToUpdateEndpoint', `Failed to update endpoint ${namespace}/${name}`]
    this.#events.record(endpoints, 'Warning', reason, `${what}: ${errorMessage(err)}`)
  }
}

function newEndpoints({ metadata }: DeepReadonly<Service>): Endpoints {
  const { namespace = '', name = '' } = metadata
  return { apiVersion: 'v1', kind: 'Endpoints', metadata: { namespace, name } }
}

function isCurrent(
  { metadata, subsets = [] }: DeepReadonly<Endpoints>,
  service: DeepReadonly<Service>,
  wanted: readonly EndpointSubset[],
  isTruncated: boolean,
): boolean {
  const { labels = {}, annotations = {} } = metadata
  const isMarked = annotations[OVER_CAPACITY] !== undefined
  return isMarked === isTruncated && deepEqual(labels, labelsFor(service)) && deepEqual(subsets, wanted)
}

function withSubsets(
  current: DeepReadonly<Endpoints>,
  service: DeepReadonly<Service>,
  subsets: readonly EndpointSubset[],
  { triggerTime, isTruncated }: { readonly triggerTime: string | undefined; readonly isTruncated: boolean },
): Endpoints {
  const draft = deepCopy<Endpoints>(current)
  const { [LAST_CHANGE_TRIGGER_TIME]: _time, [OVER_CAPACITY]: _mark, ...others } = draft.metadata.annotations ?? {}
  draft.metadata.labels = labelsFor(service)
  draft.metadata.annotations = {
    ...others,
    ...(triggerTime === undefined ? {} : { [LAST_CHANGE_TRIGGER_TIME]: triggerTime }),
    ...(isTruncated ? { [OVER_CAPACITY]: 'truncated' } : {}),
  }
  draft.subsets = [...subsets]
  return draft
}

function labelsFor(service: DeepReadonly<Service>): Record<string, string> {
  const { [HEADLESS_LABEL]: _, ...labels } = service.metadata.labels ?? {}
  return { ...labels, ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}), [MANAGED_BY_LABEL]: MANAGED_BY }
}
