/** get and list. Upstream: apiserver pkg/endpoints/handlers/get.go. */
import { newBadRequest, newNotFound, newUnknownFailure } from '#machinery/meta/errors.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ResourceStore } from '../../registry/generic/interfaces.ts'
import { interpretError } from '../../registry/generic/interpret-error.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import type { StoreList } from '../../storage/cacher/interface.ts'
import type { EndpointScope } from '../interfaces.ts'
import { negotiateOutput } from '../negotiate.ts'
import type { ParsedListOptions } from '../options/list-options.ts'
import { parseListOptions, resourceVersionProblem } from '../options/list-options.ts'
import { listResponse, objectResponse } from '../output.ts'

export async function serveGet(call: ApiCall, scope: EndpointScope, store: ResourceStore): Promise<ApiResponse> {
  const { info } = call
  refuseExport(call.query.get('export'))
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const { definition } = scope
  const key = store.objects.keyOf(definition.namespaced ? info.namespace : '', info.name)
  const resourceVersion = call.query.get('resourceVersion')
  const problem = resourceVersionProblem(resourceVersion)
  // Upstream does not translate this error of its storage for a get.
  if (problem !== undefined) throw newUnknownFailure(fieldErrorString(problem))
  try {
    const found = await (resourceVersion === '' ? store.objects.get(key) : store.objects.get(key, resourceVersion))
    if (found === undefined) throw newNotFound(definition, info.name)
    return objectResponse(200, found, scope, output, call)
  } catch (err) {
    throw interpretError(err, 'get', definition, info.name)
  }
}

/** Who asks for an export must not take the whole object for one. */
function refuseExport(value: string): void {
  if (value === '' || value === '0' || value.toLowerCase() === 'false') return
  throw newBadRequest('the export parameter, deprecated since v1.14, is no longer supported')
}

export async function serveList(call: ApiCall, scope: EndpointScope, store: ResourceStore): Promise<ApiResponse> {
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const options = parseListOptions(call.query, scope.definition, false)
  return listResponse(await listObjects(call, scope, store, options), scope, output, call)
}

export async function listObjects(
  call: ApiCall,
  scope: EndpointScope,
  store: ResourceStore,
  options: ParsedListOptions,
): Promise<StoreList> {
  const { definition } = scope
  try {
    return await store.objects.list({
      namespace: definition.namespaced ? call.info.namespace : '',
      ...(options.name === undefined ? {} : { name: options.name }),
      selection: options.selection,
      resourceVersion: options.resourceVersion,
      resourceVersionMatch: options.resourceVersionMatch,
      limit: options.limit,
      continueToken: options.continueToken,
    })
  } catch (err) {
    throw interpretError(err, 'list', definition, '')
  }
}
