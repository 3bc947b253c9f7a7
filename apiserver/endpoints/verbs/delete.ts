/** delete and deletecollection. Upstream: apiserver pkg/endpoints/handlers/delete.go. */
import type { DeleteOptions, Status, StatusDetails } from '#machinery/api/meta/v1.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ResourceDefinition, ResourceStore } from '../../registry/generic/interfaces.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import type { EndpointScope } from '../interfaces.ts'
import { negotiateOutput } from '../negotiate.ts'
import { parseDeleteOptions } from '../options/delete-options.ts'
import { parseListOptions } from '../options/list-options.ts'
import { listResponse, objectResponse, valueResponse } from '../output.ts'
import { listObjects } from './read.ts'

export async function serveDelete(call: ApiCall, scope: EndpointScope, store: ResourceStore): Promise<ApiResponse> {
  const { definition } = scope
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const deleteOptions = parseDeleteOptions(call)
  const request = { ...deleteRequest(call, scope, deleteOptions), name: call.info.name }
  const { object, isDeleted } = await store.delete(request)
  if (!isDeleted) {
    const isAccepted = deleteOptions.orphanDependents === false
    return objectResponse(isAccepted ? 202 : 200, object, scope, output, call)
  }
  if (definition.strategy.returnsDeletedObject === true) return objectResponse(200, object, scope, output, call)
  return valueResponse(200, deletedStatus(definition, call.info.name, object.object.metadata.uid), output)
}

export async function serveDeleteCollection(
  call: ApiCall,
  scope: EndpointScope,
  store: ResourceStore,
): Promise<ApiResponse> {
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const listOptions = parseListOptions(call.query, scope.definition, false)
  const deleteOptions = parseDeleteOptions(call)
  const list = await listObjects(call, scope, store, listOptions)
  const items = await store.deleteCollection(list.items, deleteRequest(call, scope, deleteOptions))
  return listResponse({ ...list, items }, scope, output, call)
}

function deleteRequest(call: ApiCall, scope: EndpointScope, deleteOptions: DeleteOptions) {
  call.isDryRun = (deleteOptions.dryRun ?? []).length > 0
  for (const warning of scope.definition.strategy.deletionWarnings?.(deleteOptions) ?? []) call.warn(warning)
  return {
    context: call,
    version: scope.version.version,
    subresource: '',
    strategy: scope.definition.strategy,
    options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...deleteOptions },
    deleteOptions,
  }
}

function deletedStatus(definition: ResourceDefinition, name: string, uid: string | undefined): Status {
  const details: StatusDetails = { name }
  if (definition.group !== '') details.group = definition.group
  details.kind = definition.resource
  if (uid !== undefined) details.uid = uid
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}
