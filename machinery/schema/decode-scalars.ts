/**
 * Checks of single values, as Go's decoder and the API's own unmarshallers make them. A check returns the value in the form
 * upstream would store: the same value almost always, a canonical one for quantities and times.
 * Upstream: sigs.k8s.io/json decode.go; apimachinery meta/v1 {time,micro_time,duration}.go, util/intstr, api/resource.
 */
import { canonicalQuantity } from '#machinery/quantity/quantity.ts'
import type { DecodeContext } from './decode-context.ts'
import { DecodeError, jsonTypeName } from './decode-context.ts'

/** Throws DecodeError. Never sees null, which the containers handle. */
export type Check = (value: unknown, context: DecodeContext) => unknown

export function stringCheck(goType: string): Check {
  return (value, context) => {
    if (typeof value !== 'string') throw context.typeError(jsonTypeName(value), goType)
    return value
  }
}

export function booleanCheck(goType: string): Check {
  return (value, context) => {
    if (typeof value !== 'boolean') throw context.typeError(jsonTypeName(value), goType)
    return value
  }
}

export function integerCheck(goType: string, min: number, max: number): Check {
  return (value, context) => {
    if (typeof value !== 'number') throw context.typeError(jsonTypeName(value), goType)
    if (!Number.isInteger(value) || value < min || value > max) throw context.typeError(`number ${value}`, goType)
    return value
  }
}

export function numberCheck(goType: string): Check {
  return (value, context) => {
    if (typeof value !== 'number') throw context.typeError(jsonTypeName(value), goType)
    return value
  }
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

export const checkBytes: Check = (value, context) => {
  if (typeof value !== 'string') throw context.typeError(jsonTypeName(value), '[]uint8')
  if (value.length % 4 === 0 && BASE64.test(value)) return value
  const compact = value.replace(/[\r\n]/g, '')
  if (compact.length % 4 === 0 && BASE64.test(compact)) return compact
  const wrong = /[^A-Za-z0-9+/\r\n]/.exec(value)
  throw new DecodeError(`illegal base64 data at input byte ${wrong?.index ?? value.length - (compact.length % 4)}`)
}

const UTC_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)$/

export const checkTime: Check = (value, context) => {
  if (typeof value !== 'string') throw context.typeError(jsonTypeName(value), 'string')
  const milliseconds = Date.parse(value)
  if (UTC_SECONDS.test(value) && isRealDate(value, milliseconds)) return value
  const match = RFC3339.exec(value)
  if (match === null) throw timeError(value, '2006-01-02T15:04:05Z07:00')
  const instant = Date.parse(`${match[1]}${match[3]}`)
  if (Number.isNaN(instant) || !isRealDate(`${match[1]}Z`, Date.parse(`${match[1]}Z`))) throw outOfRange(value)
  return `${new Date(instant).toISOString().slice(0, 19)}Z`
}

const MICRO_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})(Z|[+-]\d\d:\d\d)$/

export const checkMicroTime: Check = (value, context) => {
  if (typeof value !== 'string') throw context.typeError(jsonTypeName(value), 'string')
  const match = MICRO_TIME.exec(value)
  if (match === null) throw timeError(value, '2006-01-02T15:04:05.000000Z07:00')
  const instant = Date.parse(`${match[1]}${match[3]}`)
  if (Number.isNaN(instant) || !isRealDate(`${match[1]}Z`, Date.parse(`${match[1]}Z`))) throw outOfRange(value)
  return match[3] === 'Z' ? value : `${new Date(instant).toISOString().slice(0, 19)}.${match[2]}Z`
}

/** False for the 30th of February, which Date.parse rolls over. */
function isRealDate(text: string, milliseconds: number): boolean {
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(text.slice(0, 10))
}

function timeError(text: string, layout: string): DecodeError {
  const parts: [RegExp, string][] = [
    [/^\d{4}/, '2006'],
    [/^-/, '-'],
    [/^\d\d/, '01'],
    [/^-/, '-'],
    [/^\d\d/, '02'],
    [/^T/, 'T'],
    [/^\d\d/, '15'],
    [/^:/, ':'],
    [/^\d\d/, '04'],
    [/^:/, ':'],
    [/^\d\d/, '05'],
    layout.includes('.000000') ? [/^\.\d{6}(?!\d)/, '.000000'] : [/^([.,]\d+)?/, ''],
    [/^(Z|[+-]\d\d:\d\d)/, 'Z07:00'],
  ]
  let rest = text
  for (const [pattern, name] of parts) {
    const match = pattern.exec(rest)
    if (match === null) {
      return new DecodeError(
        `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(name)}`,
      )
    }
    rest = rest.slice(match[0].length)
  }
  return new DecodeError(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`)
}

function outOfRange(text: string): DecodeError {
  return new DecodeError(`parsing time ${JSON.stringify(text)}: day out of range`)
}

const DURATION = /^[-+]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/

export const checkDuration: Check = (value, context) => {
  if (typeof value !== 'string') throw context.typeError(jsonTypeName(value), 'string')
  if (!DURATION.test(value)) throw new DecodeError(`time: invalid duration ${JSON.stringify(value)}`)
  return value
}

export const checkQuantity: Check = (value) => {
  try {
    return canonicalQuantity(typeof value === 'string' ? value : JSON.stringify(value))
  } catch (err) {
    throw new DecodeError(err instanceof Error ? err.message : String(err))
  }
}

const MAX_INT32 = 2 ** 31 - 1

export const checkIntOrString: Check = (value, context) => {
  if (typeof value === 'string') return value
  if (typeof value !== 'number') throw context.typeError(jsonTypeName(value), 'int32')
  if (!Number.isInteger(value) || Math.abs(value) > MAX_INT32) throw context.typeError(`number ${value}`, 'int32')
  return value
}

export const acceptAny: Check = (value) => value
