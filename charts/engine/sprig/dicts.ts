// sprig's dictionary and default functions. Upstream: sprig v3.3.0 dict.go, defaults.go, mergo v1.

import { GoError } from '../gotypes/error.ts'
import { typeOf } from '../gotypes/kind.ts'
import { isEmpty } from '../gotypes/truth.ts'
import { sortedKeys } from '../gotypes/utf8.ts'
import {
  defineFunc,
  type GoFunc,
  type GoMap,
  GoObject,
  GoSlice,
  type GoValue,
  isMap,
  TypedMap,
} from '../gotypes/value.ts'
import { strval } from './text.ts'

function dict(...pairs: GoValue[]): GoMap {
  const map: GoMap = new Map()
  for (let i = 0; i < pairs.length; i += 2)
    map.set(strval(pairs[i]), i + 1 < pairs.length ? (pairs[i + 1] ?? null) : '')
  return map
}

function set(map: GoMap, key: string, value: GoValue): GoMap {
  map.set(key, value ?? null)
  return map
}

function unset(map: GoMap, key: string): GoMap {
  map.delete(key)
  return map
}

function pluck(key: string, ...maps: GoMap[]): GoValue {
  return maps.filter((map) => map.has(key)).map((map) => map.get(key))
}

function pick(map: GoMap, ...names: string[]): GoMap {
  const out: GoMap = new Map()
  for (const name of names) if (map.has(name)) out.set(name, map.get(name))
  return out
}

function omit(map: GoMap, ...names: string[]): GoMap {
  const out: GoMap = new Map(map)
  for (const name of names) out.delete(name)
  return out
}

/** Go's order is random; sorted keys are one of the orders it may give. */
function keys(...maps: GoMap[]): GoSlice {
  return new GoSlice('[]string', maps.flatMap(sortedKeys))
}

function values(map: GoMap): GoValue {
  return sortedKeys(map).map((key) => map.get(key))
}

function dig(...args: GoValue[]): GoValue {
  if (args.length < 3) throw new GoError('dig needs at least three arguments')
  let current = args[args.length - 1]
  const fallback = args[args.length - 2]
  for (const step of args.slice(0, -2)) {
    if (typeof step !== 'string') throw new GoError(`interface conversion: interface {} is ${typeOf(step)}, not string`)
    if (!isMap(current))
      throw new GoError(`interface conversion: interface {} is ${conversionType(current)}, not map[string]interface {}`)
    if (!current.has(step)) return fallback
    current = current.get(step)
  }
  return current
}

function conversionType(value: GoValue): string {
  return value === null || value === undefined ? 'nil' : typeOf(value)
}

/** mergo.Merge: what is empty in dst is filled from src; nested source maps are shared, not copied. */
function fill(dst: GoMap, src: GoMap): void {
  for (const [key, value] of src) {
    if (value === null || value === undefined) continue
    const current = dst.get(key)
    if (isMap(current) && isMap(value)) {
      if (current.size === 0 && value.size > 0) {
        // An empty destination map is filled in place by the recursive merge.
        fill(current, value)
      } else fill(current, value)
      continue
    }
    if (!dst.has(key) || isEmpty(current)) {
      if (isEmpty(value) && dst.has(key) && current !== null) continue
      dst.set(key, value)
    }
  }
}

/** mergo.MergeWithOverwrite: the source wins, also with empty values. */
function overwrite(dst: GoMap, src: GoMap): void {
  for (const [key, value] of src) {
    const current = dst.get(key)
    if (isMap(current) && isMap(value)) overwrite(current, value)
    else dst.set(key, value)
  }
}

function merge(dst: GoMap, ...sources: GoMap[]): GoValue {
  for (const source of sources) if (source !== null) fill(dst, source)
  return dst
}

function mergeOverwrite(dst: GoMap, ...sources: GoMap[]): GoValue {
  for (const source of sources) if (source !== null) overwrite(dst, source)
  return dst
}

export function deepCopy(value: GoValue): GoValue {
  if (Array.isArray(value)) return value.map(deepCopy)
  if (value instanceof GoSlice) return new GoSlice(value.goType, value.items.map(deepCopy))
  if (isMap(value)) {
    const copy = value instanceof TypedMap ? new TypedMap(value.goType, value.zero) : new Map<string, GoValue>()
    for (const [key, item] of value) copy.set(key, deepCopy(item))
    return copy
  }
  return value
}

function mustDeepCopy(value: GoValue): GoValue {
  if (value === null || value === undefined)
    throw new GoError('deepCopy error: reflect: call of reflect.Value.Type on zero Value')
  return value instanceof GoObject ? value : deepCopy(value)
}

export const DICT_FUNCTIONS: readonly GoFunc[] = [
  defineFunc('dict', '...any', 'map', dict),
  defineFunc(
    'get',
    'map, string',
    'any',
    (map: GoMap | null, key: string) => map?.get(key) ?? (map?.has(key) === true ? null : ''),
  ),
  defineFunc('set', 'map, string, any', 'map', set),
  defineFunc('unset', 'map, string', 'map', unset),
  defineFunc('hasKey', 'map, string', 'bool', (map: GoMap | null, key: string) => map?.has(key) ?? false),
  defineFunc('pluck', 'string, ...map', 'list', pluck),
  defineFunc('keys', '...map', '[]string', keys),
  defineFunc('values', 'map', 'list', values),
  defineFunc('pick', 'map, ...string', 'map', pick),
  defineFunc('omit', 'map, ...string', 'map', omit),
  defineFunc('dig', '...any', 'any', dig),
  defineFunc('merge', 'map, ...map', 'any', merge),
  defineFunc('mustMerge', 'map, ...map', 'any', merge),
  defineFunc('mergeOverwrite', 'map, ...map', 'any', mergeOverwrite),
  defineFunc('mustMergeOverwrite', 'map, ...map', 'any', mergeOverwrite),
  defineFunc('deepCopy', 'any', 'any', mustDeepCopy),
  defineFunc('mustDeepCopy', 'any', 'any', mustDeepCopy),
  defineFunc('default', 'any, ...any', 'any', (fallback: GoValue, ...given: GoValue[]) =>
    isEmpty(given[0]) ? fallback : given[0],
  ),
  defineFunc('empty', 'any', 'bool', isEmpty),
  defineFunc('coalesce', '...any', 'any', (...args: GoValue[]) => args.find((arg) => !isEmpty(arg)) ?? null),
  defineFunc('all', '...any', 'bool', (...args: GoValue[]) => args.every((arg) => !isEmpty(arg))),
  defineFunc('any', '...any', 'bool', (...args: GoValue[]) => args.some((arg) => !isEmpty(arg))),
  defineFunc('ternary', 'any, any, bool', 'any', (yes: GoValue, no: GoValue, condition: boolean) =>
    condition ? yes : no,
  ),
]
