// sprig's list functions. Upstream: sprig v3.3.0 list.go, numeric.go (until…).

import { GoError } from '../gotypes/error.ts'
import { deepEqual } from '../gotypes/equal.ts'
import { kindOf } from '../gotypes/kind.ts'
import { isEmpty } from '../gotypes/truth.ts'
import { defineFunc, type GoFunc, GoInt, GoSlice, type GoValue, int, sliceItems } from '../gotypes/value.ts'

const MAX_SEQUENCE = 1_000_000

function itemsOf(action: string, list: GoValue): readonly GoValue[] {
  const items = sliceItems(list)
  if (items === undefined) throw new GoError(`Cannot ${action} on type ${kindOf(list)}`)
  return items
}

function sequence(start: number, stop: number, step: number): number[] {
  const numbers: number[] = []
  if (stop < start ? step >= 0 : step <= 0) return numbers
  for (let i = start; stop < start ? i > stop : i < stop; i += step) {
    if (numbers.push(i) > MAX_SEQUENCE) throw new GoError('sequence too long')
  }
  return numbers
}

function ints(numbers: readonly number[]): GoSlice {
  return new GoSlice('[]int', numbers.map(int))
}

function seq(...params: GoInt[]): string {
  const [a, b, c] = params.map((param) => Number(typeof param === 'number' ? param : param.value))
  if (a === undefined || params.length > 3) return ''
  if (b === undefined) return sequence(1, a + (a < 1 ? -1 : 1), a < 1 ? -1 : 1).join(' ')
  if (c === undefined) return sequence(a, b + (b < a ? -1 : 1), b < a ? -1 : 1).join(' ')
  if (c < a && b > 0) return ''
  return sequence(a, c + (c < a ? -1 : 1), b).join(' ')
}

function slice(list: GoValue, ...indices: GoValue[]): GoValue {
  const items = sliceItems(list)
  if (items === undefined) throw new GoError(`list should be type of slice or array but ${kindOf(list)}`)
  if (items.length === 0) return null
  const [start = 0, end = items.length] = indices.map(toIndex)
  if (end > items.length || start > end || start < 0)
    throw new GoError('reflect.Value.Slice: slice index out of bounds')
  const part = items.slice(start, end)
  return list instanceof GoSlice ? new GoSlice(list.goType, part) : part
}

function toIndex(value: GoValue): number {
  return value instanceof GoInt
    ? Number(value.value)
    : typeof value === 'number'
      ? Math.trunc(value)
      : Number(value) || 0
}

function chunk(size: number, list: GoValue): GoValue {
  const items = itemsOf('chunk type', list)
  const chunks: GoValue[] = []
  for (let i = 0; i < items.length; i += Math.max(size, 1)) chunks.push(items.slice(i, i + Math.max(size, 1)))
  return new GoSlice('[][]interface {}', chunks.length === 0 ? [] : chunks)
}

function uniq(list: GoValue): GoValue {
  const out: GoValue[] = []
  const seen = new Set<GoValue>()
  for (const item of itemsOf('find uniq', list)) {
    const isScalar = typeof item !== 'object'
    if (isScalar ? seen.has(item) : out.some((other) => deepEqual(other, item))) continue
    if (isScalar) seen.add(item)
    out.push(item)
  }
  return out
}

function has(needle: GoValue, haystack: GoValue): boolean {
  if (haystack === null || haystack === undefined) return false
  const items = sliceItems(haystack)
  if (items === undefined) throw new GoError(`Cannot find has on type ${kindOf(haystack)}`)
  return items.some((item) => deepEqual(item, needle))
}

function concat(...lists: GoValue[]): GoValue {
  return lists.flatMap((list) => {
    const items = sliceItems(list)
    if (items === undefined) throw new GoError(`Cannot concat type ${kindOf(list)} as list`)
    return [...items]
  })
}

type Definition = readonly [name: string, signature: string, impl: (...args: never[]) => unknown]

const LIST_DEFINITIONS: readonly Definition[] = [
  ['first', 'any', (list: GoValue) => itemsOf('find first', list)[0] ?? null],
  ['last', 'any', (list: GoValue) => itemsOf('find last', list).at(-1) ?? null],
  ['rest', 'any', (list: GoValue) => tail(itemsOf('find rest', list), 1, undefined)],
  ['initial', 'any', (list: GoValue) => tail(itemsOf('find initial', list), 0, -1)],
  ['append', 'any, any', (list: GoValue, value: GoValue) => [...itemsOf('push', list), value]],
  ['push', 'any, any', (list: GoValue, value: GoValue) => [...itemsOf('push', list), value]],
  ['prepend', 'any, any', (list: GoValue, value: GoValue) => [value, ...itemsOf('prepend', list)]],
  ['reverse', 'any', (list: GoValue) => [...itemsOf('find reverse', list)].reverse()],
  ['uniq', 'any', uniq],
  [
    'without',
    'any, ...any',
    (list: GoValue, ...omit: GoValue[]) =>
      itemsOf('find without', list).filter((item) => !omit.some((other) => deepEqual(item, other))),
  ],
  ['has', 'any, any', has],
  ['slice', 'any, ...any', slice],
  ['chunk', 'int, any', chunk],
  ['compact', 'any', (list: GoValue) => itemsOf('compact', list).filter((item) => !isEmpty(item))],
]

function tail(items: readonly GoValue[], start: number, end: number | undefined): GoValue {
  return items.length === 0 ? null : items.slice(start, end)
}

const RESULTS: ReadonlyMap<string, string> = new Map([['has', 'bool']])

function mustName(name: string): string {
  return `must${name[0]?.toUpperCase()}${name.slice(1)}`
}

export const LIST_FUNCTIONS: readonly GoFunc[] = [
  defineFunc('list', '...any', 'list', (...items: GoValue[]) => items),
  defineFunc('tuple', '...any', 'list', (...items: GoValue[]) => items),
  defineFunc('concat', '...any', 'any', concat),
  defineFunc('until', 'int', '[]int', (count: number) => ints(sequence(0, count, count < 0 ? -1 : 1))),
  defineFunc('untilStep', 'int, int, int', '[]int', (start: number, stop: number, step: number) =>
    ints(sequence(start, stop, step)),
  ),
  defineFunc('seq', '...int', 'string', seq),
  ...LIST_DEFINITIONS.flatMap(([name, signature, impl]) =>
    [name, mustName(name)].map((each) => defineFunc(each, signature, RESULTS.get(name) ?? 'any', impl)),
  ),
]
