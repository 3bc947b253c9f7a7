/**
 * Pods that wait to be scheduled. A Pod is in one place: `active` (next), `backoff` (failed lately), `waiting` (refused, or
 * gated, until an event may help) or in flight (taken by `pop`, until `done` or `putBack`). Synchronous: nothing interleaves.
 * Upstream: scheduler backend/queue/scheduling_queue.go.
 */
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'
import type { Sample } from '#machinery/util/sample-metric.ts'
import type { ClusterEvent, FrozenPod, PodInfo, UpdateKind } from '../framework/interfaces.ts'
import { podKey } from '../framework/pod-info.ts'
import { eventLabel } from './event-label.ts'
import type { HintTable, Strategy } from './hints.ts'
import { InFlight } from './in-flight.ts'
import { KeyedHeap } from './keyed-heap.ts'
import { Nominator } from './nominator.ts'
import type { QueuedPod } from './queued-pod.ts'
import { backoffEndMs, isBefore, isErrorBackoff, NO_PLUGINS, newQueuedPod } from './queued-pod.ts'
import { WaitingPods } from './waiting-pods.ts'

export interface SchedulingQueueOptions {
  readonly clock: Clock
  readonly initialBackoffMs?: number
  readonly maxBackoffMs?: number
  /** By profile. */
  readonly hints: ReadonlyMap<string, HintTable>
  /** The PreEnqueue plugin that keeps the Pod out of the queue. */
  gateOf(pod: FrozenPod): string | undefined
  /** Something may be taken now. */
  onActive(): void
  /** A Pod came to a queue, and why: for scheduler_queue_incoming_pods_total. */
  onIncoming?(queue: 'active' | 'backoff' | 'unschedulable' | 'gated', event: string): void
}

const INITIAL_BACKOFF_MS = 1_000
const MAX_BACKOFF_MS = 10_000
/** A Pod nobody's event reached is tried again after this long; looked for this often. */
const WAIT_MAX_MS = 300_000
const FLUSH_PERIOD_MS = 30_000

export interface QueueLengths {
  readonly active: number
  readonly backoff: number
  readonly unschedulable: number
  readonly gated: number
}

export class SchedulingQueue {
  readonly nominator = new Nominator()
  readonly #options: SchedulingQueueOptions
  readonly #clock: Clock
  readonly #initialMs: number
  readonly #maxMs: number
  readonly #active = new KeyedHeap<QueuedPod>(({ key }) => key, isBefore)
  readonly #backoff = new KeyedHeap<QueuedPod>(({ key }) => key, isEarlier)
  /** After errors; never taken early, to spare an API server in trouble. */
  readonly #errorBackoff = new KeyedHeap<QueuedPod>(({ key }) => key, isEarlier)
  readonly #waiting = new WaitingPods()
  readonly #inFlight = new InFlight()
  /** `resource/action/kind` -> plugins. */
  readonly #interest = new Map<string, readonly string[]>()
  #timer: TimerHandle | undefined
  #flush: TimerHandle | undefined
  #order = 0

  constructor(options: SchedulingQueueOptions) {
    const { clock, initialBackoffMs = INITIAL_BACKOFF_MS, maxBackoffMs = MAX_BACKOFF_MS } = options
    this.#options = options
    this.#clock = clock
    this.#initialMs = initialBackoffMs
    this.#maxMs = maxBackoffMs
  }

  start(): void {
    this.#flush = this.#clock.setInterval(() => this.#flushWaiting(), FLUSH_PERIOD_MS)
  }

  stop(): void {
    this.#flush?.cancel()
    this.#timer?.cancel()
  }

  get lengths(): QueueLengths {
    return {
      active: this.#active.size,
      backoff: this.#backoff.size + this.#errorBackoff.size,
      unschedulable: this.#waiting.size - this.#waiting.gated,
      gated: this.#waiting.gated,
    }
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Pods that wait, by the plugins that refused them. */
  *rejections(): Iterable<Sample> {
    const counts = new Map<string, number>()
    for (const { info, rejectedBy, pendingBy, gatedBy } of this.#waiting.values()) {
      const profile = info.pod.spec.schedulerName ?? ''
      for (const plugin of gatedBy === undefined ? [...rejectedBy, ...pendingBy] : [gatedBy]) {
        const id = `${plugin} ${profile}`
        counts.set(id, (counts.get(id) ?? 0) + 1)
      }
    }
    for (const [id, value] of counts) {
      const [plugin = '', profile = ''] = id.split(' ')
      yield { labels: { plugin, profile }, value }
    }
  }

  /** What has happened while Pods were looked at, counted. */
  inFlightEvents(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const event of this.#inFlight.events()) {
      const label = eventLabel(event)
      counts.set(label, (counts.get(label) ?? 0) + 1)
    }
    return counts
  }

