/** Minimum, maximum and ratio of one LimitRange item against what is used. Upstream: plugin/pkg/admission/limitranger. */
import type { LimitRangeItem, Pod, ResourceRequirements } from '#machinery/api/core/v1/types.gen.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { parseQuantity, tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Usage = DeepReadonly<Pick<ResourceRequirements, 'limits' | 'requests'>>
type Item = DeepReadonly<LimitRangeItem>

const ZERO = parseQuantity('0')
/** Hugepages of whole Pods are not bounded. */
const POD_LEVEL = ['cpu', 'memory']

export function boundErrors(item: Item, usage: Usage): string[] {
  const { type, min = {}, max = {}, maxLimitRequestRatio = {} } = item
  return [
    ...Object.entries(min).map(([name, bound]) => minimum(type, name, parse(bound), usage)),
    ...Object.entries(max).map(([name, bound]) => maximum(type, name, parse(bound), usage)),
    ...Object.entries(maxLimitRequestRatio).map(([name, bound]) => ratio(type, name, parse(bound), usage)),
  ].filter((error) => error !== '')
}

/** Of a claim only the requests count. */
export function claimBoundErrors({ type, min = {}, max = {} }: Item, requests: Usage['requests']): string[] {
  return [
    ...Object.entries(min).map(([name, bound]) => minimum(type, name, parse(bound), { requests: requests ?? {} })),
    ...Object.entries(max).map(([name, bound]) => maximumRequest(type, name, parse(bound), requests)),
  ].filter((error) => error !== '')
}

const quantityOf = (list: Readonly<Record<string, string>> | undefined, name: string): Quantity | undefined => {
  const text = list !== undefined && Object.hasOwn(list, name) ? list[name] : undefined
  return text === undefined ? undefined : tryParseQuantity(String(text))
}

const parse = (bound: string): Quantity => tryParseQuantity(String(bound)) ?? ZERO

function minimum(type: string, name: string, bound: Quantity, usage: Usage): string {
  const request = quantityOf(usage.requests, name)
  const limit = quantityOf(usage.limits, name)
  const text = `minimum ${name} usage per ${type} is ${bound}`
  if (request === undefined) return `${text}.  No request is specified`
  if (request.compare(bound) < 0) return `${text}, but request is ${request}`
  return limit !== undefined && limit.compare(bound) < 0 ? `${text}, but limit is ${limit}` : ''
}

function maximum(type: string, name: string, bound: Quantity, usage: Usage): string {
  const request = quantityOf(usage.requests, name)
  const limit = quantityOf(usage.limits, name)
  const text = `maximum ${name} usage per ${type} is ${bound}`
  if (limit === undefined) return `${text}.  No limit is specified`
  if (limit.compare(bound) > 0) return `${text}, but limit is ${limit}`
  return request !== undefined && request.compare(bound) > 0 ? `${text}, but request is ${request}` : ''
}

function maximumRequest(type: string, name: string, bound: Quantity, requests: Usage['requests']): string {
  const request = quantityOf(requests, name)
  const text = `maximum ${name} usage per ${type} is ${bound}`
  if (request === undefined) return `${text}.  No request is specified`
  return request.compare(bound) > 0 ? `${text}, but request is ${request}` : ''
}

function ratio(type: string, name: string, bound: Quantity, usage: Usage): string {
  const request = quantityOf(usage.requests, name)
  const limit = quantityOf(usage.limits, name)
  const text = `${name} max limit to request ratio per ${type} is ${bound}`
  if (request === undefined || request.isZero) return `${text}, but no request is specified or request is 0`
  if (limit === undefined || limit.isZero) return `${text}, but no limit is specified or limit is 0`
  const observed = limit.milliValue() / request.milliValue()
  return observed * 1000 > bound.milliValue() ? `${text}, but provided ratio is ${observed.toFixed(6)}` : ''
}

/** Of the Pod as a whole: containers, sidecars, init containers, and what is said for the Pod itself. No status, no overhead. */
export function podUsage(pod: DeepReadonly<Pod>): Usage {
  return { requests: sum(pod, 'requests'), limits: sum(pod, 'limits') }
}

function sum({ spec }: DeepReadonly<Pod>, member: 'requests' | 'limits'): Record<string, string> {
  const total = new Map<string, Quantity>()
  for (const { resources } of spec.containers) add(total, resources?.[member])
  const sidecars = new Map<string, Quantity>()
  const peak = new Map<string, Quantity>()
  for (const { resources, restartPolicy } of spec.initContainers ?? []) {
    const own = resources?.[member]
    const together = restartPolicy === 'Always' ? sidecars : new Map(sidecars)
    add(together, own)
    if (restartPolicy === 'Always') add(total, own)
    raise(peak, together)
  }
  raise(total, peak)
  for (const name of POD_LEVEL) {
    const own = quantityOf(spec.resources?.[member], name)
    if (own !== undefined) total.set(name, own)
  }
  return Object.fromEntries([...total].map(([name, quantity]) => [name, quantity.toString()]))
}

function add(total: Map<string, Quantity>, list: Readonly<Record<string, string>> = {}): void {
  for (const [name, text] of Object.entries(list)) total.set(name, (total.get(name) ?? ZERO).add(parse(text)))
}

function raise(total: Map<string, Quantity>, other: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of other) {
    const current = total.get(name)
    if (current === undefined || amount.compare(current) > 0) total.set(name, amount)
  }
}
