/** The scheduler's metrics, under upstream's names. Upstream: scheduler metrics/metrics.go. */
import type { Registry } from 'prom-client'
import { Counter, Histogram } from 'prom-client'
import type { Sample } from '#machinery/util/sample-metric.ts'
import { createSampleMetric } from '#machinery/util/sample-metric.ts'
import type { EventDurations } from './queue/event-durations.ts'
import type { QueuedPod } from './queue/queued-pod.ts'
import type { QueueLengths } from './queue/scheduling-queue.ts'
import type { Profile } from './runtime/profile.ts'
import type { PluginDurations } from './runtime/recorder.ts'

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error'

const exponential = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start * factor ** i)

/** What is read when somebody asks for the metrics. */
export interface Measured {
  lengths(): QueueLengths
  /** Pods that wait, by plugin and profile. */
  rejections(): Iterable<Sample>
  /** Kind of event -> how many are remembered for Pods in flight. */
  inFlightEvents(): Iterable<readonly [string, number]>
  cacheSizes(): Readonly<Record<string, number>>
  bindings(): number
  readonly profiles: readonly Profile[]
  readonly durations: PluginDurations | undefined
  readonly eventDurations: EventDurations | undefined
}

/** Before the scheduler runs. */
const NOTHING: Measured = {
  lengths: () => ({ active: 0, backoff: 0, unschedulable: 0, gated: 0 }),
  rejections: () => [],
  inFlightEvents: () => [],
  cacheSizes: () => ({}),
  bindings: () => 0,
  profiles: [],
  durations: undefined,
  eventDurations: undefined,
}

export class SchedulerMetrics {
  readonly #attempts: Counter<'result' | 'profile'>
  readonly #attemptSeconds: Histogram<'result' | 'profile'>
  readonly #algorithmSeconds: Histogram
  readonly #podAttempts: Histogram
  readonly #afterFlush: Counter
  readonly #podSeconds: Histogram<'attempts'>
  readonly #incoming: Counter<'queue' | 'event'>
  readonly #preemptions: Counter
  readonly #victims: Histogram
  readonly #evictions: Counter<'result'>
  readonly #evictionSeconds: Histogram<'result'>
  readonly #permitSeconds: Histogram<'result'>
  #measured: Measured = NOTHING