  /** A Pod that is new to the queue; known ones are left where they are. */
  add(info: PodInfo): void {
    const key = podKey(info.pod)
    if (this.#find(key) !== undefined || this.#inFlight.has(key)) return
    this.nominator.update(undefined, info)
    this.#order++
    this.#activate(newQueuedPod(info, this.#clock.monotonicMs(), this.#order), 'UnschedulablePodAdd')
  }

  /** `kinds`: what changed. Any of it may make a Pod schedulable that waits, or one that is being looked at. */
  update(info: PodInfo, kinds: readonly UpdateKind[]): void {
    const key = podKey(info.pod)
    if (this.#inFlight.has(key)) {
      // Comes back with its newest state; whether the change helps is asked then.
      for (const event of updates(undefined, info, kinds)) this.#inFlight.record(event)
      return
    }
    const pod = this.#find(key)
    if (pod === undefined) {
      this.add(info)
      return
    }
    const old = pod.info
    pod.info = info
    this.nominator.update(old, info)
    if (this.#active.get(key) !== undefined) this.#active.set(pod)
    else if (this.#waiting.get(key) !== undefined) this.#updateWaiting(pod, updates(old, info, kinds))
  }

  #updateWaiting(pod: QueuedPod, events: readonly ClusterEvent[]): void {
    for (const event of events) {
      const strategy = this.#strategy(pod, event)
      if (strategy === 'stay') continue
      this.#requeue(pod, strategy, eventLabel(event))
      return
    }
  }

  delete(key: string): void {
    this.nominator.delete(key)
    this.#active.delete(key)
    this.#leaveBackoff(key)
    this.#waiting.delete(key)
  }

  /** The next Pod, now in flight. When nothing is active: one that has only its backoff to wait for. */
  pop(): QueuedPod | undefined {
    const pod = this.#active.pop() ?? this.#popFromBackoff()
    if (pod === undefined) return undefined
    this.#inFlight.start(pod.key)
    pod.attempts++
    return pod
  }

  /** The Pod is no longer looked at: bound, being bound, gone. Idempotent. */
  done(key: string): void {
    this.#inFlight.done(key)
  }

  /** After a failed attempt, with what the plugins said in `rejectedBy` and `pendingBy` (both empty: an error). */
  putBack(pod: QueuedPod): void {
    const events = this.#inFlight.eventsSince(pod.key)
    this.#inFlight.done(pod.key)
    if (this.#find(pod.key) !== undefined) return
    const isError = isErrorBackoff(pod)
    pod.errorCount = isError ? pod.errorCount + 1 : 0
    pod.isFlushed = false
    if (!isError) pod.unschedulableCount++
    pod.queuedMs = this.#clock.monotonicMs()
    pod.backoffUntilMs = backoffEndMs(pod, this.#initialMs, this.#maxMs)
    this.#requeue(pod, isError ? 'after-backoff' : this.#missed(pod, events), 'ScheduleAttemptFailure')
  }

  /** Whatever it waits for, it is tried next. Its gates still hold. */
  activate(key: string): void {
    const pod = this.#waiting.get(key) ?? this.#backoff.get(key) ?? this.#errorBackoff.get(key)
    if (pod === undefined) return
    this.#leaveBackoff(key)
    this.#requeue(pod, 'now', 'ForceActivate')
  }

  /** A plugin has stopped keeping the Pod out. If it was kept out, something had happened that may help it. */
  openGate(key: string): void {
    const pod = this.#waiting.get(key)
    if (pod?.gatedBy !== undefined) this.#requeue(pod, 'after-backoff', 'AssignedPodDelete')
  }

  /** Wakes the Pods it may help; those in flight are asked when they come back. */
  notify(event: ClusterEvent, concerns: (pod: FrozenPod) => boolean = () => true): void {
    this.#inFlight.record(event)
    if (this.#waiting.size === 0) return
    for (const pod of this.#waiting.refusedBy(this.#interested(event))) {
      if (!concerns(pod.info.pod)) continue
      const strategy = this.#strategy(pod, event)
      if (strategy !== 'stay') this.#requeue(pod, strategy, eventLabel(event))
    }
  }

  /** Plugins of any profile that such an event concerns. */
  #interested(event: ClusterEvent): readonly string[] {
    const id = `${event.resource}/${event.action}/${event.kind ?? ''}`
    const known = this.#interest.get(id)
    if (known !== undefined) return known
    const plugins = [...this.#options.hints.values()].flatMap((table) => table.interested(event))
    const unique = [...new Set(plugins)]
    this.#interest.set(id, unique)
    return unique
  }

  #strategy(pod: QueuedPod, event: ClusterEvent): Strategy {
    return this.#options.hints.get(pod.info.pod.spec.schedulerName ?? '')?.strategy(pod, event) ?? 'after-backoff'
  }

  #missed(pod: QueuedPod, events: readonly ClusterEvent[] | undefined): Strategy {
    if (events === undefined) return 'after-backoff'
    let strategy: Strategy = 'stay'
    for (const event of events) {
      if (isUpdateOfOther(event, pod.key)) continue
      const found = this.#strategy(pod, event)
      if (found === 'now') return found
      if (found === 'after-backoff') strategy = found
    }
    return strategy
  }

  #requeue(pod: QueuedPod, strategy: Strategy, event: string): void {
    this.#waiting.delete(pod.key)
    if (strategy === 'stay') this.#wait(pod, event)
    else if (strategy === 'after-backoff' && pod.backoffUntilMs > this.#clock.monotonicMs()) this.#backOff(pod, event)
    else this.#activate(pod, event)
  }

  #wait(pod: QueuedPod, event: string): void {
    this.#waiting.set(pod)
    this.#options.onIncoming?.(pod.gatedBy === undefined ? 'unschedulable' : 'gated', event)
  }

  #isGated(pod: QueuedPod): boolean {
    pod.gatedBy = this.#options.gateOf(pod.info.pod)
    return pod.gatedBy !== undefined
  }

  #activate(pod: QueuedPod, event: string): void {
    if (this.#isGated(pod)) {
      this.#wait(pod, event)
      return
    }
    pod.firstActiveMs ??= this.#clock.monotonicMs()
    this.#active.set(pod)
    this.#options.onIncoming?.('active', event)
    this.#options.onActive()
  }

