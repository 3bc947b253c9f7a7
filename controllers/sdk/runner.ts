/**
 * Runs one defined controller: watches put keys in its queue, workers take them out and reconcile, errors become
 * retries as STYLE.md says. Ends when its signal aborts. Upstream: controller-runtime pkg/internal/controller.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { SharedInformerFactory } from '#machinery/informers/factory.ts'
import { untilAborted } from '#machinery/informers/factory.ts'
import { keyString, keyStringOf, parseKey } from '#machinery/informers/key.ts'
import type { Selection } from '#machinery/informers/reflector.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import {
  isConflict,
  isForbidden,
  isInvalid,
  isNotFound,
  isStatusError,
  isTooManyRequests,
  retryAfterMs,
} from '#machinery/meta/errors.ts'
import type { ObjectKey, Resource } from '#machinery/meta/resource.ts'
import { errorMessage, isAbortError, toError } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { createDefaultRateLimiter } from '#machinery/workqueue/rate-limiter.ts'
import type { WorkQueueMetrics } from '#machinery/workqueue/workqueue.ts'
import { WorkQueue } from '#machinery/workqueue/workqueue.ts'
import type { ControllerContext, ControllerDefinition, Reconciler, ReconcilerContext, WatchSpec } from './definition.ts'
import { HandlerScope } from './handler-scope.ts'
import { controllerOf } from './owner-references.ts'
import { type Failure, RecentFailures } from './recent-failures.ts'
import { TerminalError } from './result.ts'

const RETRYING = 'reconcile failed, trying again'

export type ReconcileOutcome = 'success' | 'requeue_after' | 'conflict' | 'error' | 'terminal_error'

/** Called synchronously by the runner. */
export interface ControllerMetrics {
  readonly queue: WorkQueueMetrics
  reconciled(outcome: ReconcileOutcome, seconds: number): void
  workerStarted(): void
  workerIdle(): void
}

export interface RunnerDependencies {
  /** The context without the parts the runner adds. */
  readonly context: Omit<ControllerContext, 'lister' | 'informer'>
  readonly informers: SharedInformerFactory
  readonly metrics?: ControllerMetrics
}

export class ControllerRunner {
  readonly #definition: ControllerDefinition
  readonly #dependencies: RunnerDependencies
  readonly #metrics: ControllerMetrics | undefined
  /** The reconciled objects themselves: their keys are the queue's. */
  readonly #primary: WatchSpec
  readonly #failures: RecentFailures
  /** By key: the cached version of an object of which the API has said that it is gone. */
  readonly #gone = new Map<string, string>()
  readonly queue: WorkQueue

  constructor(definition: ControllerDefinition, dependencies: RunnerDependencies) {
    const { clock } = dependencies.context
    this.#definition = definition
    this.#primary = { resource: definition.reconciles }
    this.#dependencies = dependencies
    this.#metrics = dependencies.metrics
    this.#failures = new RecentFailures(clock)
    this.queue = new WorkQueue({
      clock,
      rateLimiter: createDefaultRateLimiter(clock, definition.backoff),
      ...(dependencies.metrics === undefined ? {} : { metrics: dependencies.metrics.queue }),
    })
  }

  /** Keys whose last reconcile failed, the newest last; a success takes them out. */
  get failures(): readonly Failure[] {
    return this.#failures.list()
  }

  /** Resolves after the signal aborted and the workers are idle; rejects when the controller cannot be created. */
  async run(signal: AbortSignal, onReady: () => void): Promise<void> {
    const handlers = new HandlerScope()
    try {
      const used = new Set<Informer>()
      const reconciler = this.#definition.create(this.#context(used, handlers))
      for (const watch of this.#allWatches()) this.#watch(watch, used, handlers)
      await untilAborted(Promise.all([...used].map((informer) => informer.synced)), signal)
      onReady()
      await this.#work(reconciler, signal)
    } catch (err: unknown) {
      if (!signal.aborted) throw err
    } finally {
      this.queue.shutDown()
      handlers.removeAll()
    }
  }

  #context(used: Set<Informer>, handlers: HandlerScope): ReconcilerContext {
    const informer = <T extends KubeObject>(resource: Resource<T>, selection?: Selection): Informer<T> => {
      const shared = this.#dependencies.informers.informer(resource, selection)
      used.add(shared as unknown as Informer)
      return handlers.of(shared)
    }
    return {
      ...this.#dependencies.context,
      informer,
      lister: (resource, selection) => informer(resource, selection).lister,
      enqueue: (key, afterMs = 0) => this.queue.addAfter(keyString(key), afterMs),
    }
  }

  #allWatches(): readonly WatchSpec[] {
    return [this.#primary, ...(this.#definition.watches ?? [])]
  }

