/**
 * Runs the Pods bound to simulated nodes: one serial worker per Pod (a queue keyed by UID, with one timer for all), which
 * moves the simulated containers and writes the status when it differs: one write for whatever happens at one moment.
 *
 * Reads: pods from the cache.  Writes: pods/status; pods (the final delete); events.
 * Upstream: pkg/kubelet/pod_workers.go, status/status_manager.go.
 */
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, PodStatus } from '#machinery/api/core/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import { PodBehaviour } from './behaviour.ts'
import type { SimulatedNodesDependencies, SimulatedNodesOptions } from './interfaces.ts'
import { type PodFailure, PodRun } from './pod-run.ts'
import { podStatus, rejectedStatus } from './pod-status.ts'
import { restorePodRun } from './restore.ts'
import type { SimulatedNode } from './simulated-node.ts'
import { isBusy } from './busy.ts'
import { newest } from './versions.ts'

type FrozenPod = DeepReadonly<Pod>

/** What the process remembers of one Pod. */
interface Entry {
  readonly uid: string
  readonly node: SimulatedNode
  /** The newest state known: from the cache, or the answer to our own write. */
  pod: FrozenPod
  behaviour: PodBehaviour | undefined
  run: PodRun | undefined
  podIP: string | undefined
  /** The final delete was accepted: what is left are finalizers. */
  isDeleteSent: boolean
}

/** Well below what the API server takes at once, so that nodes and controllers have their share. */
const CONCURRENCY = 32
const FIELD_MANAGER = 'kubelet'

export class PodWorker {
  readonly #dependencies: SimulatedNodesDependencies
  readonly #nodes: ReadonlyMap<string, SimulatedNode>
  readonly #options: SimulatedNodesOptions
  readonly #entries = new Map<string, Entry>()
  readonly #queue: WorkQueue

  constructor(
    dependencies: SimulatedNodesDependencies,
    nodes: ReadonlyMap<string, SimulatedNode>,
    options: SimulatedNodesOptions,
  ) {
    this.#dependencies = dependencies
    this.#nodes = nodes
    this.#options = options
    this.#queue = new WorkQueue({ clock: dependencies.clock })
  }

