/**
 * What one entry of spec.metrics asks for: reads the metric, calculates, and says how in upstream's words.
 * Upstream: pkg/controller/podautoscaler/horizontal.go computeReplicasForMetric and computeStatusFor….
 */
import type {
  ContainerResourceMetricSource,
  ExternalMetricSource,
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
  ObjectMetricSource,
  PodsMetricSource,
  ResourceMetricSource,
} from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import { parseQuantity, Quantity } from '#machinery/quantity/quantity.ts'
import { labelSelectorGoText } from '#machinery/selectors/go-text.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { MetricsClient, PodMetrics } from './metrics-client.ts'
import type { Proposal, Tolerances } from './replica-calculator.ts'
import { averageReplicas, perPodValueReplicas, sharedValueReplicas, utilizationReplicas } from './replica-calculator.ts'

export interface MetricProposal {
  readonly replicas: number
  readonly status: MetricStatus
  /** For events: `cpu resource utilization (percentage of request)`. */
  readonly name: string
}

/** Why a metric asks for nothing: `reason` for condition and event, `why` for them, the message for the whole. */
export class MetricError extends Error {
  readonly reason: string
  readonly why: string

  constructor(reason: string, why: string, message: string) {
    super(message)
    this.reason = reason
    this.why = why
  }
}

export interface ScaleView {
  readonly namespace: string
  /** Text and Pods of the target's selector. */
  readonly selector: string
  readonly pods: readonly DeepReadonly<Pod>[]
  readonly specReplicas: number
  readonly statusReplicas: number
  readonly tolerances: Tolerances
  readonly nowMs: number
}

interface Described {
  readonly reason: string
  readonly failure: string
  propose(): Promise<MetricProposal>
}

/** Throws a MetricError. */
export async function proposeReplicas(
  spec: DeepReadonly<MetricSpec>,
  scale: ScaleView,
  metrics: MetricsClient,
  signal: AbortSignal,
): Promise<MetricProposal> {
  const { reason, failure, propose } = describe(spec, new Reader(scale, metrics, signal))
  try {
    return await propose()
  } catch (err: unknown) {
    signal.throwIfAborted()
    const why = errorMessage(err)
    throw new MetricError(reason, why, failure === '' ? why : `${failure}: ${why}`)
  }
}

function describe(spec: DeepReadonly<MetricSpec>, reader: Reader): Described {
  const { type, resource, containerResource, pods, object, external } = spec
  if (type === 'Resource' && resource !== undefined)
    return {
      reason: 'FailedGetResourceMetric',
      failure: `failed to get ${resource.name} resource metric value`,
      propose: () => reader.resource(resource),
    }
  if (type === 'ContainerResource' && containerResource !== undefined)
    return {
      reason: 'FailedGetContainerResourceMetric',
      failure: `failed to get ${containerResource.container} container metric value`,
      propose: () => reader.container(containerResource),
    }
  if (type === 'Pods' && pods !== undefined)
    return {
      reason: 'FailedGetPodsMetric',
      failure: 'failed to get pods metric value',
      propose: () => reader.pods(pods),
    }
  if (type === 'Object' && object !== undefined)
    return {
      reason: 'FailedGetObjectMetric',
      failure: `failed to get object metric value${objectDetail(object)}`,
      propose: () => reader.object(object),
    }
  if (type === 'External' && external !== undefined)
    return {
      reason: 'FailedGetExternalMetric',
      failure: `failed to get ${external.metric.name} external metric value${externalDetail(external)}`,
      propose: () => reader.external(external),
    }
  const unknown = (): Promise<MetricProposal> => Promise.reject(new Error(`unknown metric source type "${type}"`))
  return { reason: 'InvalidMetricSourceType', failure: '', propose: unknown }
}

/** Of the whole's error, not of condition and event. */
function objectDetail({ metric, target }: DeepReadonly<ObjectMetricSource>): string {
  return target.type === 'AverageValue' && target.averageValue !== undefined
    ? `: failed to get ${metric.name} object metric`
    : ''
}

function externalDetail({ metric, target }: DeepReadonly<ExternalMetricSource>): string {
  if (target.averageValue !== undefined) return `: failed to get ${metric.name} external metric`
  return target.value === undefined ? '' : `: failed to get external metric ${metric.name}`
}

class Reader {
  readonly #scale: ScaleView
  readonly #metrics: MetricsClient
  readonly #signal: AbortSignal

  constructor(scale: ScaleView, metrics: MetricsClient, signal: AbortSignal) {
    this.#scale = scale
    this.#metrics = metrics
    this.#signal = signal
  }

  async resource({ name, target }: DeepReadonly<ResourceMetricSource>): Promise<MetricProposal> {
    const { proposal, current } = await this.#ofResource(name, target, undefined)
    const suffix = current.averageUtilization === undefined ? '' : ' utilization (percentage of request)'
    const status = { type: 'Resource', resource: { name, current } }
    return { replicas: proposal.replicas, status, name: `${name} resource${suffix}` }
  }

  async container({ name, target, container }: DeepReadonly<ContainerResourceMetricSource>): Promise<MetricProposal> {
    const { proposal, current } = await this.#ofResource(name, target, container)
    const isUtilization = current.averageUtilization !== undefined
    const text = isUtilization ? ' container resource utilization (percentage of request)' : ' resource'
    const status = { type: 'ContainerResource', containerResource: { name, container, current } }
    return { replicas: proposal.replicas, status, name: name + text }
  }

