/**
 * Strategic merge patch: lists merge by key where the schema says so, and directives replace, delete, order and retain.
 * Upstream: apimachinery pkg/util/strategicpatch/patch.go. Differs: a field the schema does not know merges like a plain
 * map or is replaced, where upstream fails; decoding reports it afterwards.
 */
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { StrategicMergeField, StrategicMergeSchema } from '#machinery/schema/interfaces.ts'
import { deepCopy, deepEqual, isObject, setMember } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import {
  badDirective,
  badRetainKeys,
  badSetElementOrder,
  badType,
  DELETE_FROM_LIST_PREFIX,
  directiveTarget,
  elementKey,
  elementKind,
  isDeletion,
  jsonKind,
  listStrategy,
  noMergeKey,
  ordered,
  PATCH_DIRECTIVE,
  positions,
  RETAIN_KEYS_DIRECTIVE,
  SET_ELEMENT_ORDER_PREFIX,
} from './strategic-directives.ts'

interface MergeMode {
  /** True: the target is an object and directives act. False: the target is itself a patch and directives are kept. */
  readonly isApplying: boolean
}

const APPLY: MergeMode = { isApplying: true }
const COMBINE: MergeMode = { isApplying: false }

/** The patched document; neither argument is changed. Throws BadRequest when the patch cannot be merged. */
export function applyStrategicMergePatch(
  document: JsonValue,
  patch: JsonValue,
  schema: StrategicMergeSchema,
): JsonValue {
  if (!isObject(document) || !isObject(patch)) throw newBadRequest('invalid JSON document')
  return mergeMap(
    deepCopy<JsonObject>(document as JsonObject),
    deepCopy<JsonObject>(patch as JsonObject),
    schema,
    APPLY,
  )
}

/** Lays one patch over another so that applying the result equals applying both. Used by the three-way diff; consumes both. */
export function combineStrategicMergePatches(
  first: JsonObject,
  second: JsonObject,
  schema: StrategicMergeSchema,
): JsonObject {
  return mergeMap(first, second, schema, COMBINE)
}

/** The schema inside a field: of a map's field every key leads to the map's values. */
export function nestedSchema(field: StrategicMergeField | undefined): StrategicMergeSchema {
  if (field === undefined) return UNKNOWN
  if (!field.isMap) return field.element ?? UNKNOWN
  const values: StrategicMergeField = {
    strategies: [],
    mergeKey: undefined,
    isList: false,
    isMap: false,
    element: field.element,
  }
  return { field: () => values }
}

const UNKNOWN: StrategicMergeSchema = { field: () => undefined }

// The functions below own their arguments: they change `original` and take parts of `patch` over.

function mergeMap(original: JsonObject, patch: JsonObject, schema: StrategicMergeSchema, mode: MergeMode): JsonObject {
  const directive = patch[PATCH_DIRECTIVE]
  if (directive !== undefined && Object.hasOwn(patch, PATCH_DIRECTIVE)) return directed(directive, patch)
  applyRetainKeys(original, patch, mode)
  applyElementOrders(original, patch, schema, mode)
  for (const key of Object.keys(patch)) mergeMember(original, key, patch[key] as JsonValue, schema, mode)
  return original
}

function directed(directive: JsonValue, patch: JsonObject): JsonObject {
  if (directive === 'replace') {
    delete patch[PATCH_DIRECTIVE]
    return patch
  }
  if (directive === 'delete') return {}
  throw badDirective(directive, patch)
}

function mergeMember(
  original: JsonObject,
  patchKey: string,
  value: JsonValue,
  schema: StrategicMergeSchema,
  mode: MergeMode,
): void {
  let key = patchKey
  const isDeleteList = key.startsWith(DELETE_FROM_LIST_PREFIX)
  if (isDeleteList) {
    if (!mode.isApplying) {
      original[key] = value
      return
    }
    key = directiveTarget(key, DELETE_FROM_LIST_PREFIX)
  }
  if (value === null) {
    delete original[key]
    if (mode.isApplying) return
  }
  const current = Object.hasOwn(original, key) ? original[key] : undefined
  const kind = jsonKind(value)
  if (current === undefined || jsonKind(current) !== kind) {
    if (!isDeleteList) take(original, key, value, mode)
  } else if (kind === 'map') {
    const field = schema.field(key)
    const merged =
      listStrategy(field) === 'replace'
        ? (value as JsonObject)
        : mergeMap(current as JsonObject, value as JsonObject, nestedSchema(field), mode)
    setMember(original, key, merged)
  } else if (kind === 'list') {
    const field = schema.field(key)
    setMember(original, key, mergeList(current as JsonValue[], value as JsonValue[], field, key, mode, isDeleteList))
  } else {
    setMember(original, key, value)
  }
}

