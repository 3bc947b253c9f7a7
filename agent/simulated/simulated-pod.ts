/**
 * One Pod on a simulated node as the process remembers it: its newest state, the life it leads, what it has of the node.
 * Upstream: pkg/kubelet/pod_workers.go podSyncStatus.
 */
import type { Pod, PodStatus } from '#machinery/api/core/v1/types.gen.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { PodBehaviour } from './behaviour.ts'
import { type PodFailure, PodRun } from './pod-run.ts'
import { podStatus } from './pod-status.ts'
import { restorePodRun } from './restore.ts'
import type { SimulatedNode } from './simulated-node.ts'
import { newest } from './versions.ts'

export type FrozenPod = DeepReadonly<Pod>

export interface SimulatedPodTools {
  readonly clock: Clock
  readonly random: Random
  readonly jobDurationMs: number
}

export class SimulatedPod {
  readonly uid: string
  readonly node: SimulatedNode
  /** The final delete was accepted: what is left are finalizers. */
  isDeleteSent = false
  readonly #tools: SimulatedPodTools
  #pod: FrozenPod
  #behaviour: PodBehaviour | undefined
  #run: PodRun | undefined
  #podIP: string | undefined

  /** Takes a place on the node; what else it needs of it, when the node takes it in. */
  constructor(pod: FrozenPod, node: SimulatedNode, tools: SimulatedPodTools) {
    this.uid = pod.metadata.uid ?? ''
    this.node = node
    this.#pod = pod
    this.#tools = tools
    node.pods.add(this.uid)
    // Taken in by an earlier process: that comes before what has still to be taken in, whichever is looked at first.
    if (pod.status?.startTime !== undefined && !this.isFinished) node.usage.add(pod)
  }

  /** The newest state known: from the cache, or the answer to our own write. */
  get pod(): FrozenPod {
    return this.#pod
  }

  /** It has come to its end. */
  get isFinished(): boolean {
    return isFinished(this.#pod)
  }

  /** From the cache. False: it is not news. */
  observe(pod: FrozenPod): boolean {
    // Our own write coming back: the cache's copy is kept, so that there is one.
    const isKnown = this.#pod.metadata.resourceVersion === pod.metadata.resourceVersion
    this.#pod = isKnown ? pod : newest(this.#pod, pod)
    return !isKnown && this.#pod === pod
  }

  /** From the API server. */
  learn(pod: FrozenPod): void {
    this.#pod = newest(this.#pod, pod)
  }

  /** Follows the Pod: annotations may change while it runs. */
  get behaviour(): PodBehaviour {
    const { random, jobDurationMs } = this.#tools
    this.#behaviour ??= new PodBehaviour(this.#pod, { random, jobDurationMs })
    this.#behaviour.pod = this.#pod
    return this.#behaviour
  }

  /** The Pod's life, begun when the node takes it in. Undefined: the node does not. */
  life(): PodRun | undefined {
    if (this.#run !== undefined) return this.#run
    const { behaviour, node } = this
    if (this.#pod.status?.startTime !== undefined) {
      this.#run = restorePodRun(this.#pod, behaviour)
      this.#podIP = this.#pod.status.podIP
      if (this.#podIP !== undefined) node.reserveAddress(this.#podIP)
    } else {
      if (this.refusal() !== undefined) return undefined
      this.#run = new PodRun(this.#tools.clock.nowMs(), behaviour.startDelayMs())
    }
    node.usage.add(this.#pod)
    return this.#run
  }

  /** Why the node does not take it in. A Pod that is already leaving is taken in, to be let go. */
  refusal(): PodFailure | undefined {
    if (this.#pod.metadata.deletionTimestamp !== undefined || this.node.object === undefined) return undefined
    return this.node.usage.refusal(this.#pod, this.node.object)
  }

  /** What its status is to be; with a sandbox it has an address. */
  statusOf(run: PodRun, nowMs: number): PodStatus {
    if (this.#podIP === undefined && run.hasSandbox(nowMs)) this.#podIP = this.node.takeAddress(this.#pod)
    const { behaviour, node } = this
    return podStatus({ pod: this.#pod, run, behaviour, nowMs, hostIP: node.address, podIP: this.#podIP })
  }

  /** What the Pod had of its node is free for others. */
  release(): void {
    this.node.usage.remove(this.uid)
    if (this.#podIP !== undefined) this.node.releaseAddress(this.#podIP)
    this.#podIP = undefined
    this.#run = undefined
  }

  /** Leaves the node for good. */
  leave(): void {
    this.release()
    this.node.pods.delete(this.uid)
  }
}

export function isFinished({ status }: FrozenPod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}
