/**
 * Reads metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io, which other servers serve through aggregation.
 * All values are thousandths. Errors carry upstream's messages.
 * Upstream: pkg/controller/podautoscaler/metrics/client.go. Differs: custom metrics are read as v1beta2, or v1beta1 where
 * that is not served, found by trying.
 */
import type { CrossVersionObjectReference } from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { RestMapper } from '#machinery/client/rest-mapper.ts'
import { groupResourceString, tryParseApiVersion } from '#machinery/meta/resource.ts'
import { parseQuantity } from '#machinery/quantity/quantity.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { parseDurationMs } from '#machinery/util/go-duration.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface PodMetric {
  readonly milliValue: number
  readonly timestampMs: number
  /** What the value was measured over. */
  readonly windowMs: number
}

/** By Pod name. */
export type PodMetrics = ReadonlyMap<string, PodMetric>

const DEFAULT_WINDOW_MS = 60_000
const CUSTOM_VERSIONS = ['v1beta2', 'v1beta1']

interface PodMetricsItem extends KubeObject {
  readonly timestamp?: string
  readonly window?: string
  readonly containers?: readonly { readonly name: string; readonly usage?: Readonly<Record<string, string>> }[]
}

interface MetricValue {
  readonly describedObject?: { readonly name?: string }
  readonly timestamp?: string
  readonly windowSeconds?: number
  readonly value: string
}

export class MetricsClient {
  readonly #client: Client
  readonly #mapper: RestMapper

  constructor(client: Client, mapper: RestMapper) {
    this.#client = client
    this.#mapper = mapper
  }

  /** `container`: of that one only; otherwise of all. Pods of which one has no value are left out. */
  async resource(
    resource: string,
    where: { readonly namespace: string; readonly selector: string; readonly container?: string },
    signal: AbortSignal,
  ): Promise<PodMetrics> {
    const { namespace, selector, container } = where
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods${query({ labelSelector: selector })}`
    const items = await this.#items<PodMetricsItem>(path, 'pods.metrics.k8s.io', 'resource metrics', signal)
    if (items.length === 0) throw new Error('no metrics returned from resource metrics API')
    const found = new Map<string, PodMetric>()
    for (const item of items) {
      const milliValue = usageOf(item, resource, container)
      if (milliValue === undefined) continue
      const windowMs = item.window === undefined ? DEFAULT_WINDOW_MS : parseDurationMs(item.window)
      found.set(item.metadata.name ?? '', { milliValue, timestampMs: Date.parse(item.timestamp ?? ''), windowMs })
    }
    return found
  }

  async pods(
    metric: string,
    where: { readonly namespace: string; readonly selector: string; readonly metricSelector: string },
    signal: AbortSignal,
  ): Promise<PodMetrics> {
    const { namespace, selector, metricSelector } = where
    const path = `/namespaces/${namespace}/pods/*/${metric}`
    const parameters = { labelSelector: selector, metricLabelSelector: metricSelector }
    const items = await this.#custom(path + query(parameters), 'pods', metric, signal)
    if (items.length === 0) throw new Error('no metrics returned from custom metrics API')
    return new Map(
      items.map(({ describedObject, timestamp, windowSeconds, value }) => [
        describedObject?.name ?? '',
        {
          milliValue: parseQuantity(value).milliValue(),
          timestampMs: Date.parse(timestamp ?? ''),
          windowMs: windowSeconds === undefined ? DEFAULT_WINDOW_MS : windowSeconds * 1_000,
        },
      ]),
    )
  }

  async object(
    metric: string,
    object: DeepReadonly<CrossVersionObjectReference>,
    where: { readonly namespace: string; readonly metricSelector: string },
    signal: AbortSignal,
  ): Promise<number> {
    const { namespace, metricSelector } = where
    const suffix = query({ metricLabelSelector: metricSelector })
    const [path, resource] = await this.#objectPath(object, namespace, signal)
    const [first] = await this.#custom(`${path}/${metric}${suffix}`, resource, metric, signal)
    if (first === undefined)
      throw new Error('unable to fetch metrics from custom metrics API: no metric values returned')
    return parseQuantity(first.value).milliValue()
  }

  /** The sum of all series. */
  async external(
    metric: string,
    where: { readonly namespace: string; readonly metricSelector: string },
    signal: AbortSignal,
  ): Promise<number> {
    const { namespace, metricSelector } = where
    const suffix = query({ labelSelector: metricSelector })
    const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${metric}${suffix}`
    const resource = `${metric}.external.metrics.k8s.io`
    const items = await this.#items<MetricValue>(path, resource, 'external metrics', signal)
    if (items.length === 0) throw new Error('no metrics returned from external metrics API')
    return items.reduce((sum, { value }) => sum + parseQuantity(value).milliValue(), 0)
  }

  async #objectPath(
    { kind, name, apiVersion = 'v1' }: DeepReadonly<CrossVersionObjectReference>,
    namespace: string,
    signal: AbortSignal,
  ): Promise<readonly [string, string]> {
    if (kind === 'Namespace') return [`/namespaces/${name}/metrics`, 'namespaces']
    const version = tryParseApiVersion(apiVersion)
    const resource = version === undefined ? undefined : await this.#mapper.resourceFor({ ...version, kind }, signal)
    if (resource === undefined) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`)
    const text = groupResourceString(resource)
    return [resource.namespaced ? `/namespaces/${namespace}/${text}/${name}` : `/${text}/${name}`, text]
  }

