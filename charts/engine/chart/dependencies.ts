// Which subcharts take part, under which names, and the values they export to their parents.
// Upstream: helm pkg/chart/v2/util/dependencies.go.

import { formatValue } from '../gofmt/print.ts'
import { type GoMap, type GoValue, isMap } from '../gotypes/value.ts'
import { checkConstraints, parseConstraints } from '../semver/constraints.ts'
import { tryParseVersion } from '../semver/version.ts'
import { deepCopy } from '../sprig/dicts.ts'
import type { Chart, ChartDependency } from './types.ts'
import { coalesceTables, coalesceValues, mergeChartValues, tableAt, valueAt } from './values.ts'

/** A new chart tree holding only what is enabled for these values; the input is not changed. */
export function processDependencies(chart: Chart, values: GoMap): Chart {
  return importValues(enable(chart, values, ''))
}

export function isCompatibleRange(constraint: string, version: string): boolean {
  const parsed = tryParseVersion(version)
  if (parsed === undefined) return false
  try {
    return checkConstraints(parseConstraints(constraint), parsed)
  } catch {
    return false
  }
}

function enable(chart: Chart, values: GoMap, path: string): Chart {
  const declared = chart.metadata.dependencies
  if (declared.length === 0) return chart
  const present: Chart[] = chart.dependencies.filter(
    (existing) =>
      !declared.some(
        (one) => existing.metadata.name === one.name && isCompatibleRange(one.version, existing.metadata.version),
      ),
  )
  const renamed: ChartDependency[] = []
  for (const one of declared) {
    const found = chart.dependencies.find(
      (each) => each.metadata.name === one.name && isCompatibleRange(one.version, each.metadata.version),
    )
    if (found !== undefined)
      present.push(one.alias === '' ? found : { ...found, metadata: { ...found.metadata, name: one.alias } })
    renamed.push({ ...one, name: one.alias === '' ? one.name : one.alias, enabled: true })
  }
  const all: Chart = { ...chart, dependencies: present }
  const coalesced = coalesceValues(all, values)
  const decided = renamed.map((one) => ({ ...one, enabled: isEnabled(one, coalesced, path) }))
  const removed = new Set(decided.filter((one) => !one.enabled).map((one) => one.name))
  const dependencies = present
    .filter((one) => !removed.has(one.metadata.name))
    .map((one) => enable(one, coalesced, `${path}${one.metadata.name}.`))
  return {
    ...chart,
    dependencies,
    metadata: { ...chart.metadata, dependencies: decided.filter((one) => !removed.has(one.name)) },
  }
}

/** A condition beats tags; the first path of it that holds a bool decides. */
function isEnabled(dependency: ChartDependency, values: GoMap, path: string): boolean {
  let enabled = isEnabledByTags(dependency, values)
  for (const condition of dependency.condition.trim().split(',')) {
    const value = condition === '' ? undefined : valueAt(values, path + condition)
    if (typeof value === 'boolean') {
      enabled = value
      break
    }
  }
  return enabled
}

function isEnabledByTags(dependency: ChartDependency, values: GoMap): boolean {
  const tags = tableAt(values, 'tags')
  const flags = dependency.tags.map((tag) => tags?.get(tag)).filter((flag) => typeof flag === 'boolean')
  return flags.length === 0 || flags.includes(true)
}

function importValues(chart: Chart): Chart {
  const withChildren: Chart = { ...chart, dependencies: chart.dependencies.map(importValues) }
  const declared = chart.metadata.dependencies
  if (declared.length === 0) return withChildren
  const values = mergeChartValues(withChildren, new Map())
  const imported: GoMap = new Map()
  const dependencies = declared.map((dependency) => ({
    ...dependency,
    importValues: dependency.importValues.flatMap((entry) => importOne(dependency.name, entry, values, imported)),
  }))
  // What a parent sets itself wins over what it imports.
  const merged = coalesceTables(deepCopy(values) as GoMap, imported, true)
  return { ...withChildren, values: merged, metadata: { ...chart.metadata, dependencies } }
}

/** The normalised entry, or nothing when it is neither a name nor a pair. */
function importOne(name: string, entry: GoValue, values: GoMap, imported: GoMap): GoValue[] {
  let child: string
  let parent: string
  if (typeof entry === 'string') {
    child = `exports.${entry}`
    parent = '.'
  } else if (isMap(entry)) {
    child = formatValue(entry.get('child'))
    parent = formatValue(entry.get('parent'))
  } else return []
  const table = tableAt(values, `${name}.${child}`)
  if (table !== undefined) coalesceTables(imported, nest(parent, deepCopy(table) as GoMap), true)
  return [
    new Map<string, GoValue>([
      ['child', child],
      ['parent', parent],
    ]),
  ]
}

function nest(path: string, table: GoMap): GoMap {
  if (path === '.') return table
  return path.split('.').reduceRight<GoMap>((inner, name) => new Map<string, GoValue>([[name, inner]]), table)
}
