// Merging and coalescing of values. Upstream: helm pkg/chart/common/util/coalesce.go, loader.MergeMaps (e9b85e4).

import { GoError } from '../gotypes/error.ts'
import { type GoMap, type GoValue, isMap } from '../gotypes/value.ts'
import { deepCopy } from '../sprig/dicts.ts'
import type { Chart } from './types.ts'

const GLOBAL = 'global'

/** A new map: b over a, maps merged recursively; neither input is changed. */
export function mergeValues(a: GoMap, b: GoMap): GoMap {
  const out: GoMap = new Map(a)
  for (const [key, value] of b) {
    const existing = out.get(key)
    out.set(key, isMap(value) && isMap(existing) ? mergeValues(existing, value) : value)
  }
  return out
}

/** User values completed with the defaults of a chart and its subcharts; null deletes a default. */
export function coalesceValues(chart: Chart, values: GoMap): GoMap {
  return coalesce(chart, deepCopy(values) as GoMap, false)
}

/** The same, but nulls are kept for a later coalescing. */
export function mergeChartValues(chart: Chart, values: GoMap): GoMap {
  return coalesce(chart, deepCopy(values) as GoMap, true)
}

function coalesce(chart: Chart, target: GoMap, merge: boolean): GoMap {
  coalesceChart(chart, target, merge)
  for (const subchart of chart.dependencies) {
    const { name } = subchart.metadata
    if (!target.has(name)) target.set(name, new Map())
    const own = target.get(name)
    if (!isMap(own)) throw new GoError(`type mismatch on ${name}: ${typeMismatch(own)}`)
    coalesceGlobals(own, target)
    target.set(name, coalesce(subchart, own, merge))
  }
  return target
}

/** Helm prints the value with %t. */
function typeMismatch(value: GoValue): string {
  if (typeof value === 'boolean') return String(value)
  if (value === null || value === undefined) return '%!t(<nil>)'
  return typeof value === 'string'
    ? `%!t(string=${value})`
    : typeof value === 'number'
      ? `%!t(float64=${value})`
      : '%!t([]interface {}=[])'
}

function coalesceGlobals(target: GoMap, source: GoMap): void {
  const own = target.has(GLOBAL) ? target.get(GLOBAL) : new Map<string, GoValue>()
  const parent = source.has(GLOBAL) ? source.get(GLOBAL) : new Map<string, GoValue>()
  // A global that is not a table is left alone.
  if (!isMap(own) || !isMap(parent)) return
  for (const [key, value] of parent) {
    const existing = own.get(key)
    if (isMap(value)) {
      const copy: GoMap = new Map(value)
      if (!own.has(key)) own.set(key, copy)
      else if (isMap(existing)) {
        coalesceTables(copy, existing, true)
        own.set(key, copy)
      }
    } else if (!isMap(existing)) own.set(key, value)
  }
  target.set(GLOBAL, own)
}

function coalesceChart(chart: Chart, target: GoMap, merge: boolean): void {
  const defaults = deepCopy(chart.values) as GoMap
  for (const [key, value] of defaults) {
    if (!target.has(key)) {
      if (!merge) {
        if (value === null) continue
        if (isMap(value)) dropNulls(value)
      }
      target.set(key, value)
      continue
    }
    const current = target.get(key)
    if (current === null && !merge) target.delete(key)
    else if (isMap(current) && isMap(value)) {
      const isSubchart = chart.dependencies.some((subchart) => subchart.metadata.name === key)
      if (!merge && !isSubchart) dropNulls(value)
      coalesceTables(current, value, merge || isSubchart)
    }
  }
}

/** Fills `target` from `source`; what the target has wins, and without merge its nulls delete. */
export function coalesceTables(target: GoMap, source: GoMap, merge: boolean): GoMap {
  const nonNull = new Set<string>()
  for (const [key, value] of source) if (value !== null) nonNull.add(key)
  for (const [key, value] of target) if (value === null) source.set(key, null)
  for (const [key, value] of source) {
    const current = target.get(key)
    if (!target.has(key)) target.set(key, value)
    else if (!merge && current === null && nonNull.has(key)) target.delete(key)
    else if (isMap(value) && isMap(current)) coalesceTables(current, value, merge)
  }
  return target
}

function dropNulls(map: GoMap): void {
  for (const [key, value] of map) {
    if (value === null) map.delete(key)
    else if (isMap(value)) dropNulls(value)
  }
}

/** Values.Table: the map at a dotted path, undefined when any step is not a map. */
export function tableAt(values: GoMap, path: string): GoMap | undefined {
  let current: GoValue = values
  for (const name of path.split('.')) {
    if (!isMap(current)) return undefined
    current = current.get(name)
  }
  return isMap(current) ? current : undefined
}

/** Values.PathValue: a value that is not a table, at a dotted path. */
export function valueAt(values: GoMap, path: string): GoValue {
  if (path === '') return undefined
  const dot = path.lastIndexOf('.')
  const table = dot < 0 ? values : tableAt(values, path.slice(0, dot))
  const value = table?.get(path.slice(dot + 1))
  return isMap(value) ? undefined : value
}
