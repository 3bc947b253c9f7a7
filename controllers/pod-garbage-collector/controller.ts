/**
 * Removes Pods nobody else will: too many finished ones, those of nodes that are gone or out of service, those that were
 * deleted before they got a node.
 *
 * Reads: pods and nodes from caches; a missing node live before its Pods go.
 * Writes: pods/status (phase Failed, DisruptionTarget), deletes of pods without grace.
 * Upstream: pkg/controller/podgc.
 */
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { untilAborted } from '#machinery/informers/factory.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isConflict, isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ControllerComponent, ControllerContext } from '#sdk'
import { defineComponent } from '#sdk'
import { POD_GARBAGE_COLLECTOR_CONTROLLER } from '../manager/names.ts'
import type { Disruption } from '../manager/pod-conditions.ts'
import { disruptionTarget, patchPodStatus } from '../manager/pod-conditions.ts'
import type { PodsOnNode } from '../manager/pods-on-node.ts'
import { podsOnNode } from '../manager/pods-on-node.ts'
import type { Ending } from './garbage.ts'
import { endingOf, isOutOfService, isUnscheduledTerminating, surplusTerminated } from './garbage.ts'

type FrozenPod = DeepReadonly<Pod>

const ENDING_INDEX = 'ending'
const PERIOD_MS = 20_000
/** How long a node may be missing from the cache before we ask whether it is really gone. */
const QUARANTINE_MS = 40_000
const DELETES_AT_ONCE = 16
const NODE_GONE: Disruption = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }

export interface PodGarbageCollectorOptions {
  /** Finished Pods that are kept. Upstream's default: 12,500. */
  readonly terminatedPodThreshold: number
}

export function podGarbageCollectorController(options: PodGarbageCollectorOptions) {
  return defineComponent({
    name: POD_GARBAGE_COLLECTOR_CONTROLLER,
    permissions: [
      { resource: PODS, verbs: ['list', 'watch', 'delete'] },
      { resource: PODS, subresource: 'status', verbs: ['patch'] },
      { resource: NODES, verbs: ['get', 'list', 'watch'] },
    ],
    createComponent: (context) => new PodGarbageCollector(context, options),
  })
}

class PodGarbageCollector implements ControllerComponent {
  readonly #context: ControllerContext
  readonly #options: PodGarbageCollectorOptions
  readonly #pods: PodsOnNode
  readonly #nodes: Lister<Node>
  readonly #synced: Promise<unknown>
  /** Nodes that Pods name and the cache does not have, and since when. */
  readonly #missing = new Map<string, number>()

  constructor(context: ControllerContext, options: PodGarbageCollectorOptions) {
    const [pods, nodes] = [context.informer(PODS), context.informer(NODES)]
    pods.addIndex(ENDING_INDEX, endingOf)
    this.#context = context
    this.#options = options
    this.#pods = podsOnNode(pods)
    this.#nodes = nodes.lister
    this.#synced = Promise.all([pods.synced, nodes.synced])
  }

  async run(signal: AbortSignal, onReady: () => void): Promise<void> {
    await untilAborted(this.#synced, signal)
    onReady()
    while (!signal.aborted) {
      await this.#collect(signal)
      await sleep(this.#context.clock, PERIOD_MS, signal).catch(() => undefined)
    }
  }

  debug(): object {
    return { missingNodes: [...this.#missing.keys()] }
  }

  /** By indexes: with nothing to collect a round costs nothing per Pod. */
  async #collect(signal: AbortSignal): Promise<void> {
    const ended = this.#ending('ended')
    await this.#deleteAll(surplusTerminated(ended, this.#options.terminatedPodThreshold), undefined, signal)
    const nodeOf = ({ spec: { nodeName = '' } }: FrozenPod) => this.#nodes.get({ name: nodeName })
    const outOfService = this.#ending('deleted').filter((pod) => isOutOfService(pod, nodeOf(pod)))
    await this.#deleteAll(outOfService, undefined, signal)
    await this.#deleteAll(await this.#orphans(signal), NODE_GONE, signal)
    await this.#deleteAll(this.#ending('deleted').filter(isUnscheduledTerminating), undefined, signal)
  }

  #ending(how: Ending): FrozenPod[] {
    return this.#pods.pods.byIndex(ENDING_INDEX, how)
  }

  async #orphans(signal: AbortSignal): Promise<FrozenPod[]> {
    const named = [...this.#pods.nodeNames()]
    const missing = new Set(named.filter((name) => this.#nodes.get({ name }) === undefined))
    for (const name of this.#missing.keys()) if (!missing.has(name)) this.#missing.delete(name)
    const orphans: FrozenPod[] = []
    for (const name of missing) if (await this.#isGone(name, signal)) orphans.push(...this.#pods.on(name))
    return orphans
  }

  async #isGone(name: string, signal: AbortSignal): Promise<boolean> {
    const { client, clock, logger } = this.#context
    const sinceMs = this.#missing.get(name)
    if (sinceMs === undefined) this.#missing.set(name, clock.monotonicMs())
    if (sinceMs === undefined || clock.monotonicMs() - sinceMs < QUARANTINE_MS) return false
    try {
      return (await client.get(NODES, { name }, { signal }).catch(undefinedIfNotFound)) === undefined
    } catch (err: unknown) {
      if (!signal.aborted) logger.warn({ node: name, error: errorMessage(err) }, 'cannot tell whether a node is gone')
      return false
    }
  }

  async #deleteAll(pods: readonly FrozenPod[], disruption: Disruption | undefined, signal: AbortSignal): Promise<void> {
    let next = 0
    const worker = async (): Promise<void> => {
      for (let pod = pods[next++]; pod !== undefined && !signal.aborted; pod = pods[next++])
        await this.#failAndDelete(pod, disruption, signal).catch((err: unknown) => this.#complain(pod, err, signal))
    }
    await Promise.all(Array.from({ length: Math.min(DELETES_AT_ONCE, pods.length) }, worker))
  }

  /** No kubelet will ever say how it ended: whoever waits for that must be told. */
  async #failAndDelete(pod: FrozenPod, disruption: Disruption | undefined, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#context
    const { phase } = pod.status ?? {}
    if (phase !== 'Succeeded' && phase !== 'Failed') {
      const condition = disruption === undefined ? {} : { condition: disruptionTarget(pod, disruption) }
      await patchPodStatus(client, pod, { phase: 'Failed', ...condition }, { clock, signal })
    }
    const preconditions = { uid: pod.metadata.uid ?? '' }
    await client.delete(PODS, objectKeyOf(pod), { gracePeriodSeconds: 0, preconditions, signal })
  }

  /** Those that are still there are met again in the next round. */
  #complain(pod: FrozenPod, err: unknown, signal: AbortSignal): void {
    const { namespace, name } = pod.metadata
    if (signal.aborted || isNotFound(err) || isConflict(err)) return
    this.#context.logger.warn({ pod: { namespace, name }, error: errorMessage(err) }, 'deleting a Pod failed')
  }
}
