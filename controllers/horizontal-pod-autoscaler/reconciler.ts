/**
 * Sizes what HorizontalPodAutoscalers point at by what metrics say, every 15 s.
 *
 * Reads: autoscalers and pods from the cache; scale subresources; the metrics APIs. Writes: scale subresources,
 * horizontalpodautoscalers/status, events.
 * Upstream: pkg/controller/podautoscaler, with its default flags. Differs: a new or changed autoscaler is looked at once,
 * at once; upstream waits up to 15 s.
 */
import { HORIZONTAL_POD_AUTOSCALERS } from '#machinery/api/autoscaling/v2/resources.gen.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec } from '#machinery/api/autoscaling/v2/types.gen.ts'
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { RestMapper } from '#machinery/client/rest-mapper.ts'
import { createRestMapper } from '#machinery/client/rest-mapper.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { ANY_RESOURCE, DONE, defineController, requeueAfter } from '#sdk'
import { HORIZONTAL_POD_AUTOSCALER_CONTROLLER } from '../manager/names.ts'
import type { AutoscalerDraft, NewCondition } from './conditions.ts'
import { setCondition } from './conditions.ts'
import type { MetricsVerdict } from './metrics-verdict.ts'
import { MetricsJudge } from './metrics-verdict.ts'
import type { ScaleTarget } from './scale-target.ts'
import { readScale, writeScale } from './scale-target.ts'
import { ScalingHistory } from './scaling-limits.ts'
import { TargetSelectors } from './target-selectors.ts'

/** --horizontal-pod-autoscaler-sync-period */
const SYNC_PERIOD_MS = 15_000

export const horizontalPodAutoscalerController = defineController({
  name: HORIZONTAL_POD_AUTOSCALER_CONTROLLER,
  reconciles: HORIZONTAL_POD_AUTOSCALERS,
  permissions: [
    { resource: HORIZONTAL_POD_AUTOSCALERS, verbs: ['get', 'list', 'watch'] },
    { resource: HORIZONTAL_POD_AUTOSCALERS, subresource: 'status', verbs: ['update'] },
    { resource: ANY_RESOURCE, subresource: 'scale', verbs: ['get', 'update'] },
    { resource: PODS, verbs: ['list', 'watch'] },
    { resource: { group: 'metrics.k8s.io', resource: 'pods' }, verbs: ['list'] },
    { resource: { group: 'custom.metrics.k8s.io', resource: '*' }, verbs: ['get', 'list'] },
    { resource: { group: 'external.metrics.k8s.io', resource: '*' }, verbs: ['get', 'list'] },
  ],
  concurrency: 5,
  backoff: { baseMs: SYNC_PERIOD_MS, maxMs: SYNC_PERIOD_MS },
  create: (context) => new AutoscalerReconciler(context),
})

/** What is remembered of an autoscaler between looks. */
interface Memory {
  readonly uid: string | undefined
  readonly history: ScalingHistory
  readonly spec: DeepReadonly<HorizontalPodAutoscalerSpec>
  readonly dueMs: number
}

/** What size it should have, and why. */
interface Decision {
  readonly replicas: number
  readonly reason: string
  readonly isRescale: boolean
  readonly verdict: MetricsVerdict | undefined
}

class AutoscalerReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #mapper: RestMapper
  readonly #autoscalers: Lister<HorizontalPodAutoscaler>
  readonly #judge: MetricsJudge
  readonly #selectors = new TargetSelectors()
  readonly #memories = new Map<string, Memory>()

  constructor(context: ReconcilerContext) {
    this.#client = context.client
    this.#clock = context.clock
    this.#events = context.events
    this.#mapper = createRestMapper(context.client)
    this.#autoscalers = context.lister(HORIZONTAL_POD_AUTOSCALERS)
    const pods = context.lister(PODS)
    this.#judge = new MetricsJudge({ ...context, pods, mapper: this.#mapper, selectors: this.#selectors })
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const autoscaler = this.#autoscalers.get(key)
    const name = keyString(key)
    if (autoscaler === undefined) {
      this.#memories.delete(name)
      this.#selectors.delete(key)
      return DONE
    }
    // Our own writes wake us too: metrics are asked for once in a period, unless what is wanted has changed.
    const memory = this.#memories.get(name)
    if (memory !== undefined && memory.uid === autoscaler.metadata.uid && deepEqual(memory.spec, autoscaler.spec)) {
      const waitMs = memory.dueMs - this.#clock.nowMs()
      if (waitMs > 0) return requeueAfter(waitMs)
    }
    const copy = deepCopy<HorizontalPodAutoscaler>(autoscaler)
    const { desiredReplicas = 0, conditions = [], ...status } = copy.status ?? {}
    const draft: AutoscalerDraft = { ...copy, status: { ...status, desiredReplicas, conditions } }
    try {
      await this.#sync(draft, name, signal)
    } finally {
      if (!signal.aborted) await this.#writeStatus(autoscaler, draft, signal)
    }
    return requeueAfter(SYNC_PERIOD_MS)
  }

  async #sync(draft: AutoscalerDraft, name: string, signal: AbortSignal): Promise<void> {
    const target = await this.#readScale(draft, signal)
    const history = this.#remember(draft, name, target.scale.spec.replicas ?? 0)
    const current = target.scale.spec.replicas ?? 0
    draft.status.currentReplicas = current
    // What was measured before is not said again when nothing can be measured now.
    delete draft.status.currentMetrics
    const { replicas, reason, isRescale, verdict } = await this.#decide(draft, target, history, signal)
    if (isRescale) await this.#rescale(draft, target, replicas, reason, signal)
    if (isRescale) history.scaled(draft.spec.behavior, current, replicas, this.#clock.nowMs())
    draft.status.desiredReplicas = isRescale ? replicas : current
    if (isRescale) draft.status.lastScaleTime = formatTime(this.#clock.now())
    if (verdict?.error !== undefined) throw verdict.error
  }

  async #readScale(draft: AutoscalerDraft, signal: AbortSignal): Promise<ScaleTarget> {
    const { scaleTargetRef } = draft.spec
    try {
      const { namespace = '' } = draft.metadata
      const target = await readScale(this.#client, this.#mapper, scaleTargetRef, namespace, signal)
      const message = "the HPA controller was able to get the target's current scale"
      this.#condition(draft, { type: 'AbleToScale', isTrue: true, reason: 'SucceededGetScale', message })
      return target
    } catch (err: unknown) {
      signal.throwIfAborted()
      this.#events.record(draft, 'Warning', 'FailedGetScale', errorMessage(err))
      const message = `the HPA controller was unable to get the target's current scale: ${errorMessage(err)}`
      this.#condition(draft, { type: 'AbleToScale', isTrue: false, reason: 'FailedGetScale', message })
      this.#postpone(draft)
      throw new Error(`failed to query scale subresource for ${referenceText(draft)}: ${errorMessage(err)}`)
    }
  }

  /** The next look is a period away, whatever comes of this one. */
  #remember(draft: AutoscalerDraft, name: string, current: number): ScalingHistory {
    const nowMs = this.#clock.nowMs()
    const { uid } = draft.metadata
    const before = this.#memories.get(name)
    const history = before?.uid === uid && before !== undefined ? before.history : new ScalingHistory(current, nowMs)
    const spec = deepCopy<HorizontalPodAutoscalerSpec>(draft.spec)
    this.#memories.set(name, { uid, history, spec, dueMs: nowMs + SYNC_PERIOD_MS })
    return history
  }

  #postpone(draft: AutoscalerDraft): void {
    const name = keyString(objectKeyOf(draft))
    const before = this.#memories.get(name)
    // Without a scale there is nothing to remember, except when we looked.
    if (before !== undefined) this.#memories.set(name, { ...before, dueMs: this.#clock.nowMs() + SYNC_PERIOD_MS })
  }

  async #decide(
    draft: AutoscalerDraft,
    target: ScaleTarget,
    history: ScalingHistory,
    signal: AbortSignal,
  ): Promise<Decision> {
    const { maxReplicas, minReplicas = 1, behavior } = draft.spec
    const current = target.scale.spec.replicas ?? 0
    const plain = (replicas: number, reason: string): Decision => ({
      replicas,
      reason,
      isRescale: true,
      verdict: undefined,
    })
    if (current === 0 && minReplicas !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero'
      this.#condition(draft, { type: 'ScalingActive', isTrue: false, reason: 'ScalingDisabled', message })
      return { replicas: 0, reason: '', isRescale: false, verdict: undefined }
    }
    if (current > maxReplicas) return plain(maxReplicas, 'Current number of replicas above Spec.MaxReplicas')
    if (current < minReplicas) return plain(minReplicas, 'Current number of replicas below Spec.MinReplicas')
    const verdict = await this.#judge.judge(draft, target.scale, signal)
    const { replicas: desired = 0, metric } = verdict
    const reason = desired > current ? `${metric} above target` : desired < current ? 'All metrics below target' : ''
    const bounds = { minReplicas, maxReplicas, behavior }
    const { replicas, stabilized, limit } = history.limit(bounds, current, desired, this.#clock.nowMs())
    this.#condition(draft, { type: 'AbleToScale', isTrue: true, ...stabilized })
    const { isLimited, ...why } = limit
    this.#condition(draft, { type: 'ScalingLimited', isTrue: isLimited, ...why })
    return { replicas, reason, isRescale: replicas !== current, verdict }
  }

  async #rescale(
    draft: AutoscalerDraft,
    target: ScaleTarget,
    replicas: number,
    reason: string,
    signal: AbortSignal,
  ): Promise<void> {
    const size = `New size: ${replicas}; reason: ${reason}`
    try {
      await writeScale(this.#client, target, replicas, signal)
    } catch (err: unknown) {
      signal.throwIfAborted()
      this.#events.record(draft, 'Warning', 'FailedRescale', `${size}; error: ${errorMessage(err)}`)
      const message = `the HPA controller was unable to update the target scale: ${errorMessage(err)}`
      this.#condition(draft, { type: 'AbleToScale', isTrue: false, reason: 'FailedUpdateScale', message })
      throw new Error(`failed to rescale ${referenceText(draft)}: ${errorMessage(err)}`)
    }
    const message = `the HPA controller was able to update the target scale to ${replicas}`
    this.#condition(draft, { type: 'AbleToScale', isTrue: true, reason: 'SucceededRescale', message })
    this.#events.record(draft, 'Normal', 'SuccessfulRescale', size)
  }

  #condition(draft: AutoscalerDraft, condition: NewCondition): void {
    setCondition(draft.status.conditions, condition, this.#clock.now())
  }

  async #writeStatus(
    autoscaler: DeepReadonly<HorizontalPodAutoscaler>,
    draft: AutoscalerDraft,
    signal: AbortSignal,
  ): Promise<void> {
    if (deepEqual(autoscaler.status, draft.status)) return
    try {
      await this.#client.update(HORIZONTAL_POD_AUTOSCALERS, draft, { subresource: 'status', signal })
    } catch (err: unknown) {
      this.#events.record(autoscaler, 'Warning', 'FailedUpdateStatus', errorMessage(err))
      throw err
    }
  }
}

function referenceText({ metadata, spec }: AutoscalerDraft): string {
  return `${spec.scaleTargetRef.kind}/${metadata.namespace ?? ''}/${spec.scaleTargetRef.name}`
}
