/** Aggregates of lists. Upstream: apiserver pkg/cel/library/lists.go, version 0. */

import { compare, equals } from '../equality.ts'
import { type CelLibrary, defineMember } from '../functions.ts'
import { toInt, toUint } from '../numbers.ts'
import { toDuration } from '../time.ts'
import { CelDuration, CelList, CelMap, CelUint, type CelValue, EvaluationError } from '../values.ts'

const COMPARABLE = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes']

function isSorted(list: CelList): boolean {
  let previous: CelValue | undefined
  for (const value of list) {
    if (previous !== undefined && compare(previous, value) === 1) return false
    previous = value
  }
  return true
}

/** The value every other is on the `wanted` side of; the first of equals. */
function extreme(list: CelList, name: 'min' | 'max', wanted: -1 | 1): CelValue {
  let result: CelValue | undefined
  for (const value of list) if (result === undefined || compare(value, result) === wanted) result = value
  if (result === undefined) throw new EvaluationError(`${name} called on empty list`)
  return result
}

function indexOf(list: CelList, wanted: CelValue): bigint {
  for (let i = 0; i < list.size; i++) if (equals(list.at(i) ?? null, wanted)) return BigInt(i)
  return -1n
}

function lastIndexOf(list: CelList, wanted: CelValue): bigint {
  for (let i = list.size - 1; i >= 0; i--) if (equals(list.at(i) ?? null, wanted)) return BigInt(i)
  return -1n
}

function sumOf<T extends CelValue>(zero: T, add: (a: T, b: T) => T): (list: CelList) => T {
  return (list) => {
    let sum = zero
    for (const value of list) {
      if (typeof value !== typeof zero) throw new EvaluationError('no such overload')
      sum = add(sum, value as T)
    }
    return sum
  }
}

const addInts = (a: bigint, b: bigint): bigint => toInt(a + b)
const addUints = (a: CelUint, b: CelUint): CelUint => toUint(a.value + b.value)
const addDurations = (a: CelDuration, b: CelDuration): CelDuration => toDuration(a.nanos + b.nanos)

/** Walking over the whole of a value. */
function traversalOfTree(value: CelValue | undefined): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return Math.floor(value.length * 0.1)
  let cost = 0
  if (value instanceof CelList) for (const element of value) cost += traversalOfTree(element)
  else if (value instanceof CelMap)
    for (const key of value.keys()) cost += traversalOfTree(key) + traversalOfTree(value.get(key))
  else cost = 1
  return cost
}

const ofList = ([list]: readonly CelValue[]): number => traversalOfTree(list)

export const LIST_AGGREGATES: CelLibrary = {
  overloads: [
    ...COMPARABLE.flatMap((type) => [
      defineMember(`list(${type}).isSorted(): bool`, isSorted, ofList),
      defineMember(`list(${type}).min(): ${type}`, (list: CelList) => extreme(list, 'min', -1), ofList),
      defineMember(`list(${type}).max(): ${type}`, (list: CelList) => extreme(list, 'max', 1), ofList),
    ]),
    defineMember('list(int).sum(): int', sumOf(0n, addInts), ofList),
    defineMember('list(uint).sum(): uint', sumOf(new CelUint(0n), addUints), ofList),
    defineMember(
      'list(double).sum(): double',
      sumOf(0, (a: number, b: number) => a + b),
      ofList,
    ),
    defineMember('list(duration).sum(): duration', sumOf(new CelDuration(0n), addDurations), ofList),
    defineMember('list(A).indexOf(A): int', indexOf, ofList),
    defineMember('list(A).lastIndexOf(A): int', lastIndexOf, ofList),
  ],
}