  constructor(registry: Registry) {
    const registers = [registry]
    this.#attempts = new Counter({
      name: 'scheduler_schedule_attempts_total',
      help: 'Number of attempts to schedule pods, by the result.',
      labelNames: ['result', 'profile'],
      registers,
    })
    this.#attemptSeconds = new Histogram({
      name: 'scheduler_scheduling_attempt_duration_seconds',
      help: 'Scheduling attempt latency in seconds (scheduling algorithm + binding)',
      labelNames: ['result', 'profile'],
      buckets: exponential(0.001, 2, 15),
      registers,
    })
    this.#algorithmSeconds = new Histogram({
      name: 'scheduler_scheduling_algorithm_duration_seconds',
      help: 'Scheduling algorithm latency in seconds',
      buckets: exponential(0.001, 2, 15),
      registers,
    })
    this.#podAttempts = new Histogram({
      name: 'scheduler_pod_scheduling_attempts',
      help: 'Number of attempts to successfully schedule a pod.',
      buckets: exponential(1, 2, 5),
      registers,
    })
    this.#afterFlush = new Counter({
      name: 'scheduler_pod_scheduled_after_flush_total',
      help: 'Number of pods that were successfully scheduled after being flushed from unschedulablePods due to timeout. This metric helps detect potential queueing hint misconfigurations or event handling issues.',
      registers,
    })
    this.#podSeconds = new Histogram({
      name: 'scheduler_pod_scheduling_sli_duration_seconds',
      help: 'E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue.',
      labelNames: ['attempts'],
      buckets: exponential(0.01, 2, 20),
      registers,
    })
    this.#incoming = new Counter({
      name: 'scheduler_queue_incoming_pods_total',
      help: 'Number of pods added to scheduling queues by event and queue type.',
      labelNames: ['queue', 'event'],
      registers,
    })
    this.#preemptions = new Counter({
      name: 'scheduler_preemption_attempts_total',
      help: 'Total preemption attempts in the cluster till now',
      registers,
    })
    this.#victims = new Histogram({
      name: 'scheduler_preemption_victims',
      help: 'Number of selected preemption victims',
      buckets: exponential(1, 2, 7),
      registers,
    })
    this.#evictions = new Counter({
      name: 'scheduler_preemption_goroutines_execution_total',
      help: 'Number of preemption goroutines executed.',
      labelNames: ['result'],
      registers,
    })
    this.#evictionSeconds = new Histogram({
      name: 'scheduler_preemption_goroutines_duration_seconds',
      help: 'Duration in seconds for running goroutines for the preemption.',
      labelNames: ['result'],
      buckets: exponential(0.01, 2, 20),
      registers,
    })
    this.#permitSeconds = new Histogram({
      name: 'scheduler_permit_wait_duration_seconds',
      help: 'Duration of waiting on permit.',
      labelNames: ['result'],
      buckets: exponential(0.001, 2, 15),
      registers,
    })
    this.#gauges(registry)
    this.#plugins(registry)
  }

  /** Read when the registry is scraped; replaces those of an earlier start. */
  measure(measured: Measured): void {
    this.#measured = measured
  }

  attempted(result: AttemptResult, profile: string, seconds: number): void {
    this.#attempts.inc({ result, profile })
    this.#attemptSeconds.observe({ result, profile }, seconds)
  }

  decided(seconds: number): void {
    this.#algorithmSeconds.observe(seconds)
  }

  placed({ attempts, isFlushed }: Pick<QueuedPod, 'attempts' | 'isFlushed'>, seconds: number): void {
    if (isFlushed) this.#afterFlush.inc()
    this.#podAttempts.observe(attempts)
    this.#podSeconds.observe({ attempts: attempts >= 15 ? '15+' : String(attempts) }, seconds)
  }

  readonly queued = (queue: string, event: string): void => this.#incoming.inc({ queue, event })

  triedPreemption(): void {
    this.#preemptions.inc()
  }

  readonly preempted = (victims: number): void => this.#victims.observe(victims)

  evicted(result: 'success' | 'error', seconds: number): void {
    this.#evictions.inc({ result })
    this.#evictionSeconds.observe({ result }, seconds)
  }

  waitedOnPermit(result: string, seconds: number): void {
    this.#permitSeconds.observe({ result }, seconds)
  }

  #gauges(registry: Registry): void {
    const measured = (): Measured => this.#measured
    const gauge = (
      name: string,
      help: string,
      label: string,
      values: () => Iterable<readonly [string, number]>,
    ): void =>
      createSampleMetric(registry, {
        name,
        help,
        type: 'gauge',
        samples: () => [...values()].map(([value, count]) => ({ labels: { [label]: value }, value: count })),
      })
    gauge('scheduler_pending_pods', 'Number of pending pods, by the queue type.', 'queue', () =>
      Object.entries(measured().lengths()),
    )
    gauge(
      'scheduler_cache_size',
      'Number of nodes, pods, and assumed (bound) pods in the scheduler cache.',
      'type',
      () => Object.entries(measured().cacheSizes()),
    )
    gauge(
      'scheduler_goroutines',
      'Number of running goroutines split by the work they do such as binding.',
      'operation',
      () => [['binding', measured().bindings()]],
    )
    gauge('scheduler_inflight_events', 'Number of events currently tracked in the scheduling queue.', 'event', () =>
      measured().inFlightEvents(),
    )
    createSampleMetric(registry, {
      name: 'scheduler_unschedulable_pods',
      help: 'The number of unschedulable pods broken down by plugin name.',
      type: 'gauge',
      samples: () => measured().rejections(),
    })
  }

  #plugins(registry: Registry): void {
    const samples = function* (of: (profile: Profile) => Iterable<Sample>, profiles: readonly Profile[]) {
      for (const profile of profiles) yield* of(profile)
    }
    createSampleMetric(registry, {
      name: POINTS,
      help: 'Latency for running all plugins of a specific extension point.',
      type: 'histogram',
      samples: () =>
        samples(({ recorder, schedulerName }) => recorder.pointSamples(POINTS, schedulerName), this.#measured.profiles),
    })
    createSampleMetric(registry, {
      name: DURATIONS,
      help: 'Duration for running a plugin at a specific extension point.',
      type: 'histogram',
      samples: () => this.#measured.durations?.samples(DURATIONS) ?? [],
    })
    createSampleMetric(registry, {
      name: EVENTS,
      help: 'Event handling latency in seconds.',
      type: 'histogram',
      samples: () => this.#measured.eventDurations?.eventSamples(EVENTS) ?? [],
    })
    createSampleMetric(registry, {
      name: HINTS,
      help: 'Duration for running a queueing hint function of a plugin.',
      type: 'histogram',
      samples: () => this.#measured.eventDurations?.hintSamples(HINTS) ?? [],
    })
    createSampleMetric(registry, {
      name: 'scheduler_plugin_evaluation_total',
      help: 'Number of attempts to schedule pods by each plugin and the extension point (available only in PreFilter, Filter, PreScore, and Score).',
      type: 'counter',
      samples: () =>
        samples(({ recorder, schedulerName }) => recorder.evaluationSamples(schedulerName), this.#measured.profiles),
    })
  }
}

const POINTS = 'scheduler_framework_extension_point_duration_seconds'
const DURATIONS = 'scheduler_plugin_execution_duration_seconds'
const EVENTS = 'scheduler_event_handling_duration_seconds'
const HINTS = 'scheduler_queueing_hint_execution_duration_seconds'
