/**
 * JSON merge patch (RFC 7386) and the two- and three-way diffs that produce one.
 * Upstream: evanphx/json-patch merge.go, apimachinery pkg/util/jsonmergepatch/patch.go.
 */
import { newBadRequest } from '#machinery/meta/errors.ts'
import { deepCopy, deepEqual, isObject, setMember } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'

/** The patched document; neither argument is changed and the result shares nothing with them. */
export function applyMergePatch(document: JsonValue, patch: JsonValue): JsonValue {
  if (typeof patch !== 'object' || patch === null) throw newBadRequest('Invalid JSON Patch')
  if (Array.isArray(patch) || !isObject(document)) return withoutNulls(patch)
  return mergeObjects(document, patch)
}

function mergeObjects(document: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = {}
  for (const key of Object.keys(document)) {
    if (!Object.hasOwn(patch, key)) setMember(merged, key, deepCopy<JsonValue>(document[key] as JsonValue))
    else if (patch[key] !== null) setMember(merged, key, mergeValue(document[key], patch[key] as JsonValue))
  }
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === null || value === undefined || Object.hasOwn(document, key)) continue
    setMember(merged, key, withoutNulls(value))
  }
  return merged
}

function mergeValue(current: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) {
    // Upstream prunes nulls out of an array only where there was nothing to replace.
    return Array.isArray(patch) && current !== null && current !== undefined
      ? deepCopy<JsonValue>(patch)
      : withoutNulls(patch)
  }
  return isObject(current) ? mergeObjects(current as JsonObject, patch as JsonObject) : withoutNulls(patch)
}

/** A copy without null members; null elements of arrays stay. */
function withoutNulls(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutNulls)
  const copy: JsonObject = {}
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member !== null && member !== undefined) setMember(copy, key, withoutNulls(member))
  }
  return copy
}

/** The merge patch that turns `from` into `to`. Arrays are replaced whole. */
export function createMergePatch(from: JsonObject, to: JsonObject): JsonObject {
  const patch: JsonObject = {}
  for (const key of Object.keys(to)) {
    const value = to[key] as JsonValue
    const previous = Object.hasOwn(from, key) ? from[key] : undefined
    if (previous === undefined) {
      setMember(patch, key, deepCopy<JsonValue>(value))
    } else if (isObject(previous) && isObject(value)) {
      const nested = createMergePatch(previous as JsonObject, value as JsonObject)
      if (Object.keys(nested).length > 0) setMember(patch, key, nested)
    } else if (!deepEqual(previous, value)) {
      setMember(patch, key, deepCopy<JsonValue>(value))
    }
  }
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) setMember(patch, key, null)
  return patch
}

/**
 * What `apply` sends for kinds without strategic merge: additions and changes from `current` to `modified`, deletions from
 * `original` (the last applied configuration, undefined when there is none) to `modified`.
 */
export function createThreeWayMergePatch(
  original: JsonObject | undefined,
  modified: JsonObject,
  current: JsonObject,
): JsonObject {
  const changes = keepSetMembers(createMergePatch(current, modified))
  const deletions = keepNullMembers(createMergePatch(original ?? {}, modified))
  return combine(deletions, changes)
}

function keepNullMembers(patch: JsonObject): JsonObject {
  const kept: JsonObject = {}
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === null) setMember(kept, key, null)
    else if (isObject(value)) {
      const nested = keepNullMembers(value as JsonObject)
      if (Object.keys(nested).length > 0) setMember(kept, key, nested)
    }
  }
  return kept
}

function keepSetMembers(patch: JsonObject): JsonObject {
  const kept: JsonObject = {}
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === null || value === undefined) continue
    if (!isObject(value)) {
      setMember(kept, key, value)
      continue
    }
    const nested = keepSetMembers(value as JsonObject)
    // An explicitly empty object is a value; one that became empty held only deletions.
    if (Object.keys(nested).length > 0 || Object.keys(value).length === 0) setMember(kept, key, nested)
  }
  return kept
}

/** Lays the second patch over the first; nulls survive. */
function combine(first: JsonObject, second: JsonObject): JsonObject {
  const combined: JsonObject = {}
  for (const key of Object.keys(first)) setMember(combined, key, first[key])
  for (const key of Object.keys(second)) {
    const value = second[key] as JsonValue
    const previous = Object.hasOwn(combined, key) ? combined[key] : undefined
    setMember(
      combined,
      key,
      isObject(previous) && isObject(value) ? combine(previous as JsonObject, value as JsonObject) : value,
    )
  }
  return combined
}
