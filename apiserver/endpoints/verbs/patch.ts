/**
 * JSON patch, JSON merge patch and strategic merge patch, applied to the version the client speaks; applied again when
 * somebody else's write came first. Upstream: apiserver pkg/endpoints/handlers/patch.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest, newInvalid, newUnsupportedMediaType, StatusError } from '#machinery/meta/errors.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import { applyJsonPatch } from '#machinery/patch/json-patch.ts'
import { applyMergePatch } from '#machinery/patch/merge-patch.ts'
import { applyStrategicMergePatch } from '#machinery/patch/strategic-merge.ts'
import type { FieldValidation } from '#machinery/schema/interfaces.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { isObject } from '#machinery/util/json.ts'
import type { DeepReadonly, JsonValue } from '#machinery/util/types.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ResourceStore, Strategy } from '../../registry/generic/interfaces.ts'
import type { ApiRequest, ApiResponse } from '../../server/interfaces.ts'
import type { ExpectedKind, RawBody, StrictErrors } from '../body/decode.ts'
import { applySchema, mediaTypeOf, NO_REPEATS, parseBody, strictDecodingError } from '../body/decode.ts'
import type { EndpointScope } from '../interfaces.ts'
import { negotiateOutput } from '../negotiate.ts'
import { fieldManagerOf } from '../options/field-manager.ts'
import { parseWriteOptions } from '../options/write-options.ts'
import { objectResponse } from '../output.ts'
import { fromStorage, toStorage } from '../presenter.ts'
import { APPLY_PATCH, isApply, serveApply } from './apply.ts'
import type { CreateAuthorization } from './write.ts'
import { checkName } from './write.ts'

const JSON_PATCH = 'application/json-patch+json'
const MERGE_PATCH = 'application/merge-patch+json'
const STRATEGIC_MERGE_PATCH = 'application/strategic-merge-patch+json'

/** A patch that has been read: what it does to a document, and what Strict has against the patch itself. */
export interface ParsedPatch {
  apply(document: DeepReadonly<KubeObject>): JsonValue
  /** The bad value of an error: the outcome, or the patch itself. */
  show(patched: unknown): string
  readonly strictErrors: readonly string[]
  /** kind and apiVersion of the patch mean nothing. */
  readonly keepsKind: boolean
}

export async function servePatch(
  call: ApiCall,
  scope: EndpointScope,
  store: ResourceStore,
  strategy: Strategy,
  mayCreate: CreateAuthorization,
): Promise<ApiResponse> {
  if (isApply(call.request)) return serveApply(call, scope, store, strategy, mayCreate)
  const { info } = call
  const { definition, version } = scope
  const { strategicMerge } = version.schema
  const mediaType = patchMediaType(call.request, strategicMerge)
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const { isDryRun, fieldValidation, options } = parseWriteOptions(call.query, 'PatchOptions')
  call.isDryRun = isDryRun
  const patch = readPatch(call, mediaType, strategicMerge)
  const expected = { group: definition.group, version: version.version, kind: definition.kind, schema: version.schema }
  const { object } = await store.update({
    context: call,
    version: version.version,
    subresource: info.subresource,
    strategy,
    options,
    manager: fieldManagerOf(call, options),
    name: info.name,
    makeDraft: (current) => {
      const patched = patchedObject(
        patch,
        fromStorage(definition, version, current.object),
        expected,
        fieldValidation,
        call,
      )
      checkName(patched, info.name, info.namespace, definition.namespaced)
      return toStorage(definition, version, patched)
    },
  })
  return objectResponse(200, object, scope, output, call)
}

type StrategicMerge = EndpointScope['version']['schema']['strategicMerge']

/** Throws 415. */
export function patchMediaType(request: ApiRequest, strategicMerge: StrategicMerge): string {
  const mediaType = mediaTypeOf(request.headers['content-type'])
  const strategic = strategicMerge === undefined ? [] : [STRATEGIC_MERGE_PATCH]
  const supported = [JSON_PATCH, MERGE_PATCH, ...strategic, APPLY_PATCH]
  if (!supported.includes(mediaType)) throw newUnsupportedMediaType(supported)
  return mediaType
}

/** What is wrong with a patch is said when it is applied: an object that is not there comes first. */
export function readPatch(call: ApiCall, mediaType: string, strategicMerge: StrategicMerge): ParsedPatch {
  try {
    return parsePatch(call, mediaType, strategicMerge)
  } catch (err) {
    const apply = (): never => {
      throw err
    }
    return { apply, show: String, strictErrors: [], keepsKind: false }
  }
}

