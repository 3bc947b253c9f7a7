/**
 * Server-side apply: a configuration merged into the object under its manager's name; a missing object is created.
 * Upstream: apiserver pkg/endpoints/handlers/patch.go applyPatcher.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest, newConflict, newInternalError, StatusError } from '#machinery/meta/errors.ts'
import type { FieldValidation } from '#machinery/schema/interfaces.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { YamlError } from '#machinery/yaml/yaml.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { AppliedObject, ApplyWriteRequest, ResourceStore, Strategy } from '../../registry/generic/interfaces.ts'
import type { ApiRequest, ApiResponse } from '../../server/interfaces.ts'
import type { ExpectedKind, RawBody } from '../body/decode.ts'
import { applySchema, mediaTypeOf, NO_REPEATS, parseBody, warningTexts } from '../body/decode.ts'
import type { EndpointScope } from '../interfaces.ts'
import { negotiateOutput } from '../negotiate.ts'
import { parseApplyOptions } from '../options/write-options.ts'
import { objectResponse } from '../output.ts'
import { toStorage } from '../presenter.ts'
import type { CreateAuthorization } from './write.ts'
import { checkName } from './write.ts'

export const APPLY_PATCH = 'application/apply-patch+yaml'

export const isApply = (request: ApiRequest): boolean => mediaTypeOf(request.headers['content-type']) === APPLY_PATCH

export async function serveApply(
  call: ApiCall,
  scope: EndpointScope,
  store: ResourceStore,
  strategy: Strategy,
  mayCreate: CreateAuthorization,
): Promise<ApiResponse> {
  const { info } = call
  const { definition, version } = scope
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const { isDryRun, fieldValidation, options, fieldManager, force } = parseApplyOptions(call.query)
  call.isDryRun = isDryRun
  const config = parseConfig(call, fieldValidation)
  const { subresource, name } = info
  const request = { context: call, version: version.version, subresource, strategy, options }
  const applying: ApplyWriteRequest = { ...request, manager: fieldManager, force }
  const expected = { group: definition.group, version: version.version, kind: definition.kind, schema: version.schema }
  const draftFor = (live: DeepReadonly<KubeObject> | undefined): KubeObject => {
    const applied = store.fieldManager.apply(live, config.object, applying)
    config.assertStrict()
    const draft = decodeApplied(applied, expected)
    checkName(draft, name, info.namespace, definition.namespaced)
    return toStorage(definition, version, draft)
  }
  const makeNew = async (): Promise<KubeObject> => {
    const draft = draftFor(undefined)
    const { uid = '' } = draft.metadata
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`
    if (uid !== '') throw newConflict(definition, name, why)
    await mayCreate(call)
    return draft
  }
  const { object, isCreated } = await store.update({
    ...request,
    name,
    makeDraft: (current) => draftFor(current.object),
    // Subresources never create.
    ...(subresource === '' ? { makeNew, forcesCreate: true } : {}),
  })
  return objectResponse(isCreated ? 201 : 200, object, scope, output, call)
}

/** The merged object as the server keeps it: types checked, defaults filled, managedFields in place. */
export function decodeApplied({ object, managedFields }: AppliedObject, expected: ExpectedKind): KubeObject {
  const decoded = decode(object, expected)
  if (managedFields === undefined) delete decoded.metadata.managedFields
  else decoded.metadata.managedFields = managedFields
  return decoded
}

function decode(object: KubeObject, expected: ExpectedKind): KubeObject {
  try {
    return applySchema(object, expected).object
  } catch (err) {
    if (!(err instanceof StatusError)) throw err
    // The configuration has the right shape, its values do not fit: upstream fails to convert the merged object.
    const { name = '', namespace = '' } = object.metadata
    const what = `${namespace}/${name}; ${object.apiVersion}, Kind=${object.kind}`
    throw newInternalError(`failed to convert new object (${what}) to proper version: ${err.message}`)
  }
}

export interface AppliedConfig {
  /** As sent, to be changed by nobody. */
  readonly object: KubeObject
  /** Refuses what is there twice, or warns of it. Upstream asks when the configuration has been applied. */
  assertStrict(): void
}

export function parseConfig(call: ApiCall, fieldValidation: FieldValidation): AppliedConfig {
  const { value, strictErrors } = readConfig(call.request)
  call.audit?.recordBody(value)
  if (!isObject(value)) throw newBadRequest('error decoding YAML: an applied configuration is an object')
  if (value['metadata'] === undefined || value['metadata'] === null) value['metadata'] = {}
  const assertStrict = (): void => {
    if (fieldValidation === 'Ignore') return
    for (const error of strictErrors([], true)) {
      if (fieldValidation === 'Strict')
        throw newBadRequest(`error strict decoding YAML: error converting YAML to JSON: ${error}`)
      for (const text of warningTexts(error)) call.warn(text)
    }
  }
  return { object: value as unknown as KubeObject, assertStrict }
}

const NOTHING: RawBody = { value: undefined, strictErrors: NO_REPEATS }

function readConfig(request: ApiRequest): RawBody {
  try {
    return parseBody(request, 'application/yaml') ?? NOTHING
  } catch (err) {
    if (err instanceof StatusError) throw err
    const why = err instanceof YamlError ? `error converting YAML to JSON: ${err.goText}` : errorMessage(err)
    throw newBadRequest(`error decoding YAML: ${why}`)
  }
}
