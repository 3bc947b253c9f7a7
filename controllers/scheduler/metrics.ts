/** The scheduler's metrics, under upstream's names. Upstream: scheduler metrics/metrics.go. */
import type { Registry } from 'prom-client'
import { Counter, Gauge, Histogram } from 'prom-client'
import type { QueueLengths } from './queue/scheduling-queue.ts'

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error'

const exponential = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start * factor ** i)

export class SchedulerMetrics {
  readonly #attempts: Counter<'result' | 'profile'>
  readonly #attemptSeconds: Histogram<'result' | 'profile'>
  readonly #algorithmSeconds: Histogram
  readonly #pointSeconds: Histogram<'extension_point' | 'status' | 'profile'>
  readonly #podAttempts: Histogram
  readonly #podSeconds: Histogram<'attempts'>
  readonly #incoming: Counter<'queue' | 'event'>
  readonly #preemptions: Counter
  readonly #victims: Histogram
  readonly #evictions: Counter<'result'>
  readonly #evictionSeconds: Histogram<'result'>
  readonly #permitSeconds: Histogram<'result'>
  #lengths: () => QueueLengths = () => ({ active: 0, backoff: 0, unschedulable: 0, gated: 0 })
  #cacheSizes: () => Readonly<Record<string, number>> = () => ({})

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
    this.#pointSeconds = new Histogram({
      name: 'scheduler_framework_extension_point_duration_seconds',
      help: 'Latency for running all plugins of a specific extension point.',
      labelNames: ['extension_point', 'status', 'profile'],
      buckets: exponential(0.0001, 2, 12),
      registers,
    })
    this.#podAttempts = new Histogram({
      name: 'scheduler_pod_scheduling_attempts',
      help: 'Number of attempts to successfully schedule a pod.',
      buckets: exponential(1, 2, 5),
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
  }

  /** Read when the registry is scraped; replaces those of an earlier start. */
  measure(lengths: () => QueueLengths, cacheSizes: () => Readonly<Record<string, number>>): void {
    this.#lengths = lengths
    this.#cacheSizes = cacheSizes
  }

  attempted(result: AttemptResult, profile: string, seconds: number): void {
    this.#attempts.inc({ result, profile })
    this.#attemptSeconds.observe({ result, profile }, seconds)
  }

  decided(seconds: number): void {
    this.#algorithmSeconds.observe(seconds)
  }

  ranPoint(point: string, status: string, profile: string, seconds: number): void {
    this.#pointSeconds.observe({ extension_point: point, status, profile }, seconds)
  }

  placed(attempts: number, seconds: number): void {
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
    const lengths = (): QueueLengths => this.#lengths()
    const sizes = (): Readonly<Record<string, number>> => this.#cacheSizes()
    new Gauge({
      name: 'scheduler_pending_pods',
      help: 'Number of pending pods, by the queue type.',
      labelNames: ['queue'],
      registers: [registry],
      collect() {
        for (const [queue, count] of Object.entries(lengths())) this.set({ queue }, count)
      },
    })
    new Gauge({
      name: 'scheduler_cache_size',
      help: 'Number of nodes, pods, and assumed (bound) pods in the scheduler cache.',
      labelNames: ['type'],
      registers: [registry],
      collect() {
        for (const [type, count] of Object.entries(sizes())) this.set({ type }, count)
      },
    })
  }
}