function parsePatch({ request, audit }: ApiCall, mediaType: string, strategicMerge: StrategicMerge): ParsedPatch {
  const isStrategic = mediaType === STRATEGIC_MERGE_PATCH && strategicMerge !== undefined
  const { value, strictErrors: findStrictErrors } = decodeBody(request, isStrategic ? '' : 'error decoding patch: ')
  audit?.recordBody(value)
  const show = (patched: unknown): string => JSON.stringify(patched)
  if (mediaType === JSON_PATCH) return jsonPatch(value, findStrictErrors)
  const strictErrors = findStrictErrors([], true)
  if (!isObject(value)) {
    const what =
      value === undefined ? 'unexpected end of JSON input' : `json: cannot unmarshal ${jsonTypeOf(value)} ${INTO_MAP}`
    throw newBadRequest(`${isStrategic ? '' : 'error decoding patch: '}${what}`)
  }
  const body = value as JsonValue
  if (!isStrategic) {
    return { apply: (document) => applyMergePatch(asJson(document), body), show, strictErrors, keepsKind: false }
  }
  return {
    apply: (document) => applyStrategicMergePatch(asJson(document), body, strategicMerge),
    show: () => goText(body),
    strictErrors,
    keepsKind: true,
  }
}

const INTO_MAP = 'into Go value of type map[string]interface {}'
const OPERATION_FIELDS: ReadonlySet<string> = new Set(['op', 'path', 'from', 'value'])

function jsonPatch(value: unknown, findStrictErrors: StrictErrors): ParsedPatch {
  if (!Array.isArray(value)) {
    const what = `json: cannot unmarshal ${jsonTypeOf(value)} into Go value of type []handlers.jsonPatchOp`
    throw newBadRequest(`error decoding patch: ${what}`)
  }
  const unknownFields: string[] = []
  value.forEach((operation: unknown, i) => {
    if (!isObject(operation)) return
    for (const name of Object.keys(operation)) {
      if (!OPERATION_FIELDS.has(name)) unknownFields.push(`unknown field ${JSON.stringify(`[${i}].${name}`)}`)
    }
  })
  const strictErrors = findStrictErrors(unknownFields, true).map((error) => `json patch ${error}`)
  const apply = (document: DeepReadonly<KubeObject>): JsonValue => applyJsonPatch(asJson(document), value)
  return { apply, show: (patched) => JSON.stringify(patched), strictErrors, keepsKind: false }
}

const jsonTypeOf = (value: unknown): string => {
  if (value === null || value === undefined) return 'null'
  return Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
}

/** As Go prints maps and lists (`%v`), which is how upstream shows a strategic merge patch that does not fit. */
function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (!isObject(value)) return String(value)
  const members = Object.keys(value).sort()
  return `map[${members.map((name) => `${name}:${goText(value[name])}`).join(' ')}]`
}

// The patch functions take plain JSON and never change it.
const asJson = (document: DeepReadonly<KubeObject>): JsonValue => document as unknown as JsonValue

function decodeBody(request: ApiRequest, prefix: string): RawBody {
  try {
    return parseBody(request, 'application/json') ?? { value: undefined, strictErrors: NO_REPEATS }
  } catch (err) {
    if (err instanceof StatusError) throw err
    throw newBadRequest(`${prefix}${errorMessage(err)}`)
  }
}

/** The patched object, decoded like a request body: the patch may have brought unknown fields and wrong types. */
export function patchedObject(
  patch: ParsedPatch,
  current: DeepReadonly<KubeObject>,
  expected: ExpectedKind,
  fieldValidation: FieldValidation,
  call: ApiCall,
): KubeObject {
  const patched = patch.apply(current)
  const show = (): string => patch.show(patched)
  if (!isObject(patched)) throw invalidPatch(show(), `json: cannot unmarshal into a ${expected.kind}`)
  if (patch.keepsKind) Object.assign(patched, { kind: current.kind, apiVersion: current.apiVersion })
  else checkKind(patched, current, show)
  const decoded = decodePatched(patched as unknown as KubeObject, expected, show)
  const { object } = decoded
  const strictErrors = [...patch.strictErrors, ...decoded.strictErrors]
  if (strictErrors.length > 0 && fieldValidation === 'Strict')
    throw invalidPatch(show(), strictDecodingError(strictErrors))
  if (fieldValidation === 'Warn') for (const error of strictErrors) call.warn(error)
  return object
}

function checkKind(patched: Record<string, unknown>, current: DeepReadonly<KubeObject>, show: () => string): void {
  const { kind = '', apiVersion = '' } = patched
  if (kind === current.kind && apiVersion === current.apiVersion) return
  if (kind === '') throw invalidPatch(show(), `Object 'Kind' is missing in '${show()}'`)
  const detail = `no kind "${String(kind)}" is registered for version "${String(apiVersion)}" in this scheme`
  throw invalidPatch(show(), detail)
}

function decodePatched(patched: KubeObject, expected: ExpectedKind, show: () => string) {
  try {
    return applySchema(patched, expected)
  } catch (err) {
    if (err instanceof StatusError && err.code === 400) throw invalidPatch(show(), err.message)
    throw err
  }
}

function invalidPatch(shown: string, detail: string): StatusError {
  return newInvalid({ group: '', kind: '' }, '', [fieldInvalid('patch', shown, detail)])
}