  async #custom(path: string, resource: string, metric: string, signal: AbortSignal): Promise<readonly MetricValue[]> {
    let failure: unknown
    for (const version of CUSTOM_VERSIONS) {
      try {
        const whole = `/apis/custom.metrics.k8s.io/${version}${path}`
        return await this.#items<MetricValue>(whole, `${resource}.custom.metrics.k8s.io`, 'custom metrics', signal)
      } catch (err: unknown) {
        signal.throwIfAborted()
        failure = err
        if (!(err instanceof NotServedError)) break
      }
    }
    throw failure ?? new Error(`no custom metric ${metric}`)
  }

  async #items<T>(path: string, resource: string, api: string, signal: AbortSignal): Promise<readonly T[]> {
    const answer = await this.#client.raw({ method: 'GET', path, signal })
    const body = answer.body as { readonly items?: readonly T[]; readonly message?: string } | undefined
    if (answer.status === 200) return body?.items ?? []
    const prefix = `unable to fetch metrics from ${api} API: `
    const generic = 'the server could not find the requested resource'
    const isNotServed = answer.status === 404 && (typeof body?.message !== 'string' || body.message.includes(generic))
    if (isNotServed) throw new NotServedError(`${prefix}${generic} (get ${resource})`)
    if (answer.status === 503)
      throw new Error(`${prefix}the server is currently unable to handle the request (get ${resource})`)
    throw new Error(prefix + (body?.message ?? `the server responded with the status code ${answer.status}`))
  }
}

class NotServedError extends Error {}

/** Thousandths; undefined: the Pod has no such metric. */
export function usageOf(item: PodMetricsItem, resource: string, container: string | undefined): number | undefined {
  const containers = item.containers ?? []
  if (container === undefined) {
    const usages = containers.map(({ usage }) => usage?.[resource])
    if (usages.length === 0 || usages.includes(undefined)) return undefined
    return usages.reduce((sum, usage) => sum + milliValueOf(usage), 0)
  }
  const usage = containers.find(({ name }) => name === container)?.usage?.[resource]
  return usage === undefined ? undefined : milliValueOf(usage)
}

function milliValueOf(text: string | undefined): number {
  try {
    return parseQuantity(text ?? '').milliValue()
  } catch (err: unknown) {
    throw new Error(`unable to read a metric: ${errorMessage(err)}`)
  }
}

function query(parameters: Readonly<Record<string, string>>): string {
  const used = Object.entries(parameters).filter(([, value]) => value !== '')
  return used.length === 0 ? '' : `?${new URLSearchParams(used).toString()}`
}
