/**
 * Load balancers without a cloud and without Pods: a Service of type LoadBalancer gets the addresses of the Nodes that answer
 * for it. Forwarding what arrives there is the work of the node agent. Services with a foreign loadBalancerClass are left alone.
 *
 * Reads: services, nodes, endpointslices from the cache.  Writes: finalizer and status of services, events.
 * Upstream: cloud-provider controllers/service/controller.go around k3s pkg/cloudprovider/servicelb.go.
 * Differs: no DaemonSet per Service; ports are handed out in a table (port-table.ts), conflicts stand on the Service.
 */
import { NODES, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Service } from '#machinery/api/core/v1/types.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { keyString, keyStringOf, objectKeyOf, parseKey } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventType, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController } from '#sdk'
import { SERVICE_LB_CONTROLLER } from '../manager/names.ts'
import { serviceKeyOf } from '../manager/slice-tracker.ts'
import { availableNodes, balancerAddresses, isInPool, nodeFacts } from './balancer-nodes.ts'
import { balancerStatus, conflictMessage } from './balancer-status.ts'
import type { Assignment, Claim } from './port-table.ts'
import { assignPorts } from './port-table.ts'

/** spec.loadBalancerClass of those who want this one and no other. */
export const LOAD_BALANCER_CLASS = 'knarr/servicelb'

const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup'
const BALANCED_INDEX = 'load-balanced'
const SLICES_OF_INDEX = 'service-of-slice'
const NODES_BATCH_MS = 100
const NOTHING: Assignment = { nodes: [], available: 0, conflicts: [] }

export const serviceLbController = defineController({
  name: SERVICE_LB_CONTROLLER,
  reconciles: SERVICES, // Nodes and slices are watched in `create`.
  permissions: [
    { resource: SERVICES, verbs: ['get', 'list', 'watch', 'update'] },
    { resource: SERVICES, subresource: 'status', verbs: ['update'] },
    { resource: NODES, verbs: ['list', 'watch'] },
    { resource: ENDPOINT_SLICES, verbs: ['list', 'watch'] },
  ],
  create: (context) => new ServiceLbReconciler(context),
})

class ServiceLbReconciler implements Reconciler {
  readonly #context: ReconcilerContext
  readonly #services: Lister<Service>
  readonly #nodes: Lister<Node>
  readonly #slices: Lister<EndpointSlice>
  #assignments = new Map<string, Assignment>()
  #isOutdated = true
  #arrived = 0
  /** By uid. */
  #arrivals = new Map<string, number>()