  get podCount(): number {
    return this.#entries.size
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const removeHandler = this.#dependencies.pods.addHandler({
      onAdd: (pod) => this.#observe(pod),
      onUpdate: (old, pod) => {
        if (old.metadata.uid !== pod.metadata.uid) this.#forget(old)
        this.#observe(pod)
      },
      onDelete: (pod) => this.#forget(pod),
    })
    const shutDown = (): void => this.#queue.shutDown()
    signal.addEventListener('abort', shutDown, { once: true })
    if (signal.aborted) shutDown()
    await Promise.all(Array.from({ length: CONCURRENCY }, () => this.#work(signal)))
    removeHandler()
  }

  /** The node is there, or there again: all that was missed is caught up with. */
  wake(node: SimulatedNode): void {
    for (const uid of node.pods) this.#queue.add(uid)
  }

  #observe(pod: FrozenPod): void {
    const node = this.#nodes.get(pod.spec.nodeName ?? '')
    const { uid = '' } = pod.metadata
    if (node === undefined) return
    const known = this.#entries.get(uid)
    if (known !== undefined) {
      // Our own write coming back: the cache's copy is kept, so that there is one.
      const isKnown = known.pod.metadata.resourceVersion === pod.metadata.resourceVersion
      known.pod = isKnown ? pod : newest(known.pod, pod)
      if (isKnown || known.pod !== pod) return
    } else {
      if (isFinished(pod) && pod.metadata.deletionTimestamp === undefined) return
      node.pods.add(uid)
      // Taken in by an earlier process: that comes before what has still to be taken in, whichever is looked at first.
      if (pod.status?.startTime !== undefined && !isFinished(pod)) node.usage.add(pod)
      this.#entries.set(uid, {
        uid,
        node,
        pod,
        behaviour: undefined,
        run: undefined,
        podIP: undefined,
        isDeleteSent: false,
      })
    }
    this.#queue.add(uid)
  }

  #forget({ metadata }: FrozenPod): void {
    const entry = this.#entries.get(metadata.uid ?? '')
    if (entry === undefined) return
    this.#release(entry)
    entry.node.pods.delete(entry.uid)
    this.#entries.delete(entry.uid)
    this.#queue.forget(entry.uid)
  }

  /** What the Pod had of its node is free for others. */
  #release(entry: Entry): void {
    entry.node.usage.remove(entry.uid)
    if (entry.podIP !== undefined) entry.node.releaseAddress(entry.podIP)
    entry.podIP = undefined
    entry.run = undefined
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let uid = await this.#queue.take(); uid !== undefined; uid = await this.#queue.take()) {
      const entry = this.#entries.get(uid)
      try {
        if (entry?.node.isAlive === true) await this.#sync(entry, signal)
        this.#queue.forget(uid)
      } catch (err: unknown) {
        if (!signal.aborted) await this.#handleError(uid, entry, err, signal)
      }
      this.#queue.done(uid)
    }
  }

  async #handleError(uid: string, entry: Entry | undefined, err: unknown, signal: AbortSignal): Promise<void> {
    const { client, logger } = this.#dependencies
    if (entry === undefined || isNotFound(err)) return
    this.#queue.addRateLimited(uid)
    if (isBusy(err)) return
    if (!isConflict(err)) {
      logger.warn(
        { pod: objectKeyOf(entry.pod), reason: errorMessage(err) },
        'cannot report a simulated pod, trying again',
      )
      return
    }
    const fresh = await client.get(PODS, objectKeyOf(entry.pod), { signal }).catch(() => undefined)
    if (fresh !== undefined && fresh.metadata.uid === uid) entry.pod = newest(entry.pod, fresh)
  }

  async #sync(entry: Entry, signal: AbortSignal): Promise<void> {
    if (isFinished(entry.pod)) return this.#syncFinished(entry, signal)
    const run = this.#runOf(entry)
    if (run === undefined) return this.#reject(entry, signal)
    const { clock, random } = this.#dependencies
    const behaviour = this.#behaviourOf(entry)
    const nowMs = clock.nowMs()
    const nextMs = run.step({ pod: entry.pod, behaviour, nowMs, random })
    this.#report(entry.pod, run, behaviour)
    if (entry.podIP === undefined && run.hasSandbox(nowMs)) entry.podIP = entry.node.takeAddress(entry.pod)
    const { podIP, node, pod } = entry
    await this.#write(entry, podStatus({ pod, run, behaviour, nowMs, hostIP: node.address, podIP }), signal)
    if (isFinished(entry.pod)) await this.#syncFinished(entry, signal)
    else if (run.isStopped) await this.#delete(entry, signal)
    else if (Number.isFinite(nextMs)) this.#wakeAt(entry.uid, nextMs)
  }

  #report(pod: FrozenPod, run: PodRun, behaviour: PodBehaviour): void {
    const { events } = this.#dependencies
    for (const { type, reason, message } of run.takeHappenings())
      if (type === 'Warning' || this.#options.reportsStarts === true) events?.record(pod, type, reason, message)
    for (const problem of behaviour.problems.splice(0)) events?.record(pod, 'Warning', 'InvalidAnnotation', problem)
  }

  #wakeAt(uid: string, dueMs: number): void {
    this.#queue.addAfter(uid, dueMs - this.#dependencies.clock.nowMs())
  }

  /** A Pod that is over is left alone but for its final delete. */
  async #syncFinished(entry: Entry, signal: AbortSignal): Promise<void> {
    this.#release(entry)
    if (entry.pod.metadata.deletionTimestamp !== undefined) await this.#delete(entry, signal)
  }

  async #delete(entry: Entry, signal: AbortSignal): Promise<void> {
    if (entry.pod.metadata.deletionTimestamp === undefined || entry.isDeleteSent) return
    const { client } = this.#dependencies
    await client.delete(PODS, objectKeyOf(entry.pod), {
      gracePeriodSeconds: 0,
      preconditions: { uid: entry.uid },
      signal,
    })
    entry.isDeleteSent = true
  }

  /** The Pod's life, begun when the node takes it in. Undefined: the node does not. */
  #runOf(entry: Entry): PodRun | undefined {
    if (entry.run !== undefined) return entry.run
    const { pod, node } = entry
    const behaviour = this.#behaviourOf(entry)
    if (pod.status?.startTime !== undefined) {
      entry.run = restorePodRun(pod, behaviour)
      entry.podIP = pod.status.podIP
      if (entry.podIP !== undefined) node.reserveAddress(entry.podIP)
    } else {
      if (refusalOf(entry) !== undefined) return undefined
      entry.run = new PodRun(this.#dependencies.clock.nowMs(), behaviour.startDelayMs())
    }
    node.usage.add(pod)
    return entry.run
  }

  /** Follows the Pod: annotations may change while it runs. */
  #behaviourOf(entry: Entry): PodBehaviour {
    const { random } = this.#dependencies
    entry.behaviour ??= new PodBehaviour(entry.pod, { random, jobDurationMs: this.#options.jobDurationMs ?? 0 })
    entry.behaviour.pod = entry.pod
    return entry.behaviour
  }

  /** The cache may be behind what the Pod was bound for, a label just set: the node is read before it refuses. */
  async #reject(entry: Entry, signal: AbortSignal): Promise<void> {
    const { client, clock, events } = this.#dependencies
    const { pod, node } = entry
    node.learn(await client.get(NODES, { name: node.name }, { signal }))
    const failure = refusalOf(entry)
    if (failure === undefined) {
      this.#queue.add(entry.uid)
      return
    }
    events?.record(pod, 'Warning', failure.reason, failure.message)
    await this.#write(entry, rejectedStatus(pod, failure, clock.nowMs()), signal)
  }

  async #write(entry: Entry, status: PodStatus, signal: AbortSignal): Promise<void> {
    if (deepEqual(entry.pod.status, status)) return
    const draft = { ...entry.pod, status }
    const written = await this.#dependencies.client.update(PODS, draft, {
      subresource: 'status',
      fieldManager: FIELD_MANAGER,
      signal,
    })
    entry.pod = newest(entry.pod, written)
  }
}

/** A Pod that is already leaving is taken in, to be let go. */
function refusalOf({ pod, node }: Entry): PodFailure | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || node.object === undefined) return undefined
  return node.usage.refusal(pod, node.object)
}

function isFinished({ status }: FrozenPod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}
