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
import type { ExpectedKind } from '../body/decode.ts'
import { applySchema, mediaTypeOf, parseBody, strictDecodingError } from '../body/decode.ts'
import type { EndpointScope } from '../interfaces.ts'
import { negotiateOutput } from '../negotiate.ts'
import { fieldManagerOf } from '../options/field-manager.ts'
import { parseWriteOptions } from '../options/write-options.ts'
import { objectResponse } from '../output.ts'
import { fromStorage, toStorage } from '../presenter.ts'
import { APPLY_PATCH, isApply, serveApply } from './apply.ts'
import type { CreateAuthorization } from './write.ts'

const JSON_PATCH = 'application/json-patch+json'
const MERGE_PATCH = 'application/merge-patch+json'
const STRATEGIC_MERGE_PATCH = 'application/strategic-merge-patch+json'

/** A patch that has been read: what it does to a document, and what Strict has against the patch itself. */
export interface ParsedPatch {
  apply(document: DeepReadonly<KubeObject>): JsonValue
  readonly duplicates: readonly string[]
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
  const patch = parsePatch(call, version.schema.strategicMerge)
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const { isDryRun, fieldValidation, options } = parseWriteOptions(call.query, 'PatchOptions')
  call.isDryRun = isDryRun
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
      return toStorage(definition, version, patched)
    },
  })
  return objectResponse(200, object, scope, output, call)
}

export function parsePatch(
  { request, audit }: ApiCall,
  strategicMerge: EndpointScope['version']['schema']['strategicMerge'],
): ParsedPatch {
  const mediaType = mediaTypeOf(request.headers['content-type'])
  const strategic = strategicMerge === undefined ? [] : [STRATEGIC_MERGE_PATCH]
  const supported = [JSON_PATCH, MERGE_PATCH, ...strategic, APPLY_PATCH]
  if (!supported.includes(mediaType)) throw newUnsupportedMediaType(supported)
  const { value, duplicates } = readPatch(request)
  audit?.recordBody(value)
  if (mediaType === JSON_PATCH) return { apply: (document) => applyJsonPatch(asJson(document), value), duplicates }
  if (!isObject(value))
    throw newBadRequest(
      `error decoding patch: json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type map[string]interface {}`,
    )
  const body = value as JsonValue
  if (mediaType === MERGE_PATCH || strategicMerge === undefined) {
    return { apply: (document) => applyMergePatch(asJson(document), body), duplicates }
  }
  return { apply: (document) => applyStrategicMergePatch(asJson(document), body, strategicMerge), duplicates }
}

// The patch functions take plain JSON and never change it.
const asJson = (document: DeepReadonly<KubeObject>): JsonValue => document as unknown as JsonValue

function readPatch(request: ApiRequest): { readonly value: unknown; readonly duplicates: readonly string[] } {
  try {
    return parseBody(request, 'application/json') ?? { value: undefined, duplicates: [] }
  } catch (err) {
    if (err instanceof StatusError) throw err
    throw newBadRequest(`error decoding patch: ${errorMessage(err)}`)
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
  if (!isObject(patched)) throw invalidPatch(patched, `json: cannot unmarshal into a ${expected.kind}`)
  if (patched['kind'] !== current.kind || patched['apiVersion'] !== current.apiVersion) {
    const sent = `${String(patched['apiVersion'])}, Kind=${String(patched['kind'])}`
    throw newBadRequest(
      `a patch may not change apiVersion and kind (${sent} instead of ${current.apiVersion}, Kind=${current.kind})`,
    )
  }
  const { object, strictErrors } = decodePatched(patched as unknown as KubeObject, expected, patch.duplicates)
  if (strictErrors.length > 0 && fieldValidation === 'Strict')
    throw invalidPatch(patched, strictDecodingError(strictErrors))
  if (fieldValidation === 'Warn') for (const error of strictErrors) call.warn(error)
  return object
}

function decodePatched(patched: KubeObject, expected: ExpectedKind, duplicates: readonly string[]) {
  try {
    return applySchema(patched, expected, duplicates)
  } catch (err) {
    if (err instanceof StatusError && err.code === 400) throw invalidPatch(patched, err.message)
    throw err
  }
}

function invalidPatch(patched: unknown, detail: string): StatusError {
  return newInvalid({ group: '', kind: '' }, '', [fieldInvalid('patch', JSON.stringify(patched), detail)])
}
