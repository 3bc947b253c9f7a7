/**
 * Objects as meta.k8s.io Tables, for `kubectl get`. Kinds without columns of their own get Name and Created At.
 * Upstream: apiserver pkg/registry/rest/table.go, pkg/endpoints/handlers/response.go.
 */
import type { KubeObject, ListMeta } from '#machinery/api/meta/v1.ts'
import { newBadRequest } from '#machinery/meta/errors.ts'
import { fieldErrorString, fieldInvalid } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TableColumn, TableConvertor, TableRowCondition } from '../../registry/generic/interfaces.ts'
import type { CachedObject } from '../../storage/cacher/interface.ts'
import type { EndpointScope } from '../interfaces.ts'

export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface TableOptions {
  readonly includeObject: IncludeObject
  readonly metaVersion: 'v1' | 'v1beta1'
  readonly now: Date
  /** Watches send the columns with their first event only. */
  readonly hasColumns: boolean
}

interface Table {
  readonly kind: 'Table'
  readonly apiVersion: string
  readonly metadata: ListMeta
  readonly columnDefinitions: readonly TableColumn[]
  readonly rows: readonly Row[]
}

interface Row {
  readonly cells: readonly unknown[]
  readonly conditions?: readonly TableRowCondition[]
  readonly object?: unknown
}

const NAME_AND_AGE: TableConvertor = {
  columns: [
    {
      name: 'Name',
      type: 'string',
      format: 'name',
      description: 'Name of the object, unique within its namespace.',
      priority: 0,
    },
    { name: 'Created At', type: 'date', format: '', description: 'When the server created the object.', priority: 0 },
  ],
  cells: (object) => [object.metadata.name ?? '', object.metadata.creationTimestamp ?? null],
}

export function parseIncludeObject(value: string): IncludeObject {
  if (value === '') return 'Metadata'
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value
  const error = fieldInvalid('includeObject', value, "must be 'Metadata', 'Object', 'None', or empty")
  throw newBadRequest(`Unable to convert to Table as requested: ${fieldErrorString(error)}`)
}

export function toTable(
  scope: EndpointScope,
  items: readonly CachedObject[],
  metadata: ListMeta,
  options: TableOptions,
): Table {
  const convertor = scope.version.table ?? NAME_AND_AGE
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.metaVersion}`,
    metadata,
    columnDefinitions: options.hasColumns ? convertor.columns : [],
    rows: inRowOrder(convertor, items).map((item) => toRow(convertor, scope.presenter.object(item), options)),
  }
}

/** Of one value that is no stored object: a Scale. */
export function valueTable(
  convertor: TableConvertor = NAME_AND_AGE,
  object: DeepReadonly<KubeObject>,
  options: TableOptions,
): Table {
  const { resourceVersion } = object.metadata
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.metaVersion}`,
    metadata: resourceVersion === undefined ? {} : { resourceVersion },
    columnDefinitions: convertor.columns,
    rows: [toRow(convertor, object, options)],
  }
}

function inRowOrder({ compare }: TableConvertor, items: readonly CachedObject[]): readonly CachedObject[] {
  return compare === undefined ? items : [...items].sort((a, b) => compare(a.object, b.object))
}

function toRow(convertor: TableConvertor, object: DeepReadonly<KubeObject>, options: TableOptions): Row {
  const cells = convertor.cells(object, options.now)
  const conditions = convertor.conditions?.(object)
  const row = conditions === undefined ? { cells } : { cells, conditions }
  if (options.includeObject === 'None') return { ...row, object: null }
  if (options.includeObject === 'Object') return { ...row, object }
  return { ...row, object: partialMetadata(object, options.metaVersion) }
}

export function partialMetadata(object: DeepReadonly<KubeObject>, metaVersion: string): DeepReadonly<KubeObject> {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata: object.metadata }
}
