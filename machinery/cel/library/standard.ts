/** The standard library of the language: operators, sizes, `in`. Upstream: cel-go common/stdlib/standard.go. */
import { concatenation, sizeOf, traversal } from '../cost.ts'
import { compare, equals } from '../equality.ts'
import { type CelLibrary, define, defineMember, type Overload } from '../functions.ts'
import { nonZero, toInt, toUint } from '../numbers.ts'
import { codePointCount } from '../text.ts'
import { toDuration, toTimestamp } from '../time.ts'
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, DYN, INT, listType, mapType, NULL_TYPE } from '../types.ts'
import { STRING, TIMESTAMP, typeType, UINT } from '../types.ts'
import {
  type CelDuration,
  type CelList,
  type CelMap,
  type CelTimestamp,
  CelTypeValue,
  type CelUint,
  type CelValue,
  EvaluationError,
  typeNameOf,
} from '../values.ts'
import { concatenate } from '../lists.ts'
import { CONVERSIONS } from './conversions.ts'
import { STRING_FUNCTIONS } from './strings.ts'
import { TIME_FUNCTIONS } from './time-accessors.ts'

const TYPES: readonly CelType[] = [
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  INT,
  listType(DYN),
  mapType(DYN, DYN),
  NULL_TYPE,
  STRING,
  TIMESTAMP,
  typeType(),
  UINT,
]

const NUMBERS: readonly Overload[] = [
  define('_+_(int, int): int', (a: bigint, b: bigint) => toInt(a + b)),
  define('_-_(int, int): int', (a: bigint, b: bigint) => toInt(a - b)),
  define('_*_(int, int): int', (a: bigint, b: bigint) => toInt(a * b)),
  define('_/_(int, int): int', (a: bigint, b: bigint) => toInt(a / nonZero(b, 'division'))),
  define('_%_(int, int): int', (a: bigint, b: bigint) => toInt(a % nonZero(b, 'modulus'))),
  define('-_(int): int', (a: bigint) => toInt(-a)),
  define('_+_(uint, uint): uint', (a: CelUint, b: CelUint) => toUint(a.value + b.value)),
  define('_-_(uint, uint): uint', (a: CelUint, b: CelUint) => toUint(a.value - b.value)),
  define('_*_(uint, uint): uint', (a: CelUint, b: CelUint) => toUint(a.value * b.value)),
  define('_/_(uint, uint): uint', (a: CelUint, b: CelUint) => toUint(a.value / nonZero(b.value, 'division'))),
  define('_%_(uint, uint): uint', (a: CelUint, b: CelUint) => toUint(a.value % nonZero(b.value, 'modulus'))),
  define('_+_(double, double): double', (a: number, b: number) => a + b),
  define('_-_(double, double): double', (a: number, b: number) => a - b),
  define('_*_(double, double): double', (a: number, b: number) => a * b),
  define('_/_(double, double): double', (a: number, b: number) => a / b),
  define('-_(double): double', (a: number) => -a),
]

const TIMES: readonly Overload[] = [
  define('_+_(duration, duration): duration', (a: CelDuration, b: CelDuration) => toDuration(a.nanos + b.nanos)),
  define('_-_(duration, duration): duration', (a: CelDuration, b: CelDuration) => toDuration(a.nanos - b.nanos)),
  define('_+_(timestamp, duration): timestamp', (a: CelTimestamp, b: CelDuration) =>
    toTimestamp(a.epochNanos + b.nanos),
  ),
  define('_+_(duration, timestamp): timestamp', (a: CelDuration, b: CelTimestamp) =>
    toTimestamp(a.nanos + b.epochNanos),
  ),
  define('_-_(timestamp, duration): timestamp', (a: CelTimestamp, b: CelDuration) =>
    toTimestamp(a.epochNanos - b.nanos),
  ),
  define('_-_(timestamp, timestamp): duration', (a: CelTimestamp, b: CelTimestamp) =>
    toDuration(a.epochNanos - b.epochNanos),
  ),
]

const ORDERED = [
  'bool, bool',
  'int, int',
  'int, double',
  'int, uint',
  'uint, uint',
  'uint, double',
  'uint, int',
  'double, double',
  'double, int',
  'double, uint',
  'string, string',
  'bytes, bytes',
  'timestamp, timestamp',
  'duration, duration',
]

/** NaN is on no side of anything. */
function ordering(operator: string, holds: (order: -1 | 0 | 1) => boolean): Overload[] {
  const apply = (a: CelValue, b: CelValue): boolean => {
    const order = compare(a, b)
    return order !== undefined && holds(order)
  }
  const cost = ([a, b]: readonly CelValue[]): number =>
    typeof a === 'string' || a instanceof Uint8Array ? traversal(Math.min(sizeOf(a), sizeOf(b))) : 1
  return ORDERED.map((types) => define(`${operator}(${types}): bool`, apply, cost))
}

const size = (value: CelValue): bigint => BigInt(typeof value === 'string' ? codePointCount(value) : sizeOf(value))

const SIZES: readonly Overload[] = ['string', 'bytes', 'list(A)', 'map(A, B)'].flatMap((type) => [
  define(`size(${type}): int`, size),
  defineMember(`${type}.size(): int`, size),
])

const isIn = (value: CelValue, list: CelList): boolean => {
  for (const element of list) if (equals(element, value)) return true
  return false
}

/** What is copied counts from ten elements on; upstream's lists are chained instead, for 1. */
const concatenationCost = ([a, b]: readonly CelValue[]): number => 1 + Math.floor(Math.min(sizeOf(a), sizeOf(b)) / 10)

const OPERATORS: readonly Overload[] = [
  // Planned by hand; declared for the checker.
  define('_?_:_(bool, A, A): A', () => unplanned()),
  define('_&&_(bool, bool): bool', () => unplanned()),
  define('_||_(bool, bool): bool', () => unplanned()),
  define('@not_strictly_false(bool): bool', () => unplanned()),
  define('_==_(A, A): bool', () => unplanned()),
  define('_!=_(A, A): bool', () => unplanned()),
  define('_[_](list(A), int): A', () => unplanned()),
  define('_[_](map(A, B), A): B', () => unplanned()),
  define('!_(bool): bool', (value: boolean) => !value),
  define('@in(A, list(A)): bool', isIn, ([, list]) => sizeOf(list)),
  define('@in(A, map(A, B)): bool', (key: CelValue, map: CelMap) => map.get(key) !== undefined),
  define('_+_(string, string): string', (a: string, b: string) => a + b, concatenation),
  define('_+_(bytes, bytes): bytes', (a: Uint8Array, b: Uint8Array) => Buffer.concat([a, b]), concatenation),
  define('_+_(list(A), list(A)): list(A)', concatenate, concatenationCost),
  define('type(A): type(A)', (value: CelValue) => new CelTypeValue(typeNameOf(value))),
  define('dyn(A): dyn', (value: CelValue) => value),
]

function unplanned(): never {
  throw new EvaluationError('no such overload')
}

export const STANDARD_LIBRARY: CelLibrary = {
  overloads: [
    ...OPERATORS,
    ...NUMBERS,
    ...TIMES,
    ...ordering('_<_', (order) => order < 0),
    ...ordering('_<=_', (order) => order <= 0),
    ...ordering('_>_', (order) => order > 0),
    ...ordering('_>=_', (order) => order >= 0),
    ...SIZES,
    ...CONVERSIONS,
    ...STRING_FUNCTIONS,
    ...TIME_FUNCTIONS,
  ],
  types: TYPES,
}
