/**
 * Objects as meta.k8s.io Tables, for `kubectl get`. Kinds without columns of their own get Name and Created At.
 * Upstream: apiserver pkg/registry/rest/table.go, pkg/endpoints/handlers/response.go.
 */
import type { KubeObject, ListMeta } from '#machinery/api/meta/v1.ts'
import { newInvalid } from '#machinery/meta/errors.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TableColumn, TableConvertor } from '../../registry/generic/interfaces.ts'
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
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object?: unknown }[]
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
  throw newInvalid({ group: 'meta.k8s.io', kind: 'TableOptions' }, '', [error])
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
    rows: items.map((item) => {
      const object = scope.presenter.object(item)
      const cells = convertor.cells(object, options.now)
      if (options.includeObject === 'None') return { cells, object: null }
      if (options.includeObject === 'Object') return { cells, object }
      return { cells, object: partialMetadata(object, options.metaVersion) }
    }),
  }
}

export function partialMetadata(object: DeepReadonly<KubeObject>, metaVersion: string): DeepReadonly<KubeObject> {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata: object.metadata }
}
