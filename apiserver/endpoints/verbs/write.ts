/** create and update (PUT). Upstream: apiserver pkg/endpoints/handlers/{create,update}.go. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { FieldValidation } from '#machinery/schema/interfaces.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ResourceStore, Strategy } from '../../registry/generic/interfaces.ts'
import { ensureNamespace } from '../../registry/generic/create.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import { decodeObject, enforceFieldValidation } from '../body/decode.ts'
import type { EndpointScope } from '../interfaces.ts'
import { negotiateOutput } from '../negotiate.ts'
import { fieldManagerOf } from '../options/field-manager.ts'
import { parseWriteOptions } from '../options/write-options.ts'
import { objectResponse } from '../output.ts'
import { toStorage } from '../presenter.ts'

/** Asks the authorizer whether the user may also create what a PUT or an apply finds missing; throws Forbidden. */
export type CreateAuthorization = (call: ApiCall) => void | Promise<void>

export async function serveCreate(call: ApiCall, scope: EndpointScope, store: ResourceStore): Promise<ApiResponse> {
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const { isDryRun, fieldValidation, options } = parseWriteOptions(call.query, 'CreateOptions')
  call.isDryRun = isDryRun
  const draft = decodeStored(call, scope, fieldValidation)
  const { strategy } = scope.definition
  const manager = fieldManagerOf(call, options)
  const request = { context: call, version: scope.version.version, subresource: '', strategy, options, manager }
  const created = await store.create(draft, request)
  return objectResponse(201, created, scope, output, call)
}

/** `strategy` is the resource's own, or that of the view subresource the path names. */
export async function serveUpdate(
  call: ApiCall,
  scope: EndpointScope,
  store: ResourceStore,
  strategy: Strategy,
  mayCreate: CreateAuthorization,
): Promise<ApiResponse> {
  const { info } = call
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const { isDryRun, fieldValidation, options } = parseWriteOptions(call.query, 'UpdateOptions')
  call.isDryRun = isDryRun
  let first: KubeObject | undefined = decodeNamed(call, scope, fieldValidation)
  const decodeAgain = (): KubeObject => {
    const draft = first ?? decodeNamed(call, scope, 'Ignore')
    first = undefined
    return draft
  }
  const { object, isCreated } = await store.update({
    context: call,
    version: scope.version.version,
    subresource: info.subresource,
    strategy,
    options,
    manager: fieldManagerOf(call, options),
    name: info.name,
    makeDraft: decodeAgain,
    ...(info.subresource === '' ? { makeNew: () => afterAuthorization(mayCreate(call), decodeAgain) } : {}),
  })
  return objectResponse(isCreated ? 201 : 200, object, scope, output, call)
}

function afterAuthorization(allowed: void | Promise<void>, make: () => KubeObject): KubeObject | Promise<KubeObject> {
  return allowed instanceof Promise ? allowed.then(make) : make()
}

function decodeStored(call: ApiCall, scope: EndpointScope, fieldValidation: FieldValidation): KubeObject {
  const { definition, version } = scope
  const { group, kind, isCustom = false } = definition
  const expected = { group, version: version.version, kind, schema: version.schema, isCustom }
  const { object, strictErrors } = decodeObject(call.request, expected)
  enforceFieldValidation(fieldValidation, strictErrors, expected, (message) => call.warn(message))
  call.audit?.recordObject(object)
  return toStorage(definition, version, object)
}

function decodeNamed(call: ApiCall, scope: EndpointScope, fieldValidation: FieldValidation): KubeObject {
  const draft = decodeStored(call, scope, fieldValidation)
  checkName(draft, call.info.name, call.info.namespace, scope.definition.namespaced)
  return draft
}

/** Upstream's checkName, after the namespace has been checked and filled in. */
export function checkName(draft: KubeObject, name: string, namespace: string, namespaced: boolean): void {
  ensureNamespace(draft, { namespaced }, namespace)
  const { name: ownName } = draft.metadata
  if (!ownName) {
    throw newBadRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  }
  if (ownName !== name) {
    throw newBadRequest(`the name of the object (${ownName}) does not match the name on the URL (${name})`)
  }
}
