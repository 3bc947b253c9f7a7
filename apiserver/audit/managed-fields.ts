/** Objects, lists and tables as they are recorded where the policy leaves out who owns which field. Nothing is changed or copied deeply. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export function objectWithoutManagedFields(object: DeepReadonly<KubeObject>): object {
  if (object.metadata.managedFields === undefined) return object
  return { ...object, metadata: { ...object.metadata, managedFields: undefined } }
}

/** Anything with a kind. */
export function withoutManagedFields(value: Readonly<Record<string, unknown>>): object {
  const { items, rows } = value
  if (Array.isArray(items)) return { ...value, items: items.map(stripped) }
  if (value['kind'] === 'Table' && Array.isArray(rows)) {
    return { ...value, rows: rows.map((row) => (isObject(row) ? { ...row, object: stripped(row['object']) } : row)) }
  }
  return stripped(value) as object
}

function stripped(value: unknown): unknown {
  return isObject(value) && isObject(value['metadata'])
    ? objectWithoutManagedFields(value as unknown as KubeObject)
    : value
}
