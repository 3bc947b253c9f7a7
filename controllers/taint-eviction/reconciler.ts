/**
 * Deletes Pods that do not tolerate the NoExecute taints of their node, or no longer do.
 *
 * Reads: pods and nodes from caches; the Pod about to be deleted, live.
 * Writes: pods/status (DisruptionTarget), deletes of pods, events.
 * Upstream: pkg/controller/tainteviction. Differs: when a second taint shortens the toleration, the deletion that is
 * already scheduled comes earlier.
 */
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { deepEqual } from '#machinery/util/json.ts'
import { COMPARISON_GATE } from '#machinery/scheduling/tolerations.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, requeueAfter } from '#sdk'
import { TAINT_EVICTION_CONTROLLER } from '../manager/names.ts'
import type { Disruption } from '../manager/pod-conditions.ts'
import { disruptionTarget, patchPodStatus } from '../manager/pod-conditions.ts'
import { podsOnNode } from '../manager/pods-on-node.ts'
import { evictionPlan, noExecuteTaints } from './eviction-plan.ts'

const DISRUPTION: Disruption = {
  reason: 'DeletionByTaintManager',
  message: 'Taint manager: deleting due to NoExecute taint',
}

export const taintEvictionController = defineController({
  name: TAINT_EVICTION_CONTROLLER,
  reconciles: PODS,
  permissions: [
    { resource: PODS, verbs: ['get', 'list', 'watch', 'delete'] },
    { resource: PODS, subresource: 'status', verbs: ['patch'] },
    { resource: NODES, verbs: ['list', 'watch'] },
  ],
  concurrency: 8,
  create: (context) => new TaintEvictionReconciler(context),
})

interface Scheduled {
  readonly uid: string
  /** When the wait began. */
  readonly sinceMs: number
}

class TaintEvictionReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #pods: Lister<Pod>
  readonly #nodes: Lister<Node>
  readonly #comparesNumbers: boolean
  /** Pods that are going to be deleted; by key. */
  readonly #scheduled = new Map<string, Scheduled>()

  constructor({ client, clock, events, informer, enqueue, isGateEnabled }: ReconcilerContext) {
    const nodes = informer(NODES)
    const pods = podsOnNode(informer(PODS))
    this.#client = client
    this.#clock = clock
    this.#events = events
    this.#pods = pods.pods
    this.#nodes = nodes.lister
    this.#comparesNumbers = isGateEnabled(COMPARISON_GATE)
    const enqueuePods = ({ metadata: { name = '' } }: DeepReadonly<Node>): void => {
      for (const pod of pods.on(name)) enqueue(objectKeyOf(pod))
    }
    nodes.addHandler({
      onAdd(node) {
        if (noExecuteTaints(node).length > 0) enqueuePods(node)
      },
      onUpdate(old, node) {
        if (!deepEqual(noExecuteTaints(old), noExecuteTaints(node))) enqueuePods(node)
      },
    })
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const pod = this.#pods.get(key)
    const { nodeName = '' } = pod?.spec ?? {}
    const taints = nodeName === '' ? [] : noExecuteTaints(this.#nodes.get({ name: nodeName }))
    // By far the most frequent case: nothing is wrong and nothing was.
    if (taints.length === 0 && !this.#scheduled.has(keyString(key))) return DONE
    const plan = pod === undefined ? ({ type: 'stays' } as const) : evictionPlan(pod, taints, this.#comparesNumbers)
    if (pod === undefined || plan.type === 'stays') {
      this.#cancel(key)
      return DONE
    }
    if (pod.metadata.deletionTimestamp !== undefined) return DONE
    const sinceMs = this.#schedule(key, pod, plan.sinceMs)
    const waitMs = plan.afterMs === 0 ? 0 : sinceMs + plan.afterMs - this.#clock.nowMs()
    if (waitMs > 0) return requeueAfter(waitMs)
    await this.#evict(key, pod, signal)
    return DONE
  }

  /** Returns when the wait began; the first look at this Pod decides. */
  #schedule(key: ObjectKey, { metadata: { uid = '' } }: DeepReadonly<Pod>, plannedMs: number | undefined): number {
    const name = keyString(key)
    const known = this.#scheduled.get(name)
    if (known?.uid === uid) return known.sinceMs
    const nowMs = this.#clock.nowMs()
    const sinceMs = Math.min(plannedMs ?? nowMs, nowMs)
    this.#scheduled.set(name, { uid, sinceMs })
    return sinceMs
  }

  #cancel(key: ObjectKey): void {
    if (this.#scheduled.delete(keyString(key))) this.#record(key, 'Cancelling deletion of Pod')
  }

  async #evict(key: ObjectKey, pod: DeepReadonly<Pod>, signal: AbortSignal): Promise<void> {
    const live = await this.#client.get(PODS, key, { signal }).catch(undefinedIfNotFound)
    // What is gone or another by now is reported by the watch.
    if (live === undefined || live.metadata.uid !== pod.metadata.uid || live.metadata.deletionTimestamp !== undefined)
      return
    const { uid = '' } = live.metadata
    await patchPodStatus(this.#client, live, { condition: disruptionTarget(live, DISRUPTION) }, this.#how(signal))
    this.#record(key, 'Marking for deletion Pod')
    await this.#client.delete(PODS, key, { preconditions: { uid }, signal }).catch(undefinedIfNotFound)
    this.#scheduled.delete(keyString(key))
  }

  #how(signal: AbortSignal): { readonly clock: Clock; readonly signal: AbortSignal } {
    return { clock: this.#clock, signal }
  }

  #record(key: ObjectKey, what: string): void {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...key } }
    this.#events.record(pod, 'Normal', 'TaintManagerEviction', `${what} ${keyString(key)}`)
  }
}
