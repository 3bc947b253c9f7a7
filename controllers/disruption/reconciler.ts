/**
 * Keeps the status of PodDisruptionBudgets, which evictions are granted from, and resets stale DisruptionTarget conditions of Pods.
 *
 * Reads: budgets, pods and their controllers from the cache; scale subresources. Writes: poddisruptionbudgets/status,
 * pods/status, events.
 * Upstream: pkg/controller/disruption. Differs: what cannot be calculated is tried again with backoff; one queue for
 * budgets and for Pods with a condition to reset; a Pod wakes every budget that selects it.
 */
import { DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { PODS, REPLICATION_CONTROLLERS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '#machinery/api/policy/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { withDisruptionAllowed } from '#machinery/disruption/condition.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { InformerHandler } from '#machinery/informers/shared-informer.ts'
import { isConflict } from '#machinery/meta/errors.ts'
import { labelSelectorGoText } from '#machinery/selectors/go-text.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { ANY_RESOURCE, DONE, defineController, requeueAfter } from '#sdk'
import { DISRUPTION_CONTROLLER } from '../manager/names.ts'
import type { Expected } from './budget-status.ts'
import { budgetStatus, countHealthy, disruptedPodsOf, expectedOf, needsScale } from './budget-status.ts'
import { ScaleFinder } from './expected-scale.ts'
import { podKeyOf, podOf, resetStaleCondition, staleInMs } from './stale-condition.ts'

/** A look counts every Pod a budget selects: a burst of Pod changes is one look. Upstream looks at once. */
const BATCH_MS = 100

export const disruptionController = defineController({
  name: DISRUPTION_CONTROLLER,
  reconciles: POD_DISRUPTION_BUDGETS, // Pods are watched in `create`: which budgets they wake needs the cache of budgets.
  permissions: [
    { resource: POD_DISRUPTION_BUDGETS, verbs: ['get', 'list', 'watch'] },
    { resource: POD_DISRUPTION_BUDGETS, subresource: 'status', verbs: ['update'] },
    { resource: PODS, verbs: ['get', 'list', 'watch'] },
    { resource: PODS, subresource: 'status', verbs: ['update'] },
    ...[REPLICATION_CONTROLLERS, REPLICA_SETS, STATEFUL_SETS, DEPLOYMENTS].map(
      (resource) => ({ resource, verbs: ['get', 'list', 'watch'] }) as const,
    ),
    // Whatever controls Pods and scales, custom resources too.
    { resource: ANY_RESOURCE, subresource: 'scale', verbs: ['get'] },
  ],
  concurrency: 5,
  create: (context) => new DisruptionReconciler(context),
})

type Budget = DeepReadonly<PodDisruptionBudget>

class DisruptionReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #budgets: Lister<PodDisruptionBudget>
  readonly #pods: Lister<Pod>
  readonly #scales: ScaleFinder

  constructor(context: ReconcilerContext) {
    this.#client = context.client
    this.#clock = context.clock
    this.#events = context.events
    this.#budgets = context.lister(POD_DISRUPTION_BUDGETS)
    const pods = context.informer(PODS)
    this.#pods = pods.lister
    this.#scales = new ScaleFinder(context)
    pods.addHandler(this.#podHandler(context.enqueue))
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const pod = podOf(key)
    if (pod !== undefined) return resetStaleCondition(this.#pods.get(pod), this.#client, this.#clock, signal)
    const budget = this.#budgets.get(key)
    if (budget === undefined) return DONE
    try {
      return await this.#sync(budget, signal)
    } catch (err: unknown) {
      signal.throwIfAborted()
      // Nothing may be evicted by numbers that no longer hold.
      if (!isConflict(err)) await this.#forbidAll(budget, errorMessage(err), signal)
      throw err
    }
  }

  #podHandler(enqueue: ReconcilerContext['enqueue']): InformerHandler<Pod> {
    const wake = (pod: DeepReadonly<Pod>): void => {
      const selecting = this.#budgetsOf(pod)
      for (const budget of selecting) enqueue(objectKeyOf(budget), BATCH_MS)
      const [first] = selecting
      if (first !== undefined && selecting.length > 1) {
        const { namespace = '', name = '' } = pod.metadata
        const which = `Pod ${JSON.stringify(namespace)}/${JSON.stringify(name)} matches multiple PodDisruptionBudgets.`
        const message = `${which}  Chose ${JSON.stringify(first.metadata.name)} arbitrarily.`
        this.#events.record(pod, 'Warning', 'MultiplePodDisruptionBudgets', message)
      }
      const delayMs = staleInMs(pod, this.#clock.nowMs())
      if (delayMs !== undefined) enqueue(podKeyOf(pod), delayMs)
    }
    return {
      onAdd: wake,
      onUpdate(old, pod) {
        if (!deepEqual(old.metadata.labels, pod.metadata.labels)) wake(old)
        wake(pod)
      },
      onDelete: wake,
    }
  }

  #budgetsOf(pod: DeepReadonly<Pod>): readonly Budget[] {
    return this.#budgets.list(pod.metadata.namespace, (budget) => selects(budget, pod))
  }

  async #sync(budget: Budget, signal: AbortSignal): Promise<Result> {
    const matcher = labelSelectorAsMatcher(budget.spec.selector)
    const pods = this.#pods.list(budget.metadata.namespace, ({ metadata }) => matcher.matches(metadata.labels))
    if (pods.length === 0) this.#events.record(budget, 'Normal', 'NoPods', 'No matching pods found')
    const expected = await this.#expected(budget, pods, signal)
    const now = this.#clock.now()
    const nowMs = now.getTime()
    const disrupted = disruptedPodsOf(budget, pods, nowMs)
    for (const pod of disrupted.notDeleted) {
      const { namespace = '', name = '' } = budget.metadata
      const message = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`
      this.#events.record(pod, 'Warning', 'NotDeleted', message)
    }
    const healthy = countHealthy(pods, disrupted, nowMs)
    await this.#write(budget, budgetStatus(budget, expected, healthy, disrupted.disruptedPods, now), signal)
    // A millisecond later it is past.
    return disrupted.recheckMs === undefined ? DONE : requeueAfter(disrupted.recheckMs - nowMs + 1)
  }

  async #expected(budget: Budget, pods: readonly DeepReadonly<Pod>[], signal: AbortSignal): Promise<Expected> {
    try {
      if (!needsScale(budget)) return expectedOf(budget, pods.length)
      const { replicas, unmanaged } = await this.#scales.scaleOf(pods, signal)
      if (unmanaged.length > 0) this.#events.record(budget, 'Warning', 'UnmanagedPods', unmanagedMessage(budget))
      return expectedOf(budget, replicas)
    } catch (err: unknown) {
      const message = `Failed to calculate the number of expected pods: ${errorMessage(err)}`
      this.#events.record(budget, 'Warning', 'CalculateExpectedPodCountFailed', message)
      throw err
    }
  }

  async #forbidAll(budget: Budget, message: string, signal: AbortSignal): Promise<void> {
    const status: PodDisruptionBudgetStatus = { ...deepCopy<PodDisruptionBudget>(budget).status, disruptionsAllowed: 0 }
    const verdict = { status: 'False', reason: 'SyncFailed', message } as const
    status.conditions = withDisruptionAllowed(status, verdict, this.#clock.now())
    await this.#write(budget, status, signal)
  }

  /** With the resourceVersion that was read: an eviction granted in between is a conflict. */
  async #write(budget: Budget, status: PodDisruptionBudgetStatus, signal: AbortSignal): Promise<void> {
    if (deepEqual(budget.status, status)) return
    const draft = { ...deepCopy<PodDisruptionBudget>(budget), status }
    await this.#client.update(POD_DISRUPTION_BUDGETS, draft, { subresource: 'status', signal })
  }
}

function selects({ spec }: Budget, { metadata }: DeepReadonly<Pod>): boolean {
  return labelSelectorAsMatcher(spec.selector).matches(metadata.labels)
}

function unmanagedMessage({ spec }: Budget): string {
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${labelSelectorGoText(spec.selector)}) were found to be unmanaged. ` +
    'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
    'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  )
}
