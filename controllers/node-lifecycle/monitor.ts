/**
 * The regular look at every node: who has not been heard of becomes Unknown, its Pods not ready, and it queues for its
 * NoExecute taint; who is well again loses it. A pass over nodes that are well is memory only: no request.
 * Upstream: pkg/controller/nodelifecycle monitorNodeHealth, processTaintBaseEviction, doNoExecuteTaintingPass.
 */
import { NODES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isConflict, isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { compareResourceVersions } from '#machinery/meta/resource-version.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ControllerContext } from '#sdk'
import type { PodsOnNode } from '../manager/pods-on-node.ts'
import type { EvictionZones, ZoneCount } from './eviction-zones.ts'
import { zoneOf } from './eviction-zones.ts'
import type { GracePeriods, NodeHealth } from './node-health.ts'
import { conditionOf, isOverdue, observeHealth, unknownConditions } from './node-health.ts'
import { changeTaints, hasTaint, NOT_READY, UNREACHABLE } from './node-taints.ts'
import { markPodsNotReady } from './pod-readiness.ts'

type FrozenNode = DeepReadonly<Node>

const NODES_AT_ONCE = 30
const ATTEMPTS_MAX = 5
const LEASE_NAMESPACE = 'kube-node-lease'
const EXCLUDED_LABEL = 'node.kubernetes.io/exclude-disruption'

export interface NodeMonitorDependencies extends Pick<ControllerContext, 'client' | 'clock' | 'events' | 'logger'> {
  readonly nodes: Lister<Node>
  readonly leases: Lister<Lease>
  readonly pods: PodsOnNode
  readonly zones: EvictionZones
  readonly grace: GracePeriods
}

interface Checked {
  readonly node: FrozenNode
  /** Of the Ready condition before this look; Unknown when there is none. */
  readonly before: string
  /** After it; undefined when the node has no Ready condition. */
  readonly after: string | undefined
}

export class NodeMonitor {
  readonly #dependencies: NodeMonitorDependencies
  readonly #health = new Map<string, NodeHealth>()
  readonly #known = new Map<string, FrozenNode>()
  /** As we wrote them, until the cache shows it: what was just lost must not be taken for well. */
  readonly #written = new Map<string, FrozenNode>()
  /** Nodes some of whose Pods could not be marked. */
  readonly #unfinished = new Set<string>()

  constructor(dependencies: NodeMonitorDependencies) {
    this.#dependencies = dependencies
  }

  async check(signal: AbortSignal): Promise<void> {
    const { nodes, zones } = this.#dependencies
    const all = nodes.list()
    await this.#noticeArrivals(all, signal)
    const counts = new Map<string, ZoneCount>()
    await this.#forEach(all, async (node) => this.#checkNode(node, counts, signal))
    const turn = zones.update(counts)
    if (turn === 'all-lost') {
      this.#dependencies.logger.warn({ nodes: all.length }, 'no node is ready: taking back all NoExecute taints')
      await this.#forEach(all, (node) => this.#forgive(node, signal))
    } else if (turn === 'back') this.#restartProbes()
  }

  /** Lets waiting nodes through as far as their zones allow. */
  async taintWaiting(signal: AbortSignal): Promise<void> {
    const { zones } = this.#dependencies
    for (const queue of zones.queues()) await queue.letThrough((name) => this.#taint(name, signal))
  }

  async #forEach(nodes: readonly FrozenNode[], work: (node: FrozenNode) => Promise<void>): Promise<void> {
    let next = 0
    const worker = async (): Promise<void> => {
      for (let node = nodes[next++]; node !== undefined; node = nodes[next++]) {
        // One node's trouble must not keep the others from being looked at; the next pass looks again.
        await work(node).catch((err: unknown) => this.#complain(node, err))
      }
    }
    await Promise.all(Array.from({ length: Math.min(NODES_AT_ONCE, nodes.length) }, worker))
  }

  #complain({ metadata: { name } }: FrozenNode, err: unknown): void {
    if (isNotFound(err) || isConflict(err)) return
    this.#dependencies.logger.warn({ node: name, error: errorMessage(err) }, 'checking a node failed, trying again')
  }

  async #noticeArrivals(all: readonly FrozenNode[], signal: AbortSignal): Promise<void> {
    const present = new Set<string>()
    const added: FrozenNode[] = []
    for (const node of all) {
      const { name = '', uid } = node.metadata
      present.add(name)
      const known = this.#known.get(name)
      if (known !== undefined && known.metadata.uid === uid) continue
      if (known !== undefined) this.#removed(known)
      this.#known.set(name, node)
      this.#record(node, 'RegisteredNode', `Registered Node ${name} in Controller`)
      added.push(node)
    }
    if (this.#known.size > all.length)
      for (const [name, node] of this.#known) if (!present.has(name)) this.#removed(node)
    await this.#forEach(added, (node) => this.#forgive(node, signal))
  }

  #removed(node: FrozenNode): void {
    const { name = '' } = node.metadata
    this.#known.delete(name)
    this.#health.delete(name)
    this.#written.delete(name)
    this.#unfinished.delete(name)
    this.#dependencies.zones.remove(name)
    this.#record(node, 'RemovingNode', `Removing Node ${name} from Controller`)
  }

  #record({ metadata: { name = '', uid = '' } }: FrozenNode, reason: string, message: string): void {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name, uid } }
    this.#dependencies.events.record(node, 'Normal', reason, `Node ${name} event: ${message}`)
  }

  async #checkNode(cached: FrozenNode, counts: Map<string, ZoneCount>, signal: AbortSignal): Promise<void> {
    const checked = await this.#withHealth(cached, signal)
    if (checked === undefined) return
    const { node, before, after } = checked
    countNode(node, after, counts)
    if (after === undefined) return
    await this.#settleTaints(node, after, signal)
    const name = node.metadata.name ?? ''
    const isLost = after !== 'True' && before === 'True'
    if (isLost) this.#recordLoss(node)
    if (isLost || (this.#unfinished.has(name) && before !== 'True')) await this.#markPods(name, signal)
    else this.#unfinished.delete(name)
  }

  /** Writes Unknown when the node has been silent for too long. Undefined: the node has gone. */
  async #withHealth(cached: FrozenNode, signal: AbortSignal): Promise<Checked | undefined> {
    const { client, clock, grace } = this.#dependencies
    let node: FrozenNode = cached
    for (let attempt = 1; ; attempt++) {
      const health = this.#observe(node)
      const observed = conditionOf(node, 'Ready')?.status
      const before = observed ?? 'Unknown'
      const overdue = isOverdue(health, grace, clock.nowMs())
      const conditions = overdue ? unknownConditions(node, formatTime(clock.now())) : undefined
      if (conditions === undefined) return { node, before, after: observed }
      const draft = deepCopy<Node>(node)
      draft.status = { ...draft.status, conditions }
      try {
        const written = await client.update(NODES, draft, { subresource: 'status', signal })
        this.#written.set(node.metadata.name ?? '', written)
        return { node: written, before, after: 'Unknown' }
      } catch (err: unknown) {
        if (!isConflict(err) || attempt >= ATTEMPTS_MAX) throw err
        const live = await client.get(NODES, { name: node.metadata.name ?? '' }, { signal }).catch(undefinedIfNotFound)
        if (live === undefined) return undefined
        node = live
      }
    }
  }

  #observe(node: FrozenNode): NodeHealth {
    const { leases, clock } = this.#dependencies
    const { name = '' } = node.metadata
    const lease = leases.get({ namespace: LEASE_NAMESPACE, name })
    const health = observeHealth(this.#health.get(name), node, lease, clock.nowMs())
    this.#health.set(name, health)
    return health
  }

  /** not-ready and unreachable exclude each other; the first of them has to wait for its turn, a change has not. */
  async #settleTaints(node: FrozenNode, ready: string, signal: AbortSignal): Promise<void> {
    const { client, clock, zones } = this.#dependencies
    if (ready === 'True') return this.#forgive(node, signal)
    const [wanted, other] = ready === 'False' ? [NOT_READY, UNREACHABLE] : [UNREACHABLE, NOT_READY]
    if (hasTaint(node, other)) return changeTaints(client, node, { add: [wanted], remove: [other] }, { clock, signal })
    const queue = zones.queueOf(zoneOf(node))
    const { name = '' } = node.metadata
    // Somebody has taken the taint away: it has to be given again.
    if (!hasTaint(node, wanted)) queue.remove(name)
    queue.add(name)
  }

  async #forgive(node: FrozenNode, signal: AbortSignal): Promise<void> {
    const { client, clock, zones } = this.#dependencies
    zones.remove(node.metadata.name ?? '')
    if (!hasTaint(node, NOT_READY) && !hasTaint(node, UNREACHABLE)) return
    await changeTaints(client, node, { add: [], remove: [NOT_READY, UNREACHABLE] }, { clock, signal })
  }

  /** False: try again. */
  async #taint(name: string, signal: AbortSignal): Promise<boolean> {
    const { client, clock } = this.#dependencies
    const node = this.#newest(name)
    if (node === undefined) return true
    const ready = conditionOf(node, 'Ready')?.status
    if (ready === undefined) return false
    if (ready === 'True') return true
    const [add, remove] = ready === 'False' ? [NOT_READY, UNREACHABLE] : [UNREACHABLE, NOT_READY]
    try {
      await changeTaints(client, node, { add: [add], remove: [remove] }, { clock, signal })
      return true
    } catch (err: unknown) {
      this.#complain(node, err)
      return false
    }
  }

  #newest(name: string): FrozenNode | undefined {
    const cached = this.#dependencies.nodes.get({ name })
    const written = this.#written.get(name)
    if (cached === undefined || written === undefined) return cached
    const order = compareResourceVersions(cached.metadata.resourceVersion, written.metadata.resourceVersion)
    if (cached.metadata.uid === written.metadata.uid && order !== undefined && order < 0) return written
    this.#written.delete(name)
    return cached
  }

  #recordLoss({ metadata: { name = '', uid = '' } }: FrozenNode): void {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name, uid } }
    this.#dependencies.events.record(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
  }

  async #markPods(name: string, signal: AbortSignal): Promise<void> {
    this.#unfinished.add(name)
    await markPodsNotReady(this.#dependencies.pods.on(name), this.#dependencies, signal)
    this.#unfinished.delete(name)
  }

  /** What was silent while nobody could be heard gets a full grace period again. */
  #restartProbes(): void {
    const probeMs = this.#dependencies.clock.nowMs()
    for (const [name, health] of this.#health) this.#health.set(name, { ...health, probeMs })
  }
}

function countNode(node: FrozenNode, ready: string | undefined, counts: Map<string, ZoneCount>): void {
  if (node.metadata.labels?.[EXCLUDED_LABEL] !== undefined) return
  const zone = zoneOf(node)
  const count = counts.get(zone) ?? { ready: 0, notReady: 0 }
  counts.set(zone, count)
  if (ready === 'True') count.ready++
  else count.notReady++
}