  async pods({ metric, target }: DeepReadonly<PodsMetricSource>): Promise<MetricProposal> {
    const { namespace, selector } = this.#scale
    const where = { namespace, selector, metricSelector: selectorText(metric.selector) }
    const found = await this.#metrics
      .pods(metric.name, where, this.#signal)
      .catch(explain(`unable to get metric ${metric.name}`))
    const { replicas, usage } = averageReplicas(this.#situation(found), milli(target.averageValue), undefined)
    const status = { type: 'Pods', pods: { metric: identifier(metric), current: { averageValue: quantity(usage) } } }
    return { replicas, status, name: `pods metric ${metric.name}` }
  }

  async object({ describedObject, metric, target }: DeepReadonly<ObjectMetricSource>): Promise<MetricProposal> {
    const { namespace, statusReplicas, specReplicas, tolerances } = this.#scale
    const isValue = target.type === 'Value' && target.value !== undefined
    if (!isValue && target.averageValue === undefined)
      throw new Error('invalid object metric source: neither a value target nor an average value target was set')
    const where = { namespace, metricSelector: selectorText(metric.selector) }
    const usage = await this.#metrics
      .object(metric.name, describedObject, where, this.#signal)
      .catch(
        explain(
          `unable to get metric ${metric.name}: ${describedObject.kind} on ${namespace} ${describedObject.name}`,
          '/',
        ),
      )
    const proposal = isValue
      ? sharedValueReplicas(this.#situation(new Map(), specReplicas), usage, milli(target.value))
      : perPodValueReplicas(statusReplicas, usage, milli(target.averageValue), tolerances)
    const current = isValue ? { value: quantity(proposal.usage) } : { averageValue: quantity(proposal.usage) }
    const status = {
      type: 'Object',
      object: { describedObject: { ...describedObject }, metric: identifier(metric), current },
    }
    const name = isValue ? `${describedObject.kind} metric ${metric.name}` : externalName(metric)
    return { replicas: proposal.replicas, status, name }
  }

  async external({ metric, target }: DeepReadonly<ExternalMetricSource>): Promise<MetricProposal> {
    const { namespace, statusReplicas, specReplicas, tolerances } = this.#scale
    const isAverage = target.averageValue !== undefined
    if (!isAverage && target.value === undefined)
      throw new Error('invalid external metric source: neither a value target nor an average value target was set')
    const where = { namespace, metricSelector: selectorText(metric.selector) }
    const what = `unable to get external metric ${namespace}/${metric.name}/${labelSelectorGoText(metric.selector)}`
    const usage = await this.#metrics.external(metric.name, where, this.#signal).catch(explain(what))
    const proposal = isAverage
      ? perPodValueReplicas(statusReplicas, usage, milli(target.averageValue), tolerances)
      : sharedValueReplicas(this.#situation(new Map(), specReplicas), usage, milli(target.value))
    const current = isAverage ? { averageValue: quantity(proposal.usage) } : { value: quantity(proposal.usage) }
    const status = { type: 'External', external: { metric: identifier(metric), current } }
    return { replicas: proposal.replicas, status, name: externalName(metric) }
  }

  async #ofResource(
    resource: string,
    { averageValue, averageUtilization }: DeepReadonly<MetricTarget>,
    container: string | undefined,
  ): Promise<{ readonly proposal: Proposal; readonly current: MetricValueStatus }> {
    if (averageValue === undefined && averageUtilization === undefined) {
      const what = 'neither an average utilization target nor an average value (usage) target was set'
      throw new Error(`invalid resource metric source: ${what}`)
    }
    const { namespace, selector } = this.#scale
    const which = container === undefined ? {} : { container }
    const goal = averageValue === undefined ? 'utilization' : 'usage'
    try {
      const found = await this.#metrics
        .resource(resource, { namespace, selector, ...which }, this.#signal)
        .catch(explain(`unable to get metrics for resource ${resource}`))
      const situation = this.#situation(found)
      const proposal =
        averageValue === undefined
          ? utilizationReplicas(situation, averageUtilization ?? 0, { resource, ...which })
          : averageReplicas(situation, milli(averageValue), resource)
      const { usage, utilization } = proposal
      const percent = utilization === undefined ? {} : { averageUtilization: utilization }
      return { proposal, current: { ...percent, averageValue: quantityOf(resource, usage) } }
    } catch (err: unknown) {
      throw new Error(`failed to get ${resource} ${goal}: ${errorMessage(err)}`)
    }
  }

  #situation(metrics: PodMetrics, currentReplicas = this.#scale.specReplicas) {
    const { pods, tolerances, nowMs } = this.#scale
    return { currentReplicas, pods, tolerances, nowMs, metrics }
  }
}

const milli = (text: string | undefined): number => parseQuantity(text ?? '0').milliValue()
const quantity = (milliValue: number): string => Quantity.fromMilliValue(Math.trunc(milliValue)).toString()
/** Memory is told in powers of two. */
const quantityOf = (resource: string, milliValue: number): string =>
  Quantity.fromMilliValue(Math.trunc(milliValue), resource === 'memory' ? 'BinarySI' : 'DecimalSI').toString()
const identifier = (metric: DeepReadonly<MetricIdentifier>): MetricIdentifier => deepCopy<MetricIdentifier>(metric)
const externalName = ({ name, selector }: DeepReadonly<MetricIdentifier>): string =>
  `external metric ${name}(${labelSelectorGoText(selector)})`

/** No selector asks for every series. */
function selectorText(selector: DeepReadonly<LabelSelector> | undefined): string {
  return selector === undefined ? '' : labelSelectorAsMatcher(selector).toString()
}

function explain(what: string, separator = ': '): (err: unknown) => never {
  return (err) => {
    throw new Error(`${what}${separator}${errorMessage(err)}`)
  }
}
