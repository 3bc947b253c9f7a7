/**
 * Metrics of all controllers on one registry, under upstream's names: `workqueue_*` (client-go) and
 * `controller_runtime_*` (controller-runtime). Gauges that follow a queue are read when the registry is scraped.
 */
import type { Registry } from 'prom-client'
import { Counter, Gauge, Histogram } from 'prom-client'
import type { ClientCall } from '#machinery/client/metered-client.ts'
import type { WorkQueueMetrics } from '#machinery/workqueue/workqueue.ts'
import type { ControllerMetrics, ReconcileOutcome } from '#sdk'

/** Upstream: ExponentialBuckets(10e-9, 10, 12). */
const QUEUE_BUCKETS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000]
const REQUEST_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
/** Controllers reach the API without a socket. */
const HOST = 'in-process'
const RECONCILE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** The part of a queue that is measured on scrape. */
export interface MeasuredQueue {
  readonly depth: number
  unfinishedWorkSeconds(): number
  longestRunningSeconds(): number
}

export class ManagerMetrics {
  readonly #registry: Registry
  readonly #queues = new Map<string, MeasuredQueue>()
  readonly #adds: Counter<'name'>
  readonly #retries: Counter<'name'>
  readonly #waited: Histogram<'name'>
  readonly #worked: Histogram<'name'>
  readonly #reconciles: Counter<'controller' | 'result'>
  readonly #errors: Counter<'controller'>
  readonly #terminalErrors: Counter<'controller'>
  readonly #seconds: Histogram<'controller'>
  readonly #activeWorkers: Gauge<'controller'>
  readonly #maxConcurrent: Gauge<'controller'>
  readonly #panics: Counter<'controller'>
  readonly #requests: Counter<'code' | 'method' | 'host'>
  readonly #requestSeconds: Histogram<'verb' | 'host'>

  constructor(registry: Registry) {
    this.#registry = registry
    this.#adds = this.#counter('workqueue_adds_total', 'Total number of adds handled by workqueue', ['name'])
    this.#retries = this.#counter('workqueue_retries_total', 'Total number of retries handled by workqueue', ['name'])
    this.#waited = this.#histogram(
      'workqueue_queue_duration_seconds',
      'How long in seconds an item stays in workqueue before being requested.',
      ['name'],
      QUEUE_BUCKETS,
    )
    this.#worked = this.#histogram(
      'workqueue_work_duration_seconds',
      'How long in seconds processing an item from workqueue takes.',
      ['name'],
      QUEUE_BUCKETS,
    )
    this.#queueGauges()
    this.#requests = this.#counter(
      'rest_client_requests_total',
      'Number of HTTP requests, partitioned by status code, method, and host.',
      ['code', 'method', 'host'],
    )
    this.#requestSeconds = this.#histogram(
      'rest_client_request_duration_seconds',
      'Request latency in seconds. Broken down by verb, and host.',
      ['verb', 'host'],
      REQUEST_BUCKETS,
    )
    this.#reconciles = this.#counter(
      'controller_runtime_reconcile_total',
      'Total number of reconciliations per controller',
      ['controller', 'result'],
    )
    this.#errors = this.#counter(
      'controller_runtime_reconcile_errors_total',
      'Total number of reconciliation errors per controller',
      ['controller'],
    )
    this.#terminalErrors = this.#counter(
      'controller_runtime_terminal_reconcile_errors_total',
      'Total number of terminal reconciliation errors per controller',
      ['controller'],
    )
    this.#panics = this.#counter(
      'controller_runtime_reconcile_panics_total',
      'Total number of controller crashes per controller',
      ['controller'],
    )
    this.#seconds = this.#histogram(
      'controller_runtime_reconcile_time_seconds',
      'Length of time per reconciliation per controller',
      ['controller'],
      RECONCILE_BUCKETS,
    )
    this.#activeWorkers = this.#gauge('controller_runtime_active_workers', 'Number of currently used workers', [
      'controller',
    ])
    this.#maxConcurrent = this.#gauge(
      'controller_runtime_max_concurrent_reconciles',
      'Maximum number of concurrent reconciles per controller',
      ['controller'],
    )
  }

  crashed(controller: string): void {
    this.#panics.inc({ controller })
  }

  /** Replaces the queue of an earlier start of the same controller. */
  measureQueue(name: string, queue: MeasuredQueue): void {
    this.#queues.set(name, queue)
  }

  /** Labels are bound once: nothing is looked up by name while working. */
  forQueue(name: string): WorkQueueMetrics {
    const adds = this.#adds.labels({ name })
    const retries = this.#retries.labels({ name })
    const waited = this.#waited.labels({ name })
    const worked = this.#worked.labels({ name })
    return {
      added: () => adds.inc(),
      retried: () => retries.inc(),
      waitedSeconds: (value) => waited.observe(value),
      workedSeconds: (value) => worked.observe(value),
    }
  }

  /** One call to the API by a controller. */
  readonly called = ({ method, code, seconds }: ClientCall): void => {
    this.#requests.inc({ code, method, host: HOST })
    this.#requestSeconds.observe({ verb: method, host: HOST }, seconds)
  }

  forController(name: string, concurrency: number): ControllerMetrics {
    this.#maxConcurrent.set({ controller: name }, concurrency)
    const seconds = this.#seconds.labels({ controller: name })
    const workers = this.#activeWorkers.labels({ controller: name })
    workers.set(0)
    return {
      queue: this.forQueue(name),
      reconciled: (outcome, value) => {
        this.#reconciles.inc({ controller: name, result: resultLabel(outcome) })
        seconds.observe(value)
        if (outcome === 'error') this.#errors.inc({ controller: name })
        if (outcome === 'terminal_error') this.#terminalErrors.inc({ controller: name })
      },
      workerStarted: () => workers.inc(),
      workerIdle: () => workers.dec(),
    }
  }

  #queueGauges(): void {
    const fromQueues = (name: string, help: string, read: (queue: MeasuredQueue) => number): void => {
      const queues = this.#queues
      new Gauge({
        name,
        help,
        labelNames: ['name'],
        registers: [this.#registry],
        collect() {
          for (const [queueName, queue] of queues) this.set({ name: queueName }, read(queue))
        },
      })
    }
    fromQueues('workqueue_depth', 'Current depth of workqueue', (queue) => queue.depth)
    fromQueues(
      'workqueue_unfinished_work_seconds',
      'How many seconds of work has done that is in progress and has not been observed by work_duration.',
      (queue) => queue.unfinishedWorkSeconds(),
    )
    fromQueues(
      'workqueue_longest_running_processor_seconds',
      'How many seconds has the longest running processor for workqueue been running.',
      (queue) => queue.longestRunningSeconds(),
    )
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] })
  }

  #gauge<L extends string>(name: string, help: string, labelNames: L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] })
  }

  #histogram<L extends string>(name: string, help: string, labelNames: L[], buckets: number[]): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] })
  }
}

/** A conflict is retried like an error but is nobody's fault: upstream's nearest label is 'requeue'. */
function resultLabel(outcome: ReconcileOutcome): string {
  if (outcome === 'conflict') return 'requeue'
  return outcome === 'terminal_error' ? 'error' : outcome
}
