/**
 * What all metrics of an autoscaler ask for together: the most that any of them does. A metric that cannot be read keeps it from
 * shrinking. Sets ScalingActive. Upstream: horizontal.go computeReplicasForMetrics, validateAndParseSelector.
 */
import type { Scale } from '#machinery/api/autoscaling/v1/types.gen.ts'
import type { HorizontalPodAutoscaler, MetricStatus } from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { RestMapper } from '#machinery/client/rest-mapper.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { parseQuantity } from '#machinery/quantity/quantity.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { parseLabelSelector } from '#machinery/selectors/label.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ControllerContext, EventRecorder } from '#sdk'
import type { AutoscalerDraft } from './conditions.ts'
import { setCondition } from './conditions.ts'
import { MetricError, proposeReplicas } from './metric-proposal.ts'
import { MetricsClient } from './metrics-client.ts'
import type { Tolerances } from './replica-calculator.ts'
import type { TargetSelectors } from './target-selectors.ts'

/** --horizontal-pod-autoscaler-tolerance */
const DEFAULT_TOLERANCE = 0.1

export interface MetricsVerdict {
  readonly replicas: number
  /** The one that asks for the most. */
  readonly metric: string
  readonly statuses: readonly MetricStatus[]
  /** Some metrics could not be read; thrown once everything else is done. */
  readonly error: Error | undefined
}

export interface MetricsJudgeDependencies extends ControllerContext {
  readonly pods: Lister<Pod>
  readonly mapper: RestMapper
  readonly selectors: TargetSelectors
}

export class MetricsJudge {
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #pods: Lister<Pod>
  readonly #selectors: TargetSelectors
  readonly #metrics: MetricsClient

  constructor({ client, clock, events, pods, mapper, selectors }: MetricsJudgeDependencies) {
    this.#clock = clock
    this.#events = events
    this.#pods = pods
    this.#selectors = selectors
    this.#metrics = new MetricsClient(client, mapper)
  }

  /** Throws an Error when nothing can be said; the draft's conditions say why. */
  async judge(draft: AutoscalerDraft, scale: DeepReadonly<Scale>, signal: AbortSignal): Promise<MetricsVerdict> {
    try {
      return await this.#judge(draft, scale, signal)
    } catch (err: unknown) {
      signal.throwIfAborted()
      this.#events.record(draft, 'Warning', 'FailedComputeMetricsReplicas', errorMessage(err))
      const { kind, name } = draft.spec.scaleTargetRef
      const what = 'failed to compute desired number of replicas based on listed metrics'
      throw new Error(`${what} for ${kind}/${draft.metadata.namespace ?? ''}/${name}: ${errorMessage(err)}`)
    }
  }

  async #judge(draft: AutoscalerDraft, scale: DeepReadonly<Scale>, signal: AbortSignal): Promise<MetricsVerdict> {
    const { namespace = '' } = draft.metadata
    const selector = scale.status?.selector ?? ''
    const pods = this.#selectedPods(draft, selector)
    const { metrics = [] } = draft.spec
    const specReplicas = scale.spec.replicas ?? 0
    const view = {
      namespace,
      selector,
      pods,
      specReplicas,
      statusReplicas: scale.status?.replicas ?? 0,
      tolerances: tolerancesOf(draft),
      nowMs: this.#clock.nowMs(),
    }
    const statuses: MetricStatus[] = []
    const errors: MetricError[] = []
    let [replicas, metric] = [0, '']
    for (const spec of metrics) {
      try {
        const proposal = await proposeReplicas(spec, view, this.#metrics, signal)
        statuses.push(proposal.status)
        if (replicas === 0 || proposal.replicas > replicas) [replicas, metric] = [proposal.replicas, proposal.name]
      } catch (err: unknown) {
        if (!(err instanceof MetricError)) throw err
        this.#events.record(draft, 'Warning', err.reason, err.why)
        errors.push(err)
        // As upstream: an entry for every metric, an empty one for what could not be read.
        statuses.push({ type: '' })
      }
    }
    draft.status.currentMetrics = statuses
    const [first] = errors
    const error =
      first === undefined
        ? undefined
        : new Error(
            `invalid metrics (${errors.length} invalid out of ${metrics.length}), first error is: ${first.message}`,
          )
    if (first !== undefined && (errors.length >= metrics.length || replicas < specReplicas)) {
      this.#setActive(draft, false, first.reason, `the HPA was unable to compute the replica count: ${first.why}`)
      throw error
    }
    const message = `the HPA was able to successfully calculate a replica count from ${metric}`
    this.#setActive(draft, true, 'ValidMetricFound', message)
    return { replicas, metric, statuses, error }
  }

  #selectedPods(draft: AutoscalerDraft, selector: string): readonly DeepReadonly<Pod>[] {
    if (selector === '') {
      this.#events.record(draft, 'Warning', 'SelectorRequired', 'selector is required')
      this.#setActive(draft, false, 'InvalidSelector', "the HPA target's scale is missing a selector")
      throw new Error('selector is required')
    }
    const matcher = this.#parse(draft, selector)
    const key = objectKeyOf(draft)
    const { namespace = '' } = key
    this.#selectors.set(key, matcher)
    const pods = this.#pods.list(namespace, ({ metadata }) => matcher.matches(metadata.labels))
    const selecting = this.#selectors.selecting(namespace, pods)
    if (selecting.length <= 1) return pods
    const names = selecting.map((name) => `{${name} ${namespace}}`).join(' ')
    throw this.#refusal(
      draft,
      'AmbiguousSelector',
      `pods by selector ${selector} are controlled by multiple HPAs: [${names}]`,
    )
  }

  #parse(draft: AutoscalerDraft, selector: string): LabelSelectorMatcher {
    try {
      return parseLabelSelector(selector)
    } catch (err: unknown) {
      const what = "couldn't convert selector into a corresponding internal selector object"
      throw this.#refusal(draft, 'InvalidSelector', `${what}: ${errorMessage(err)}`)
    }
  }

  #refusal(draft: AutoscalerDraft, reason: string, message: string): Error {
    this.#events.record(draft, 'Warning', reason, message)
    this.#setActive(draft, false, reason, message)
    return new Error(message)
  }

  #setActive(draft: AutoscalerDraft, isTrue: boolean, reason: string, message: string): void {
    setCondition(draft.status.conditions, { type: 'ScalingActive', isTrue, reason, message }, this.#clock.now())
  }
}

function tolerancesOf({ spec }: DeepReadonly<HorizontalPodAutoscaler>): Tolerances {
  const read = (text: string | undefined): number =>
    text === undefined ? DEFAULT_TOLERANCE : parseQuantity(text).approximate()
  return { scaleDown: read(spec.behavior?.scaleDown?.tolerance), scaleUp: read(spec.behavior?.scaleUp?.tolerance) }
}
