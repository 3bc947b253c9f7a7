/** `==`, `<` and their relatives over all values. Upstream: cel-go common/types (Equal, Compare of each type). */
import { type CostMeter, LIST_COST } from './cost.ts'
import {
  CelDuration,
  CelList,
  CelMap,
  CelOpaque,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
} from './values.ts'

type Numeric = bigint | number | CelUint

const isNumeric = (value: CelValue): value is Numeric =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint

const plainNumber = (value: Numeric): bigint | number => (value instanceof CelUint ? value.value : value)

/** Values of different types are not equal, but for numbers, which are compared as numbers. */
export function equals(a: CelValue, b: CelValue, meter?: CostMeter): boolean {
  if (typeof a === 'string' || typeof a === 'boolean' || a === null) return a === b
  if (isNumeric(a)) return isNumeric(b) && isEqualNumber(plainNumber(a), plainNumber(b))
  if (a instanceof CelList) return b instanceof CelList && areEqualLists(a, b, meter)
  if (a instanceof CelMap) return b instanceof CelMap && areEqualMaps(a, b, meter)
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  if (a instanceof CelTimestamp) return b instanceof CelTimestamp && a.epochNanos === b.epochNanos
  if (a instanceof CelDuration) return b instanceof CelDuration && a.nanos === b.nanos
  if (a instanceof CelTypeValue) return b instanceof CelTypeValue && a.name === b.name
  if (a instanceof CelOptional) return b instanceof CelOptional && areEqualOptionals(a, b, meter)
  return a instanceof CelOpaque && a.equals(b)
}

const isEqualNumber = (a: bigint | number, b: bigint | number): boolean => order(a, b) === 0

function areEqualLists(a: CelList, b: CelList, meter: CostMeter | undefined): boolean {
  if (a.equalTo !== undefined) return a.equalTo(b)
  if (a.size !== b.size) return false
  for (let i = 0; i < a.size; i++) {
    countElement(i, meter)
    if (!equals(a.at(i) as CelValue, b.at(i) as CelValue, meter)) return false
  }
  return true
}

function areEqualMaps(a: CelMap, b: CelMap, meter: CostMeter | undefined): boolean {
  if (a.size !== b.size) return false
  let i = 0
  for (const key of a.keys()) {
    countElement(i++, meter)
    const other = b.get(key)
    if (other === undefined || !equals(a.get(key) as CelValue, other, meter)) return false
  }
  return true
}

function areEqualOptionals(a: CelOptional, b: CelOptional, meter: CostMeter | undefined): boolean {
  if (a.value === undefined || b.value === undefined) return a.value === b.value
  return equals(a.value, b.value, meter)
}

/** Upstream charges for the outermost size only; what is nested is charged here, a step for every few elements. */
function countElement(index: number, meter: CostMeter | undefined): void {
  if (index > 0 && index % LIST_COST === 0) meter?.add(1)
}

/** -1, 0, 1; undefined when they have no order: NaN, or types that are not compared. */
export function compare(a: CelValue, b: CelValue): -1 | 0 | 1 | undefined {
  if (isNumeric(a)) return isNumeric(b) ? order(plainNumber(a), plainNumber(b)) : undefined
  if (typeof a === 'string') return typeof b === 'string' ? compareStrings(a, b) : undefined
  if (typeof a === 'boolean') return typeof b === 'boolean' ? order(Number(a), Number(b)) : undefined
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? Buffer.compare(a, b) : undefined
  if (a instanceof CelTimestamp) return b instanceof CelTimestamp ? order(a.epochNanos, b.epochNanos) : undefined
  if (a instanceof CelDuration) return b instanceof CelDuration ? order(a.nanos, b.nanos) : undefined
  return undefined
}

/** A whole number meets a double as a double, which loses its last digits: as upstream. */
function order(a: bigint | number, b: bigint | number): -1 | 0 | 1 | undefined {
  if (typeof a !== typeof b) return order(Number(a), Number(b))
  if (a < b) return -1
  return a > b ? 1 : a === b ? 0 : undefined
}

/** By code points, which UTF-16 units are not where surrogates meet the end of the basic plane. */
function compareStrings(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x !== y) return rank(x) < rank(y) ? -1 : 1
  }
  return a.length < b.length ? -1 : 1
}

/** Surrogates come after all other units. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)
