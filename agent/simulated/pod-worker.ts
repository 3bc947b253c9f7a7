/**
 * Runs the Pods bound to simulated nodes: one serial worker per Pod (a queue keyed by UID, with one timer for all), which
 * moves the simulated containers and writes the status when it differs: one write for whatever happens at one moment.
 *
 * Reads: pods from the cache.  Writes: pods/status; pods (the final delete); events.
 * Upstream: pkg/kubelet/pod_workers.go, status/status_manager.go.
 */
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PodStatus } from '#machinery/api/core/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepEqual } from '#machinery/util/json.ts'
import { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import type { PodBehaviour } from './behaviour.ts'
import { isBusy } from './busy.ts'
import type { SimulatedNodesDependencies, SimulatedNodesOptions } from './interfaces.ts'
import type { PodRun } from './pod-run.ts'
import { rejectedStatus } from './pod-status.ts'
import type { SimulatedNode } from './simulated-node.ts'
import { type FrozenPod, isFinished, SimulatedPod, type SimulatedPodTools } from './simulated-pod.ts'

/** Well below what the API server takes at once, so that nodes and controllers have their share. */
const CONCURRENCY = 32
const FIELD_MANAGER = 'kubelet'

export class PodWorker {
  readonly #dependencies: SimulatedNodesDependencies
  readonly #nodes: ReadonlyMap<string, SimulatedNode>
  readonly #options: SimulatedNodesOptions
  readonly #tools: SimulatedPodTools
  readonly #entries = new Map<string, SimulatedPod>()
  readonly #queue: WorkQueue

  constructor(
    dependencies: SimulatedNodesDependencies,
    nodes: ReadonlyMap<string, SimulatedNode>,
    options: SimulatedNodesOptions,
  ) {
    this.#dependencies = dependencies
    this.#nodes = nodes
    this.#options = options
    const { clock, random } = dependencies
    this.#tools = { clock, random, jobDurationMs: options.jobDurationMs ?? 0 }
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
    if (known === undefined) {
      if (isFinished(pod) && pod.metadata.deletionTimestamp === undefined) return
      this.#entries.set(uid, new SimulatedPod(pod, node, this.#tools))
    } else if (!known.observe(pod)) return
    this.#queue.add(uid)
  }

  #forget({ metadata }: FrozenPod): void {
    const entry = this.#entries.get(metadata.uid ?? '')
    if (entry === undefined) return
    entry.leave()
    this.#entries.delete(entry.uid)
    this.#queue.forget(entry.uid)
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

  async #handleError(uid: string, entry: SimulatedPod | undefined, err: unknown, signal: AbortSignal): Promise<void> {
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
    if (fresh !== undefined && fresh.metadata.uid === uid) entry.learn(fresh)
  }

  async #sync(entry: SimulatedPod, signal: AbortSignal): Promise<void> {
    if (entry.isFinished) return this.#syncFinished(entry, signal)
    const run = entry.life()
    if (run === undefined) return this.#reject(entry, signal)
    const { clock, random } = this.#dependencies
    const { behaviour, pod } = entry
    const nowMs = clock.nowMs()
    const nextMs = run.step({ pod, behaviour, nowMs, random })
    this.#report(pod, run, behaviour)
    await this.#write(entry, entry.statusOf(run, nowMs), signal)
    if (entry.isFinished) await this.#syncFinished(entry, signal)
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
  async #syncFinished(entry: SimulatedPod, signal: AbortSignal): Promise<void> {
    entry.release()
    if (entry.pod.metadata.deletionTimestamp !== undefined) await this.#delete(entry, signal)
  }

  async #delete(entry: SimulatedPod, signal: AbortSignal): Promise<void> {
    if (entry.pod.metadata.deletionTimestamp === undefined || entry.isDeleteSent) return
    const { client } = this.#dependencies
    await client.delete(PODS, objectKeyOf(entry.pod), {
      gracePeriodSeconds: 0,
      preconditions: { uid: entry.uid },
      signal,
    })
    entry.isDeleteSent = true
  }

  /** The cache may be behind what the Pod was bound for, a label just set: the node is read before it refuses. */
  async #reject(entry: SimulatedPod, signal: AbortSignal): Promise<void> {
    const { client, clock, events } = this.#dependencies
    const { pod, node } = entry
    node.learn(await client.get(NODES, { name: node.name }, { signal }))
    const failure = entry.refusal()
    if (failure === undefined) {
      this.#queue.add(entry.uid)
      return
    }
    events?.record(pod, 'Warning', failure.reason, failure.message)
    await this.#write(entry, rejectedStatus(pod, failure, clock.nowMs()), signal)
  }

  async #write(entry: SimulatedPod, status: PodStatus, signal: AbortSignal): Promise<void> {
    if (deepEqual(entry.pod.status, status)) return
    const draft = { ...entry.pod, status }
    const written = await this.#dependencies.client.update(PODS, draft, {
      subresource: 'status',
      fieldManager: FIELD_MANAGER,
      signal,
    })
    entry.learn(written)
  }
}
