/**
 * Watches over nodes: heartbeats, taints that say what is wrong with a node, old label names, Pods of lost nodes.
 *
 * Reads: nodes, their leases and pods from caches; a node live after a lost race.
 * Writes: nodes (taints, labels), nodes/status (Unknown conditions), pods/status (Ready), events.
 * Upstream: pkg/controller/nodelifecycle. Differs: the taint queue is looked at only while somebody waits in it; no metrics
 * of its own.
 */
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { untilAborted } from '#machinery/informers/factory.ts'
import { keyStringOf, parseKey } from '#machinery/informers/key.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import { sleep } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import type { ControllerComponent, ControllerContext } from '#sdk'
import { defineComponent } from '#sdk'
import { NODE_LIFECYCLE_CONTROLLER } from '../manager/names.ts'
import { podsOnNode } from '../manager/pods-on-node.ts'
import { workOn } from '../manager/queue-worker.ts'
import type { EvictionRates } from './eviction-zones.ts'
import { EvictionZones } from './eviction-zones.ts'
import { NodeMonitor } from './monitor.ts'
import type { GracePeriods } from './node-health.ts'
import { conditionOf } from './node-health.ts'
import { labelsToSet } from './node-labels.ts'
import { changeTaints, noScheduleChange } from './node-taints.ts'
import { markPodsNotReady } from './pod-readiness.ts'

const MONITOR_PERIOD_MS = 5_000
const TAINT_PERIOD_MS = 100
const GRACE: GracePeriods = { monitorMs: 50_000, startupMs: 60_000 }
const RATES: EvictionRates = { normal: 0.1, secondary: 0.01, largeZoneNodes: 50, unhealthyShare: 0.55 }
const NODE_WORKERS = 8
const POD_WORKERS = 4

export const nodeLifecycleController = defineComponent({
  name: NODE_LIFECYCLE_CONTROLLER,
  permissions: [
    { resource: NODES, verbs: ['get', 'list', 'watch', 'patch'] },
    { resource: NODES, subresource: 'status', verbs: ['update'] },
    { resource: LEASES, verbs: ['list', 'watch'] },
    { resource: PODS, verbs: ['list', 'watch'] },
    { resource: PODS, subresource: 'status', verbs: ['patch'] },
  ],
  createComponent: (context) => new NodeLifecycleController(context),
})

class NodeLifecycleController implements ControllerComponent {
  readonly #context: ControllerContext
  readonly #nodes: Informer<Node>
  readonly #pods: Informer<Pod>
  readonly #nodeQueue: WorkQueue
  readonly #podQueue: WorkQueue
  readonly #zones: EvictionZones
  readonly #monitor: NodeMonitor
  readonly #synced: Promise<unknown>
  #wakeTainting: () => void = () => undefined

  constructor(context: ControllerContext) {
    const leases = context.informer(LEASES)
    this.#context = context
    this.#nodes = context.informer(NODES)
    this.#pods = context.informer(PODS)
    this.#nodeQueue = context.newQueue('node_lifecycle_controller')
    this.#podQueue = context.newQueue('node_lifecycle_controller_pods')
    this.#zones = new EvictionZones(context.clock, RATES)
    const pods = podsOnNode(this.#pods)
    this.#monitor = new NodeMonitor({
      ...context,
      nodes: this.#nodes.lister,
      leases: leases.lister,
      pods,
      zones: this.#zones,
      grace: GRACE,
    })
    this.#synced = Promise.all([this.#nodes.synced, this.#pods.synced, leases.synced])
  }

  async run(signal: AbortSignal, onReady: () => void): Promise<void> {
    const removeHandlers = this.#addHandlers()
    const stop = (): void => {
      this.#nodeQueue.shutDown()
      this.#podQueue.shutDown()
      this.#wakeTainting()
    }
    signal.addEventListener('abort', stop, { once: true })
    try {
      await untilAborted(this.#synced, signal)
      onReady()
      await this.#work(signal)
    } finally {
      stop()
      for (const remove of removeHandlers) remove()
    }
  }

  debug(): object {
    return { ...this.#zones.debug(), nodes: this.#nodes.lister.size, depth: this.#nodeQueue.depth }
  }

  #addHandlers(): (() => void)[] {
    const changed = (node: DeepReadonly<Node>): void => this.#nodeQueue.add(node.metadata.name ?? '')
    const assigned = (pod: DeepReadonly<Pod>): void => {
      if (this.#isOnLostNode(pod)) this.#podQueue.add(keyStringOf(pod))
    }
    return [
      this.#nodes.addHandler({ onAdd: changed, onUpdate: (_old, node) => changed(node) }),
      this.#pods.addHandler({
        onAdd: assigned,
        onUpdate: (old, pod) => {
          if (old.spec.nodeName !== pod.spec.nodeName) assigned(pod)
        },
      }),
    ]
  }

  #isOnLostNode({ spec: { nodeName = '' } }: DeepReadonly<Pod>): boolean {
    const node = nodeName === '' ? undefined : this.#nodes.lister.get({ name: nodeName })
    const ready = node === undefined ? undefined : conditionOf(node, 'Ready')
    return ready !== undefined && ready.status !== 'True'
  }

  async #work(signal: AbortSignal): Promise<void> {
    const how = { logger: this.#context.logger, signal }
    await Promise.all([
      this.#keepMonitoring(signal),
      this.#keepTainting(signal),
      ...Array.from({ length: NODE_WORKERS }, () =>
        workOn(this.#nodeQueue, (name) => this.#settleNode(name, signal), how),
      ),
      ...Array.from({ length: POD_WORKERS }, () => workOn(this.#podQueue, (key) => this.#settlePod(key, signal), how)),
    ])
  }

  async #keepMonitoring(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#monitor.check(signal)
      this.#wakeTainting()
      await sleep(this.#context.clock, MONITOR_PERIOD_MS, signal).catch(() => undefined)
    }
  }

  async #keepTainting(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#zones.isBusy) {
        await this.#monitor.taintWaiting(signal)
        await sleep(this.#context.clock, TAINT_PERIOD_MS, signal).catch(() => undefined)
      } else
        await new Promise<void>((resolve) => {
          this.#wakeTainting = resolve
        })
    }
  }

  async #settleNode(name: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#context
    const node = this.#nodes.lister.get({ name })
    if (node === undefined) return
    await changeTaints(client, node, noScheduleChange(node), { clock, signal })
    const labels = labelsToSet(node)
    if (Object.keys(labels).length === 0) return
    const body = { metadata: { uid: node.metadata.uid, labels } }
    await client.patch(NODES, { name }, { type: 'merge', body: deepCopy<object>(body) }, { signal })
  }

  async #settlePod(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.#pods.lister.get(parseKey(key))
    if (pod !== undefined && this.#isOnLostNode(pod)) await markPodsNotReady([pod], this.#context, signal)
  }
}