  constructor(context: ReconcilerContext) {
    const { informer, enqueue } = context
    const [services, nodes, slices] = [informer(SERVICES), informer(NODES), informer(ENDPOINT_SLICES)]
    this.#context = context
    this.#services = services.lister
    this.#nodes = nodes.lister
    this.#slices = slices.lister
    services.addIndex(BALANCED_INDEX, (service) => (isBalanced(service) ? [''] : []))
    slices.addIndex(SLICES_OF_INDEX, (slice) => [keyStringOfService(slice)])
    const outdate = (): void => {
      this.#isOutdated = true
    }
    services.addHandler({ onAdd: outdate, onUpdate: outdate, onDelete: outdate })
    const nodesChanged = (): void => {
      outdate()
      for (const service of this.#balanced()) enqueue(objectKeyOf(service), NODES_BATCH_MS)
    }
    nodes.addHandler({
      onAdd: nodesChanged,
      onUpdate: (old, node) => {
        if (nodeFacts(old) !== nodeFacts(node)) nodesChanged()
      },
      onDelete: nodesChanged,
    })
    const wakeLocal = (slice: DeepReadonly<EndpointSlice>): void => {
      const key = serviceKeyOf(slice)
      const service = key === undefined ? undefined : this.#services.get(key)
      if (key !== undefined && service !== undefined && isBalanced(service) && isLocal(service)) enqueue(key)
    }
    slices.addHandler({ onAdd: wakeLocal, onUpdate: (_old, slice) => wakeLocal(slice), onDelete: wakeLocal })
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const service = this.#services.get(key)
    // Even when this one is gone: its ports may be what another waits for.
    const assignment = this.#assignmentOf(keyString(key))
    if (service === undefined) return DONE
    if (!isBalanced(service)) await this.#release(service, signal)
    else if (!hasFinalizer(service)) await this.#claim(service, assignment, signal)
    else await this.#publish(service, assignment, signal)
    return DONE
  }

  /** Our mark comes before anything else: whoever deletes the Service waits until its ports are given back. */
  async #claim(service: DeepReadonly<Service>, { available }: Assignment, signal: AbortSignal): Promise<void> {
    this.#record(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer')
    if (available === 0) this.#recordUnavailable(service)
    const draft = deepCopy<Service>(service)
    draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), FINALIZER]
    await this.#context.client.update(SERVICES, draft, { signal })
  }

  async #release(service: DeepReadonly<Service>, signal: AbortSignal): Promise<void> {
    if (!hasFinalizer(service) || isForeign(service)) return
    this.#record(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer')
    const { client } = this.#context
    let current = service
    if (service.status?.loadBalancer?.ingress !== undefined) {
      const draft: Service = { ...deepCopy<Service>(service), status: { ...conditionsOf(service), loadBalancer: {} } }
      current = await client.update(SERVICES, draft, { subresource: 'status', signal })
    }
    const draft = deepCopy<Service>(current)
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((name) => name !== FINALIZER)
    await client.update(SERVICES, draft, { signal })
    this.#record(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer')
  }

  async #publish(service: DeepReadonly<Service>, assignment: Assignment, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#context
    const names = isLocal(service) ? this.#withReadyEndpoint(service, assignment.nodes) : assignment.nodes
    const nodes = names.flatMap((name) => this.#nodes.get({ name }) ?? [])
    const addresses = balancerAddresses(nodes, service)
    const status = balancerStatus(service, addresses, assignment, clock.now())
    if (deepEqual(service.status ?? {}, status)) return
    await client.update(SERVICES, { ...deepCopy<Service>(service), status }, { subresource: 'status', signal })
    this.#recordChange(service, addresses, assignment)
  }

  #recordChange(service: DeepReadonly<Service>, addresses: readonly string[], assignment: Assignment): void {
    const before = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])
    if (!deepEqual(before, addresses)) {
      const change = `[${before.join(' ')}] -> [${addresses.join(' ')}]`
      this.#record(service, 'Normal', 'UpdatedLoadBalancer', `Updated LoadBalancer with new IPs: ${change}`)
      if (before.length === 0) this.#record(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer')
    }
    if (assignment.available === 0) this.#recordUnavailable(service)
    if (assignment.conflicts.length > 0)
      this.#record(service, 'Warning', 'LoadBalancerPortConflict', conflictMessage(assignment))
  }

  #recordUnavailable(service: DeepReadonly<Service>): void {
    this.#record(service, 'Warning', 'UnAvailableLoadBalancer', 'There are no available nodes for LoadBalancer')
  }

  #record(service: DeepReadonly<Service>, type: EventType, reason: string, message: string): void {
    this.#context.events.record(service, type, reason, message)
  }

  #withReadyEndpoint(service: DeepReadonly<Service>, nodes: readonly string[]): string[] {
    const slices = this.#slices.byIndex(SLICES_OF_INDEX, keyStringOf(service))
    const ready = slices.flatMap(({ endpoints = [] }) =>
      endpoints.filter(({ conditions }) => conditions?.ready !== false),
    )
    const withEndpoint = new Set(ready.map(({ nodeName }) => nodeName))
    return nodes.filter((name) => withEndpoint.has(name))
  }

  /** The table is made anew after a change of Services or Nodes; whoever has another part of it now is woken. */
  #assignmentOf(service: string): Assignment {
    if (this.#isOutdated) {
      this.#isOutdated = false
      const before = this.#assignments
      this.#assignments = assignPorts(this.#claims())
      for (const [name, assignment] of this.#assignments)
        if (name !== service && !deepEqual(before.get(name), assignment)) this.#context.enqueue(parseKey(name))
    }
    return this.#assignments.get(service) ?? NOTHING
  }

  #claims(): Claim[] {
    const nodes = availableNodes(this.#nodes.list())
    const services = this.#balanced()
    const arrivals = this.#arrivalsOf(services)
    return services.map((service) => ({
      service: keyStringOf(service),
      createdAt: service.metadata.creationTimestamp ?? '',
      arrival: arrivals.get(service.metadata.uid ?? '') ?? 0,
      ports: (service.spec?.ports ?? []).map(({ protocol = 'TCP', port }) => `${protocol}/${port}`),
      nodes: nodes.filter((node) => isInPool(node, service)).map(({ metadata }) => metadata.name ?? ''),
    }))
  }

  /** Numbers Services as they come; after a start those that serve already come first. */
  #arrivalsOf(services: readonly DeepReadonly<Service>[]): ReadonlyMap<string, number> {
    const before = this.#arrivals
    this.#arrivals = new Map()
    const rank = (service: DeepReadonly<Service>): string =>
      `${(service.status?.loadBalancer?.ingress ?? []).length > 0 ? 0 : 1}${keyStringOf(service)}`
    for (const service of [...services].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))) {
      const { uid = '' } = service.metadata
      this.#arrivals.set(uid, before.get(uid) ?? ++this.#arrived)
    }
    return this.#arrivals
  }

  #balanced(): DeepReadonly<Service>[] {
    return this.#services.byIndex(BALANCED_INDEX, '')
  }
}

function isBalanced(service: DeepReadonly<Service>): boolean {
  return (
    service.spec?.type === 'LoadBalancer' && service.metadata.deletionTimestamp === undefined && !isForeign(service)
  )
}

function isForeign({ spec }: DeepReadonly<Service>): boolean {
  return spec?.loadBalancerClass !== undefined && spec.loadBalancerClass !== LOAD_BALANCER_CLASS
}

const isLocal = ({ spec }: DeepReadonly<Service>): boolean => spec?.externalTrafficPolicy === 'Local'

const hasFinalizer = ({ metadata }: DeepReadonly<Service>): boolean => metadata.finalizers?.includes(FINALIZER) ?? false

function conditionsOf({ status }: DeepReadonly<Service>): Pick<NonNullable<Service['status']>, 'conditions'> {
  return status?.conditions === undefined
    ? {}
    : { conditions: status.conditions.map((condition) => ({ ...condition })) }
}

function keyStringOfService(slice: DeepReadonly<EndpointSlice>): string {
  const key = serviceKeyOf(slice)
  return key === undefined ? '' : keyString(key)
}
