/** Of a converted object's metadata only labels and annotations count. Upstream: webhook_converter.go restoreObjectMeta. */
import type { ObjectMeta } from '#machinery/api/meta/v1.ts'
import { isObject } from '#machinery/util/json.ts'

/** Throws an Error when labels or annotations are not maps of strings. `original` is a copy to be changed. */
export function restoreMetadata(original: ObjectMeta, converted: Record<string, unknown>): ObjectMeta {
  for (const field of ['labels', 'annotations'] as const) {
    const value = converted[field]
    if (value === undefined || value === null) {
      delete original[field]
      continue
    }
    if (!isObject(value)) throw new Error(`invalid metadata.${field} of type ${typeof value} in converted object`)
    for (const [key, text] of Object.entries(value)) {
      if (typeof text === 'string') continue
      throw new Error(`metadata.${field}[${key}] must be a string, but is ${typeof text} in converted object`)
    }
    original[field] = value as Record<string, string>
  }
  return original
}
