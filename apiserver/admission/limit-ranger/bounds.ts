/** Minimum, maximum and ratio of one LimitRange item against what is used. */
import type { LimitRangeItem, Pod, ResourceRequirements } from '#machinery/api/core/v1/types.gen.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { parseQuantity, tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Usage = DeepReadonly<Pick<ResourceRequirements, 'limits' | 'requests'>>

const ZERO = parseQuantity('0')

export function boundErrors(item: DeepReadonly<LimitRangeItem>, usage: Usage): string[] {
  const errors: string[] = []
  for (const [name, bound] of Object.entries(item.min ?? {})) minimum(errors, item.type, name, bound, usage)
  for (const [name, bound] of Object.entries(item.max ?? {})) maximum(errors, item.type, name, bound, usage)
  for (const [name, bound] of Object.entries(item.maxLimitRequestRatio ?? {}))
    ratio(errors, item.type, name, bound, usage)
  return errors
}

const quantityOf = (list: Readonly<Record<string, string>> | undefined, name: string): Quantity | undefined => {
  const text = list !== undefined && Object.hasOwn(list, name) ? list[name] : undefined
  return text === undefined ? undefined : tryParseQuantity(String(text))
}

const parse = (bound: string): Quantity => tryParseQuantity(String(bound)) ?? ZERO

function minimum(errors: string[], type: string, name: string, bound: string, usage: Usage): void {
  const limit = parse(bound)
  const request = quantityOf(usage.requests, name)
  const maximumUse = quantityOf(usage.limits, name)
  const text = `minimum ${name} usage per ${type} is ${limit}`
  if (request === undefined) errors.push(`${text}.  No request is specified`)
  else if (request.compare(limit) < 0) errors.push(`${text}, but request is ${request}`)
  else if (maximumUse !== undefined && maximumUse.compare(limit) < 0) errors.push(`${text}, but limit is ${maximumUse}`)
}

function maximum(errors: string[], type: string, name: string, bound: string, usage: Usage): void {
  const limit = parse(bound)
  const request = quantityOf(usage.requests, name)
  const maximumUse = quantityOf(usage.limits, name)
  const text = `maximum ${name} usage per ${type} is ${limit}`
  if (maximumUse === undefined) errors.push(`${text}.  No limit is specified`)
  else if (maximumUse.compare(limit) > 0) errors.push(`${text}, but limit is ${maximumUse}`)
  else if (request !== undefined && request.compare(limit) > 0) errors.push(`${text}, but request is ${request}`)
}

function ratio(errors: string[], type: string, name: string, bound: string, usage: Usage): void {
  const request = quantityOf(usage.requests, name)
  const limit = quantityOf(usage.limits, name)
  const text = `${name} max limit to request ratio per ${type} is ${bound}`
  if (request === undefined || request.isZero) errors.push(`${text}, but no request is specified or request is 0.`)
  else if (limit === undefined || limit.isZero) errors.push(`${text}, but no limit is specified or limit is 0.`)
  else {
    const observed = limit.milliValue() / request.milliValue()
    if (observed > parse(bound).milliValue() / 1000)
      errors.push(`${text}, but provided ratio is ${observed.toFixed(6)}`)
  }
}

/** Sums containers; an init container counts with its own use where that is more. */
export function podUsage(pod: DeepReadonly<Pod>): Usage {
  return { requests: sum(pod, 'requests'), limits: sum(pod, 'limits') }
}

function sum(pod: DeepReadonly<Pod>, member: 'requests' | 'limits'): Record<string, string> {
  const total = new Map<string, Quantity>()
  for (const container of pod.spec.containers) {
    for (const [name, text] of Object.entries(container.resources?.[member] ?? {})) {
      total.set(name, (total.get(name) ?? ZERO).add(parse(text)))
    }
  }
  for (const container of pod.spec.initContainers ?? []) {
    for (const [name, text] of Object.entries(container.resources?.[member] ?? {})) {
      const current = total.get(name)
      const own = parse(text)
      if (current === undefined || own.compare(current) > 0) total.set(name, own)
    }
  }
  return Object.fromEntries([...total].map(([name, quantity]) => [name, quantity.toString()]))
}
