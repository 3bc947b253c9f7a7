/**
 * Creates strategic merge patches: the three-way diff that `kubectl apply` and the add-on deployer send.
 * Upstream: apimachinery pkg/util/strategicpatch/patch.go (CreateThreeWayMergePatch with overwrite).
 */
import type { StrategicMergeField, StrategicMergeSchema } from '#machinery/schema/interfaces.ts'
import { deepCopy, deepEqual, setMember } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import {
  DELETE_FROM_LIST_PREFIX,
  elementKey,
  elementKind,
  jsonKind,
  listStrategy,
  PATCH_DIRECTIVE,
  RETAIN_KEYS_DIRECTIVE,
  SET_ELEMENT_ORDER_PREFIX,
  sortedLike,
} from './strategic-directives.ts'
import { combineStrategicMergePatches, nestedSchema } from './strategic-merge.ts'

interface DiffMode {
  readonly withChanges: boolean
  readonly withDeletions: boolean
}

/**
 * Additions and changes from `current` to `modified`, deletions from `original` (the last applied configuration, undefined
 * when there is none) to `modified`. Conflicting changes in `current` are overwritten. No argument is changed.
 */
export function createThreeWayStrategicMergePatch(
  original: JsonObject | undefined,
  modified: JsonObject,
  current: JsonObject,
  schema: StrategicMergeSchema,
): JsonObject {
  const changes = diffMaps(current, modified, schema, { withChanges: true, withDeletions: false }, false)
  const deletions = diffMaps(original ?? {}, modified, schema, { withChanges: false, withDeletions: true }, false)
  return combineStrategicMergePatches(deepCopy<JsonObject>(deletions), deepCopy<JsonObject>(changes), schema)
}

function diffMaps(
  original: JsonObject,
  modified: JsonObject,
  schema: StrategicMergeSchema,
  mode: DiffMode,
  buildRetainKeys: boolean,
): JsonObject {
  const patch: JsonObject = {}
  for (const key of Object.keys(modified)) diffMember(patch, key, original, modified[key] as JsonValue, schema, mode)
  const removed = Object.keys(original).filter((key) => !Object.hasOwn(modified, key))
  if (mode.withDeletions) for (const key of removed) setMember(patch, key, null)
  if (buildRetainKeys) {
    const retained = Object.keys(modified).filter((key) => modified[key] !== null)
    const hasRemoved = removed.some((key) => original[key] !== null)
    if (retained.length > 0 && (Object.keys(patch).length > 0 || hasRemoved)) {
      patch[RETAIN_KEYS_DIRECTIVE] = retained.sort(compareText)
    }
  }
  return patch
}

function diffMember(
  patch: JsonObject,
  key: string,
  original: JsonObject,
  value: JsonValue,
  schema: StrategicMergeSchema,
  mode: DiffMode,
): void {
  const previous = Object.hasOwn(original, key) ? original[key] : undefined
  const kind = jsonKind(value)
  if (previous === undefined || jsonKind(previous) !== kind) {
    if (mode.withChanges) setMember(patch, key, value)
    return
  }
  if (kind === 'map') {
    const field = schema.field(key)
    if (listStrategy(field) === 'replace') {
      if (mode.withChanges) setMember(patch, key, value)
      return
    }
    const nested = diffMaps(previous as JsonObject, value as JsonObject, nestedSchema(field), mode, retainsKeys(field))
    if (Object.keys(nested).length > 0) setMember(patch, key, nested)
    return
  }
  if (kind === 'list') {
    const field = schema.field(key)
    if (field !== undefined && listStrategy(field) === 'merge') {
      diffLists(patch, key, previous as JsonValue[], value as JsonValue[], field, mode)
      return
    }
  }
  if (mode.withChanges && !deepEqual(previous, value)) setMember(patch, key, value)
}

function retainsKeys(field: StrategicMergeField | undefined): boolean {
  return field?.strategies.includes('retainKeys') ?? false
}

function diffLists(
  patch: JsonObject,
  key: string,
  original: readonly JsonValue[],
  modified: JsonValue[],
  field: StrategicMergeField,
  mode: DiffMode,
): void {
  if (original.length === 0) {
    if (modified.length > 0 && mode.withChanges) setMember(patch, key, modified)
    return
  }
  const isMaps = elementKind(original, modified) === 'map'
  if (isMaps) diffListOfMaps(patch, key, original, modified, field, mode)
  else diffListOfScalars(patch, key, original, modified, mode)
}

function diffListOfScalars(
  patch: JsonObject,
  key: string,
  original: readonly JsonValue[],
  modified: readonly JsonValue[],
  mode: DiffMode,
): void {
  const before = new Set(original)
  const after = new Set(modified)
  const deleted = mode.withDeletions ? [...before].filter((v) => !after.has(v)).sort(compareText) : []
  const added = mode.withChanges ? modified.filter((v) => !before.has(v)) : []
  if (added.length > 0) setMember(patch, key, added)
  if (deleted.length > 0) patch[`${DELETE_FROM_LIST_PREFIX}/${key}`] = deleted
  const isChanged = mode.withChanges && !deepEqual(original, modified)
  if ((deleted.length > 0 || isChanged) && modified.length > 0) {
    patch[`${SET_ELEMENT_ORDER_PREFIX}/${key}`] = [...modified]
  }
}

function diffListOfMaps(
  patch: JsonObject,
  key: string,
  original: readonly JsonValue[],
  modified: readonly JsonValue[],
  field: StrategicMergeField,
  mode: DiffMode,
): void {
  const mergeKey = field.mergeKey ?? ''
  const before = new Map(original.map((element) => [elementKey(element, mergeKey), element as JsonObject]))
  const after = new Set(modified.map((element) => elementKey(element, mergeKey)))
  const changed: JsonObject[] = []
  for (const element of modified as readonly JsonObject[]) {
    const id = elementKey(element, mergeKey)
    const previous = before.get(id)
    if (previous === undefined) {
      if (mode.withChanges) changed.push(element)
      continue
    }
    const nested = diffMaps(previous, element, nestedSchema(field), mode, retainsKeys(field))
    if (Object.keys(nested).length > 0) changed.push({ ...nested, [mergeKey]: id })
  }
  const list = sortedLike(changed, modified, mergeKey)
  if (mode.withDeletions) {
    const deleted = [...before.keys()].filter((id) => !after.has(id)).sort(compareText)
    for (const id of deleted) list.push({ [PATCH_DIRECTIVE]: 'delete', [mergeKey]: id })
  }
  if (list.length > 0) setMember(patch, key, list)
  const isReordered = mode.withChanges && !hasSameOrder(original, modified, mergeKey)
  if ((list.length > 0 || isReordered) && modified.length > 0) {
    patch[`${SET_ELEMENT_ORDER_PREFIX}/${key}`] = modified.map((element) => ({
      [mergeKey]: elementKey(element, mergeKey),
    }))
  }
}

function hasSameOrder(original: readonly JsonValue[], modified: readonly JsonValue[], mergeKey: string): boolean {
  if (original.length !== modified.length) return false
  return modified.every(
    (element, i) => elementKey(original[i] as JsonValue, mergeKey) === elementKey(element, mergeKey),
  )
}

/** Go sorts scalars by their printed form. */
function compareText(a: JsonValue, b: JsonValue): number {
  const left = String(a)
  const right = String(b)
  return left < right ? -1 : left > right ? 1 : 0
}
