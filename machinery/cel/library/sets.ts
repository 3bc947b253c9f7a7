/** Lists as sets. Upstream: cel-go ext/sets.go. */
import { sizeOf } from '../cost.ts'
import { equals } from '../equality.ts'
import { type CelLibrary, define } from '../functions.ts'
import type { CelList, CelValue } from '../values.ts'

function has(list: CelList, wanted: CelValue): boolean {
  for (const element of list) if (equals(element, wanted)) return true
  return false
}

function contains(list: CelList, part: CelList): boolean {
  for (const element of part) if (!has(list, element)) return false
  return true
}

function intersects(a: CelList, b: CelList): boolean {
  for (const element of b) if (has(a, element)) return true
  return false
}

/** Each element may be compared with each. */
const product =
  (times: number) =>
  ([a, b]: readonly CelValue[]): number =>
    1 + sizeOf(a) * sizeOf(b) * times

export const SETS_LIBRARY: CelLibrary = {
  overloads: [
    define('sets.contains(list(T), list(T)): bool', contains, product(1)),
    define(
      'sets.equivalent(list(T), list(T)): bool',
      (a: CelList, b: CelList) => contains(a, b) && contains(b, a),
      product(2),
    ),
    define('sets.intersects(list(T), list(T)): bool', intersects, product(1)),
  ],
}
