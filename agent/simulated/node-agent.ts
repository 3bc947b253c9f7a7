/**
 * Registers simulated nodes and keeps them alive: a Lease each, renewed every 10 s, and their status every 5 min. One queue for
 * all nodes, with one timer. A node that is deleted stays away: a kubelet registers when it starts.
 *
 * Writes: nodes (create, update), nodes/status, leases in kube-node-lease.
 * Upstream: pkg/kubelet/kubelet_node_status.go, component-helpers apimachinery/lease/controller.go.
 */
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import { NODES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { isAlreadyExists, isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { formatMicroTime, sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import { isBusy } from './busy.ts'
import type { SimulatedNodesDependencies } from './interfaces.ts'
import { isReportedHealthy, newNode, nodeLabels, nodeStatus, offersItsCapacity } from './node-object.ts'
import type { SimulatedNode } from './simulated-node.ts'

const LEASE_NAMESPACE = 'kube-node-lease'
const LEASE_SECONDS = 40
const RENEW_MS = 10_000
/** Renewals happen at these ticks, each node at one of ten: a few dozen share a commit, and 5,000 are no burst. */
const TICK_MS = 1_000
const STATUS_MS = 300_000
const CONCURRENCY = 32
const RETRY_MS = 1_000

type Duty = 'lease' | 'status'

export class NodeAgent {
  readonly #dependencies: SimulatedNodesDependencies
  readonly #version: string
  readonly #nodes: ReadonlyMap<string, SimulatedNode>
  readonly #queue: WorkQueue
  readonly #onRevived: (node: SimulatedNode) => void

  constructor(
    dependencies: SimulatedNodesDependencies,
    version: string,
    nodes: ReadonlyMap<string, SimulatedNode>,
    onRevived: (node: SimulatedNode) => void,
  ) {
    this.#dependencies = dependencies
    this.#version = version
    this.#nodes = nodes
    this.#queue = new WorkQueue({ clock: dependencies.clock })
    this.#onRevived = onRevived
  }

  /** Resolves when every node is registered; nodes the API server refuses are tried again until it does not. */
  async register(signal: AbortSignal): Promise<void> {
    const waiting = [...this.#nodes.values()]
    const register = async (): Promise<void> => {
      for (let node = waiting.shift(); node !== undefined && !signal.aborted; node = waiting.shift()) {
        await this.#register(node, signal)
        if (signal.aborted) return
        this.#onRevived(node)
        this.#queue.add(dutyKey('lease', node.name))
        this.#addAtTick('status', node, RENEW_MS + this.#spread(STATUS_MS))
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, register))
  }

  /** Keeps the nodes alive until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const removeHandler = this.#dependencies.nodes.addHandler({
      onAdd: (object) => this.#observe(object),
      onUpdate: (_old, object) => this.#observe(object),
      onDelete: (object) => this.#forget(object),
    })
    const shutDown = (): void => this.#queue.shutDown()
    signal.addEventListener('abort', shutDown, { once: true })
    if (signal.aborted) shutDown()
    await Promise.all(Array.from({ length: CONCURRENCY }, () => this.#work(signal)))
    removeHandler()
  }

  async #register(node: SimulatedNode, signal: AbortSignal): Promise<void> {
    const { client, clock, logger } = this.#dependencies
    const facts = { spec: node.spec, address: node.address, version: this.#version, nowMs: clock.nowMs() }
    for (;;) {
      try {
        node.learn(await client.create(NODES, newNode(facts), { signal }))
        return
      } catch (err: unknown) {
        if (signal.aborted) return
        if (isAlreadyExists(err) && (await this.#adopt(node, signal))) return
        if (!isAlreadyExists(err) && !isBusy(err))
          logger.warn({ node: node.name, reason: errorMessage(err) }, 'cannot register a simulated node, trying again')
        await sleep(clock, RETRY_MS, signal).catch(() => undefined)
        if (signal.aborted) return
      }
    }
  }

  /** A node of an earlier run is taken over. False: it is not there, or changed meanwhile. */
  async #adopt(node: SimulatedNode, signal: AbortSignal): Promise<boolean> {
    const { client, logger } = this.#dependencies
    try {
      const object = await client.get(NODES, { name: node.name }, { signal })
      const labels = { ...object.metadata.labels, ...nodeLabels(node.spec) }
      const draft = { ...object, metadata: { ...object.metadata, labels } }
      node.learn(await client.update(NODES, draft, { signal }))
      if (node.isAlive) await this.#reportStatus(node, signal)
      return true
    } catch (err: unknown) {
      if (!isConflict(err) && !isNotFound(err) && !signal.aborted)
        logger.warn({ node: node.name, reason: errorMessage(err) }, 'cannot take over a simulated node, trying again')
      return false
    }
  }

  #observe(object: DeepReadonly<Node>): void {
    const node = this.#nodes.get(object.metadata.name ?? '')
    if (node === undefined) return
    const wasAlive = node.isAlive
    node.learn(object)
    if (!node.isAlive) return
    if (!wasAlive) {
      this.#queue.add(dutyKey('lease', node.name))
      this.#onRevived(node)
    }
    if (!wasAlive || !isReportedHealthy(object)) this.#queue.add(dutyKey('status', node.name))
    // As late as kubelet may notice: where something else always has the last word, the two do not write without pause.
    else if (!offersItsCapacity(object)) this.#addAtTick('status', node, RENEW_MS)
  }

  #forget(object: DeepReadonly<Node>): void {
    const node = this.#nodes.get(object.metadata.name ?? '')
    if (node === undefined) return
    node.lose(object.metadata.uid)
    this.#dependencies.logger.info({ node: node.name }, 'a simulated node was deleted and stays away')
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { logger } = this.#dependencies
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      const [duty = '', name = ''] = key.split('/')
      const node = this.#nodes.get(name)
      try {
        if (node?.isAlive === true) await this.#do(duty as Duty, node, signal)
        this.#queue.forget(key)
      } catch (err: unknown) {
        if (!signal.aborted && !isConflict(err) && !isBusy(err))
          logger.warn({ node: name, duty, reason: errorMessage(err) }, 'a simulated node cannot report, trying again')
        this.#queue.addAfter(key, RETRY_MS)
      }
      this.#queue.done(key)
    }
  }

  async #do(duty: Duty, node: SimulatedNode, signal: AbortSignal): Promise<void> {
    if (duty === 'lease') {
      const isFirst = node.lease === undefined
      await this.#renewLease(node, signal)
      // Nodes that start together do not renew together.
      this.#addAtTick('lease', node, isFirst ? this.#spread(RENEW_MS) : RENEW_MS)
    } else {
      await this.#reportStatus(node, signal)
      this.#addAtTick('status', node, STATUS_MS)
    }
  }

  async #renewLease(node: SimulatedNode, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#dependencies
    const renewTime = formatMicroTime(clock.now())
    const key = { namespace: LEASE_NAMESPACE, name: node.name }
    const renew = (lease: DeepReadonly<Lease>): Promise<DeepReadonly<Lease>> => {
      const spec = { ...lease.spec, holderIdentity: node.name, leaseDurationSeconds: LEASE_SECONDS, renewTime }
      return client.update(LEASES, { ...lease, spec }, { signal })
    }
    try {
      node.lease =
        node.lease === undefined
          ? await client.create(LEASES, newLease(node, renewTime), { signal })
          : await renew(node.lease)
    } catch (err: unknown) {
      node.lease = undefined
      if (isNotFound(err)) node.lease = await client.create(LEASES, newLease(node, renewTime), { signal })
      else if (isAlreadyExists(err) || isConflict(err))
        node.lease = await renew(await client.get(LEASES, key, { signal }))
      else throw err
    }
  }

  async #reportStatus(node: SimulatedNode, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#dependencies
    const facts = { spec: node.spec, address: node.address, version: this.#version, nowMs: clock.nowMs() }
    const report = (object: DeepReadonly<Node>): Promise<DeepReadonly<Node>> =>
      client.update(
        NODES,
        { ...deepCopy<Node>(object), status: nodeStatus(facts, object.status) },
        { subresource: 'status', signal },
      )
    const known = node.object
    if (known === undefined) return
    const reported = await report(known).catch(async (err: unknown) => {
      if (!isConflict(err)) throw err
      return report(await client.get(NODES, { name: node.name }, { signal }))
    })
    node.learn(reported)
  }

  /** Never later than asked. */
  #addAtTick(duty: Duty, node: SimulatedNode, delayMs: number): void {
    const nowMs = this.#dependencies.clock.monotonicMs()
    const dueMs = Math.floor((nowMs + delayMs) / TICK_MS) * TICK_MS
    this.#queue.addAfter(dutyKey(duty, node.name), dueMs - nowMs)
  }

  #spread(rangeMs: number): number {
    return this.#dependencies.random.int(rangeMs)
  }
}

const dutyKey = (duty: Duty, name: string): string => `${duty}/${name}`

function newLease({ name, object }: SimulatedNode, renewTime: string): Lease {
  const owner = { apiVersion: 'v1', kind: 'Node', name, uid: object?.metadata.uid ?? '' }
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: LEASE_NAMESPACE, name, ownerReferences: [owner] },
    spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
  }
}