  #watch(watch: WatchSpec, used: Set<Informer>, handlers: HandlerScope): void {
    const informer = this.#dependencies.informers.informer(watch.resource, watch.selection)
    used.add(informer)
    const delayMs = watch.batchMs ?? 0
    const isPrimary = watch === this.#primary
    const enqueue = (object: DeepReadonly<KubeObject>): void => {
      if (isPrimary) this.queue.addAfter(keyStringOf(object), delayMs)
      else for (const key of this.#keysFor(watch, object)) this.queue.addAfter(keyString(key), delayMs)
    }
    handlers.of(informer).addHandler({
      onAdd: enqueue,
      onUpdate: (old, object) => {
        // What the change took away from someone (an owner, a label) matters to them as well.
        if (!isPrimary) enqueue(old)
        enqueue(object)
      },
      onDelete: enqueue,
    })
  }

  #keysFor(watch: WatchSpec, object: DeepReadonly<KubeObject>): readonly ObjectKey[] {
    if (watch.toKeys !== undefined) return watch.toKeys(object)
    const owner = controllerOf(object)
    const { reconciles } = this.#definition
    if (owner === undefined || owner.kind !== reconciles.kind) return []
    if (owner.apiVersion.split('/').length === 2 && !owner.apiVersion.startsWith(`${reconciles.group}/`)) return []
    const { namespace } = object.metadata
    return [reconciles.namespaced && namespace !== undefined ? { namespace, name: owner.name } : { name: owner.name }]
  }

  async #work(reconciler: Reconciler, signal: AbortSignal): Promise<void> {
    const shutDown = (): void => this.queue.shutDown()
    if (signal.aborted) return
    signal.addEventListener('abort', shutDown, { once: true })
    try {
      const workers = Array.from({ length: this.#definition.concurrency ?? 1 }, () => this.#worker(reconciler, signal))
      await Promise.all(workers)
    } finally {
      signal.removeEventListener('abort', shutDown)
    }
  }

  async #worker(reconciler: Reconciler, signal: AbortSignal): Promise<void> {
    for (let key = await this.queue.take(); key !== undefined; key = await this.queue.take()) {
      this.#metrics?.workerStarted()
      const { clock } = this.#dependencies.context
      const startedMs = clock.monotonicMs()
      const outcome = await this.#reconcile(reconciler, key, signal)
      this.#metrics?.reconciled(outcome, (clock.monotonicMs() - startedMs) / 1_000)
      this.#metrics?.workerIdle()
      this.queue.done(key)
    }
  }

  async #reconcile(reconciler: Reconciler, key: string, signal: AbortSignal): Promise<ReconcileOutcome> {
    const version = this.#cachedVersion(key)
    // The cache is behind the API, and its catching up wakes us. Until then whatever we made, the garbage collector would
    // delete, and its deletion would wake us to make it again.
    if (version !== undefined && this.#gone.get(key) === version) return 'success'
    this.#gone.delete(key)
    try {
      const { requeueAfterMs } = await reconciler.reconcile(parseKey(key), signal)
      this.queue.forget(key)
      this.#failures.succeeded(key)
      if (requeueAfterMs === undefined) return 'success'
      this.queue.addAfter(key, requeueAfterMs)
      return 'requeue_after'
    } catch (err: unknown) {
      if (version !== undefined && this.#isOwnNotFound(key, err)) this.#gone.set(key, version)
      return this.#handleError(key, err, signal)
    }
  }

  #cachedVersion(key: string): string | undefined {
    const { lister } = this.#dependencies.informers.informer(this.#definition.reconciles)
    return lister.get(parseKey(key))?.metadata.resourceVersion
  }

  #handleError(key: string, err: unknown, signal: AbortSignal): ReconcileOutcome {
    const { logger } = this.#dependencies.context
    if (signal.aborted && (isAbortError(err) || err === signal.reason)) return 'success'
    if (this.#isOwnNotFound(key, err)) {
      this.queue.forget(key)
      this.#failures.succeeded(key)
      return 'success'
    }
    if (err instanceof TerminalError) {
      this.queue.forget(key)
      this.#failures.failed(key, err)
      logger.error({ key, err }, 'reconcile failed for good')
      return 'terminal_error'
    }
    this.queue.addRateLimited(key, retryAfterMs(err))
    if (isConflict(err) || isTooManyRequests(err)) {
      logger.debug({ key, reason: errorMessage(err) }, 'reconcile was put off by the server, trying again')
      return 'conflict'
    }
    this.#failures.failed(key, err)
    const retries = this.queue.retries(key)
    // The API server said no (a quota, a policy): its sentence is the reason, where in our code it was heard is not.
    if (isForbidden(err) || isInvalid(err)) logger.warn({ key, reason: errorMessage(err), retries }, RETRYING)
    else logger.error({ key, err: toError(err), retries }, RETRYING)
    return 'error'
  }

  /** The reconciled object itself has gone meanwhile: there is nothing left to do. */
  #isOwnNotFound(key: string, err: unknown): boolean {
    if (!isNotFound(err) || !isStatusError(err)) return false
    const { details } = err.status
    const { reconciles } = this.#definition
    const isOwnKind = details?.kind === reconciles.resource && (details.group ?? '') === reconciles.group
    return isOwnKind && details?.name === parseKey(key).name
  }
}
