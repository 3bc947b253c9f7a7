/**
 * Rows of custom resources by the CRD's printer columns.
 * Upstream: apiextensions-apiserver pkg/registry/customresource/tableconvertor.
 */
import type { CustomResourceColumnDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { compileJsonPath } from '#machinery/jsonpath/simple.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TableColumn, TableConvertor } from '../../registry/generic/interfaces.ts'
import { humanDuration } from './age.ts'

type Column = DeepReadonly<CustomResourceColumnDefinition>
type FindAll = (object: unknown) => readonly unknown[]

const AGE: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description:
    'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations.',
}

const NAME_COLUMN: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
}

export function customResourceTable(columns: readonly Column[] | undefined): TableConvertor {
  const shown = columns === undefined || columns.length === 0 ? [AGE] : columns
  let finders: readonly FindAll[] | undefined
  return {
    columns: [NAME_COLUMN, ...shown.map(headerOf)],
    cells(object, now) {
      finders ??= shown.map(finderOf)
      const cells: unknown[] = [object.metadata.name ?? '']
      finders.forEach((find, i) => {
        cells.push(cellOf(find(object)[0], shown[i]?.type ?? 'string', now))
      })
      return cells
    },
  }
}

function headerOf(column: Column): TableColumn {
  return {
    name: column.name,
    type: column.type as TableColumn['type'],
    format: column.format ?? '',
    description: column.description || `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
    priority: column.priority ?? 0,
  }
}

/** A path that cannot be parsed shows nothing; it must not hide the other columns. */
function finderOf(column: Column): FindAll {
  try {
    return compileJsonPath(column.jsonPath)
  } catch {
    return () => []
  }
}

function cellOf(value: unknown, type: string, now: Date): unknown {
  if (value === undefined) return null
  if (value === null) return type === 'string' ? '<no value>' : null
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? ageOf(value, now) : null
    default:
      return typeof value === 'object' ? jsonAsGo(value) : String(value)
  }
}

/** Members in order of their names, what HTML might take for its own escaped. */
function jsonAsGo(value: unknown): string {
  return JSON.stringify(value, sortMembers).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function sortMembers(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

function ageOf(timestamp: string, now: Date): string {
  if (timestamp === '' || timestamp === 'null') return '<unknown>'
  if (!RFC_3339.test(timestamp)) return '<invalid>'
  const time = Date.parse(timestamp)
  return Number.isNaN(time) ? '<invalid>' : humanDuration(now.getTime() - time)
}
