/** Slicing, sorting and the like. Upstream: cel-go ext/lists.go, version 3. */
import { LIST_COST, sizeOf } from '../cost.ts'
import { compare, equals } from '../equality.ts'
import { type CelLibrary, define, defineMember } from '../functions.ts'
import type { Macro } from '../macros.ts'
import { collect, variableName } from '../macros.ts'
import { ArrayList, CelList, type CelValue, EvaluationError, typeNameOf } from '../values.ts'

const SORTABLE = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes']

function slice(list: CelList, start: bigint, end: bigint): CelList {
  const refused = (why: string): EvaluationError => new EvaluationError(`cannot slice(${start}, ${end}), ${why}`)
  if (start < 0n || end < 0n) throw refused('negative indexes not supported')
  if (start > end) throw refused('start index must be less than or equal to end index')
  if (end > BigInt(list.size)) throw refused(`list is length ${list.size}`)
  return new ArrayList([...list].slice(Number(start), Number(end)))
}

function flatten(list: CelList, depth: bigint): CelList {
  if (depth < 0n) throw new EvaluationError('level must be non-negative')
  const values: CelValue[] = []
  const add = (from: CelList, levels: bigint): void => {
    for (const value of from) {
      if (value instanceof CelList && levels > 0n) add(value, levels - 1n)
      else values.push(value)
    }
  }
  add(list, depth)
  return new ArrayList(values)
}

/** Elements at most, whatever the cost limit. */
const RANGE_MAX = 10_000_000n

function range(size: bigint): CelList {
  if (size > RANGE_MAX) throw new EvaluationError(`cannot make a list of ${size} elements`)
  return new ArrayList(Array.from({ length: Math.max(0, Number(size)) }, (_, i) => BigInt(i)))
}

function distinct(list: CelList): CelList {
  const values: CelValue[] = []
  for (const value of list) if (!values.some((known) => equals(known, value))) values.push(value)
  return new ArrayList(values)
}

function sortByKeys(list: CelList, keys: CelList): CelList {
  if (list.size !== keys.size) {
    const sizes = `got ${list.size} and ${keys.size} elements respectively`
    throw new EvaluationError(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but ${sizes}`,
    )
  }
  const pairs = [...list].map((value, i) => [value, keys.at(i) as CelValue] as const)
  const [first] = pairs
  if (first === undefined) return list
  const type = typeNameOf(first[1])
  if (pairs.some(([, key]) => typeNameOf(key) !== type))
    throw new EvaluationError('list elements must have the same type')
  if (compare(first[1], first[1]) === undefined) throw new EvaluationError('list elements must be comparable')
  return new ArrayList(pairs.sort(([, a], [, b]) => compare(a, b) ?? 0).map(([value]) => value))
}

const ofResult = (_: readonly CelValue[], result: CelValue): number => 1 + LIST_COST + sizeOf(result)

/** As if every element was compared with every other. */
const selfComparison =
  (index: number) =>
  (args: readonly CelValue[]): number => {
    const list = args[index] as CelList
    const first = list.at(0)
    const factor = typeof first === 'string' || first instanceof Uint8Array ? 2.1 : 2
    return 1 + LIST_COST + Math.floor(list.size * list.size * factor)
  }

const INPUT = '@__sortBy_input__'

const SORT_BY: Macro = {
  name: 'sortBy',
  argumentCount: 2,
  isMember: true,
  expand: (call) => {
    const { build, args, target } = call
    const [declared, key = target] = args
    const variables = { variable: variableName(declared, 'argument is not an identifier'), secondVariable: undefined }
    const keys = collect({ ...call, target: build.ident(INPUT) }, variables, key, undefined)
    return build.fold({
      range: build.list(),
      variable: '#unused',
      secondVariable: undefined,
      accumulator: INPUT,
      initial: target,
      condition: build.literal(false),
      step: build.ident(INPUT),
      result: build.memberCall(build.ident(INPUT), '@sortByAssociatedKeys', keys),
    })
  },
}

export const LISTS_LIBRARY: CelLibrary = {
  overloads: [
    defineMember('list(T).slice(int, int): list(T)', slice, ofResult),
    defineMember('list(list(T)).flatten(): list(T)', (list: CelList) => flatten(list, 1n), ofResult),
    defineMember('list(dyn).flatten(int): list(dyn)', flatten, ofResult),
    ...SORTABLE.flatMap((type) => [
      defineMember(`list(${type}).sort(): list(${type})`, (list: CelList) => sortByKeys(list, list), selfComparison(0)),
      defineMember(`list(T).@sortByAssociatedKeys(list(${type})): list(T)`, sortByKeys, selfComparison(1)),
    ]),
    define('lists.range(int): list(int)', range, ([size]) => 1 + LIST_COST + Math.max(0, Number(size))),
    defineMember('list(T).reverse(): list(T)', (list: CelList) => new ArrayList([...list].reverse()), ofResult),
    defineMember('list(T).distinct(): list(T)', distinct, selfComparison(0)),
  ],
  macros: [SORT_BY],
}