/** Takes the patch's value as it is, without directives. */
function take(original: JsonObject, key: string, value: JsonValue, mode: MergeMode): void {
  if (mode.isApplying) dropNulls(value)
  const kept = withoutDirectives(value)
  if (kept === undefined) delete original[key]
  else setMember(original, key, kept)
}

function dropNulls(value: JsonValue): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const element of value) dropNulls(element)
    return
  }
  for (const key of Object.keys(value)) {
    if (value[key] === null) delete value[key]
    else dropNulls(value[key] as JsonValue)
  }
}

/** Undefined when the value is itself a directive and must not be kept. */
function withoutDirectives(value: JsonValue): JsonValue | undefined {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((element) => element !== undefined)
  if (Object.hasOwn(value, PATCH_DIRECTIVE)) return undefined
  for (const key of Object.keys(value)) {
    const kept = withoutDirectives(value[key] as JsonValue)
    if (kept === undefined) delete value[key]
    else setMember(value, key, kept)
  }
  return value
}

function applyRetainKeys(original: JsonObject, patch: JsonObject, mode: MergeMode): void {
  if (!Object.hasOwn(patch, RETAIN_KEYS_DIRECTIVE)) return
  const retained = patch[RETAIN_KEYS_DIRECTIVE] as JsonValue
  delete patch[RETAIN_KEYS_DIRECTIVE]
  if (!mode.isApplying) {
    const present = original[RETAIN_KEYS_DIRECTIVE]
    if (present !== undefined && !deepEqual(present, retained)) throw badRetainKeys()
    original[RETAIN_KEYS_DIRECTIVE] = retained
    return
  }
  if (!Array.isArray(retained)) throw badRetainKeys()
  const keep = new Set<JsonValue>(retained)
  for (const key of Object.keys(patch)) {
    const isDirective = key.startsWith(DELETE_FROM_LIST_PREFIX) || key.startsWith(SET_ELEMENT_ORDER_PREFIX)
    if (patch[key] !== null && !isDirective && !keep.has(key)) throw badRetainKeys()
  }
  for (const key of Object.keys(original)) if (!keep.has(key)) delete original[key]
}

/** Merges and orders every list that has a `$setElementOrder/` companion, and takes both out of the patch. */
function applyElementOrders(
  original: JsonObject,
  patch: JsonObject,
  schema: StrategicMergeSchema,
  mode: MergeMode,
): void {
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(SET_ELEMENT_ORDER_PREFIX)) continue
    const order = patch[key] as JsonValue
    if (!mode.isApplying) {
      if (Object.hasOwn(original, key) && !deepEqual(original[key], order)) throw badSetElementOrder()
      original[key] = order
    }
    delete patch[key]
    if (!Array.isArray(order)) throw badType('list', order)
    applyElementOrder(original, patch, directiveTarget(key, SET_ELEMENT_ORDER_PREFIX), order, schema, mode)
  }
}

function applyElementOrder(
  original: JsonObject,
  patch: JsonObject,
  name: string,
  order: JsonValue[],
  schema: StrategicMergeSchema,
  mode: MergeMode,
): void {
  const current = listMember(original, name)
  const change = listMember(patch, name)
  if (current === undefined && change === undefined) return
  const field = schema.field(name)
  const mergeKey = field?.mergeKey ?? ''
  if (change !== undefined) checkOrder(change, order, mergeKey)
  const serverOrder = [...(current ?? [])]
  let merged: JsonValue[]
  if (change === undefined) merged = current as JsonValue[]
  else if (current === undefined) merged = withoutDirectives(change) as JsonValue[]
  else merged = mergeList([...current], change, field, name, mode, false, serverOrder)
  setMember(original, name, ordered(merged, order, serverOrder, mergeKey))
  delete patch[name]
}

function listMember(object: JsonObject, name: string): JsonValue[] | undefined {
  if (!Object.hasOwn(object, name)) return undefined
  const value = object[name]
  if (!Array.isArray(value)) throw badType('list', value)
  return value
}