  #backOff(pod: QueuedPod, event: string): void {
    if (this.#isGated(pod)) {
      this.#wait(pod, event)
      return
    }
    if (isErrorBackoff(pod)) this.#errorBackoff.set(pod)
    else this.#backoff.set(pod)
    this.#options.onIncoming?.('backoff', event)
    this.#setTimer()
    if (!isErrorBackoff(pod)) this.#options.onActive()
  }

  #popFromBackoff(): QueuedPod | undefined {
    const pod = this.#backoff.pop()
    if (pod !== undefined) this.#options.onIncoming?.('active', 'PopFromBackoffQ')
    return pod
  }

  #leaveBackoff(key: string): void {
    this.#backoff.delete(key)
    this.#errorBackoff.delete(key)
  }

  #setTimer(): void {
    this.#timer?.cancel()
    const due = [this.#backoff.peek(), this.#errorBackoff.peek()].flatMap((pod) => pod?.backoffUntilMs ?? [])
    if (due.length === 0) return
    const delayMs = Math.max(Math.min(...due) - this.#clock.monotonicMs(), 0)
    this.#timer = this.#clock.setTimeout(() => this.#endBackoffs(), Math.ceil(delayMs))
  }

  #endBackoffs(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const heap of [this.#backoff, this.#errorBackoff]) {
      for (let pod = heap.peek(); pod !== undefined && pod.backoffUntilMs <= nowMs; pod = heap.peek()) {
        heap.pop()
        this.#activate(pod, 'BackoffComplete')
      }
    }
    this.#setTimer()
  }

  #flushWaiting(): void {
    const nowMs = this.#clock.monotonicMs()
    const tired = [...this.#waiting.values()].filter(
      ({ queuedMs, gatedBy }) => gatedBy === undefined && nowMs - queuedMs > WAIT_MAX_MS,
    )
    for (const pod of tired) {
      pod.isFlushed = true
      this.#requeue(pod, 'after-backoff', 'UnschedulableTimeout')
    }
  }

  #find(key: string): QueuedPod | undefined {
    return this.#active.get(key) ?? this.#backoff.get(key) ?? this.#errorBackoff.get(key) ?? this.#waiting.get(key)
  }
}

/** One event for each kind; one without when nothing that has a name changed. */
const updates = (old: PodInfo | undefined, { pod }: PodInfo, kinds: readonly UpdateKind[]): readonly ClusterEvent[] => {
  const event: ClusterEvent = { resource: 'pods', action: 'update', old: old?.pod, object: pod }
  return kinds.length === 0 ? [event] : kinds.map((kind) => ({ ...event, kind }))
}

/** An update of a Pod that waits matters to nobody but itself. */
function isUpdateOfOther({ resource, action, object }: ClusterEvent, key: string): boolean {
  if (resource !== 'pods' || action !== 'update') return false
  const pod = object as FrozenPod | undefined
  return pod !== undefined && (pod.spec.nodeName ?? '') === '' && podKey(pod) !== key
}

const isEarlier = (a: QueuedPod, b: QueuedPod): boolean =>
  a.backoffUntilMs === b.backoffUntilMs ? isBefore(a, b) : a.backoffUntilMs < b.backoffUntilMs

/** Sets what an attempt found out. */
export function setRejections(pod: QueuedPod, rejectedBy: Iterable<string>, pendingBy: Iterable<string>): void {
  pod.rejectedBy = setOf(rejectedBy)
  pod.pendingBy = setOf(pendingBy)
}

function setOf(names: Iterable<string>): ReadonlySet<string> {
  const set = new Set(names)
  return set.size === 0 ? NO_PLUGINS : set
}