/** The patch's elements must appear in the order list, in the same relative order. */
function checkOrder(patch: readonly JsonValue[], order: readonly JsonValue[], mergeKey: string): void {
  if (order.length === 0) return
  const isSpecial = (element: JsonValue): boolean => isObject(element) && Object.hasOwn(element, PATCH_DIRECTIVE)
  const relevant = mergeKey === '' ? patch : patch.filter((element) => !isDeletion(element) && !isSpecial(element))
  let at = 0
  for (const element of order) {
    const next = relevant[at]
    if (next === undefined) return
    if (elementKey(next, mergeKey) === elementKey(element, mergeKey)) at++
  }
  if (at < relevant.length) {
    throw newBadRequest(
      `The order in patch list:\n${JSON.stringify(patch)}\n doesn't match ${SET_ELEMENT_ORDER_PREFIX} list:\n${JSON.stringify(order)}\n`,
    )
  }
}

function mergeList(
  original: JsonValue[],
  patch: JsonValue[],
  field: StrategicMergeField | undefined,
  name: string,
  mode: MergeMode,
  isDeleteList: boolean,
  serverOrderSeen?: JsonValue[],
): JsonValue[] {
  // A list of deletions acts on the list whatever the field's strategy.
  if (listStrategy(field) !== 'merge' && !isDeleteList) return patch
  const kind = elementKind(original, patch)
  if (kind === undefined) return original
  if (kind !== 'map') {
    if (isDeleteList) {
      const deleted = new Set(patch)
      return original.filter((element) => !deleted.has(element))
    }
    return ordered([...new Set([...original, ...patch])], patch, original, '')
  }
  const mergeKey = field?.mergeKey ?? ''
  if (mergeKey === '') throw newBadRequest(`cannot merge lists without merge key for ${name}`)
  const prepared = applySpecialElements(original, patch as JsonObject[], mergeKey)
  const serverOrder = [...prepared.original]
  const merged = mergeElements(prepared.original, prepared.patch, mergeKey, nestedSchema(field), mode)
  if (serverOrderSeen !== undefined && prepared.hasDeletions) {
    // Upstream merges in the array it later reads the server's order from: additions fill the places deletions left.
    serverOrderSeen.splice(0, serverOrderSeen.length, ...merged.slice(0, original.length))
  }
  return ordered(merged, prepared.patch, serverOrder, mergeKey)
}

/** Acts on `$patch: delete` and `$patch: replace` elements; returns what is left of both lists. */
function applySpecialElements(
  original: readonly JsonValue[],
  patch: readonly JsonObject[],
  mergeKey: string,
): { original: JsonValue[]; patch: JsonObject[]; hasDeletions: boolean } {
  const rest: JsonObject[] = []
  const deleted = new Set<JsonValue>()
  let isReplaced = false
  for (const element of patch) {
    const directive = element[PATCH_DIRECTIVE]
    if (directive === undefined) {
      rest.push(element)
    } else if (directive === 'delete') {
      const key = element[mergeKey]
      if (key === undefined) throw noMergeKey(element, mergeKey)
      deleted.add(key)
    } else if (directive === 'replace') {
      isReplaced = true
    } else if (directive === 'merge') {
      throw newBadRequest('merging lists cannot yet be specified in the patch')
    } else {
      throw badDirective(directive, element)
    }
  }
  if (isReplaced) return { original: rest, patch: [], hasDeletions: false }
  if (deleted.size === 0) return { original: [...original], patch: rest, hasDeletions: false }
  const kept = original.filter((element) => {
    const key = (element as JsonObject)[mergeKey]
    return key === undefined || !deleted.has(key)
  })
  return { original: kept, patch: rest, hasDeletions: kept.length < original.length }
}

function mergeElements(
  original: JsonValue[],
  patch: readonly JsonObject[],
  mergeKey: string,
  schema: StrategicMergeSchema,
  mode: MergeMode,
): JsonValue[] {
  const known = positions(original, mergeKey)
  for (const element of patch) {
    const key = elementKey(element, mergeKey)
    const position = known.get(key)
    if (position === undefined) {
      known.set(key, original.length)
      original.push(element)
    } else {
      original[position] = mergeMap(original[position] as JsonObject, element, schema, mode)
    }
  }
  return original
}
