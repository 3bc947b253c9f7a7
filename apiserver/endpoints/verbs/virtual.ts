/**
 * What is answered without being stored: subresources with a kind of their own (bindings, evictions, tokens), review
 * resources that are only created, and lists computed on the spot.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newNotFound } from '#machinery/meta/errors.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { builtInSchema } from '#machinery/schema/builtin.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import { admissionAttributes } from '../../registry/generic/admission-chain.ts'
import type { SubresourceDefinition } from '../../registry/generic/interfaces.ts'
import { transientObject } from '../../registry/generic/transient-object.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import type { ExpectedKind } from '../body/decode.ts'
import { decodeObject, enforceFieldValidation } from '../body/decode.ts'
import type { EndpointScope } from '../interfaces.ts'
import { negotiateOutput, negotiateWithoutTable } from '../negotiate.ts'
import { parseListOptions } from '../options/list-options.ts'
import { parseWriteOptions } from '../options/write-options.ts'
import { listResponse, objectResponse, valueResponse } from '../output.ts'

type CreateSubresource = Extract<SubresourceDefinition, { readonly type: 'create' }>

export async function serveSubresourceCreate(
  call: ApiCall,
  scope: EndpointScope,
  subresource: CreateSubresource,
): Promise<ApiResponse> {
  const { kind, alsoAs = [] } = subresource
  const expected = { ...kind, schema: builtInSchema(kind.group, kind.version, kind.kind), alsoAs }
  return createUnstored(call, scope, expected, (object) => subresource.create(call.info.name, object, call))
}

export async function serveVirtualCreate(call: ApiCall, scope: EndpointScope): Promise<ApiResponse> {
  const { definition, version } = scope
  const expected = { group: definition.group, version: version.version, kind: definition.kind, schema: version.schema }
  return createUnstored(call, scope, expected, async (object) => {
    if (definition.virtualCreate === undefined) throw newNotFound(definition, '')
    return definition.virtualCreate(object, call)
  })
}

async function createUnstored(
  call: ApiCall,
  scope: EndpointScope,
  expected: ExpectedKind,
  create: (object: KubeObject) => Promise<KubeObject>,
): Promise<ApiResponse> {
  const output = negotiateWithoutTable(call.request.headers['accept'], scope.presenter)
  const { isDryRun, fieldValidation, options } = parseWriteOptions(call.query, 'CreateOptions')
  call.isDryRun = isDryRun
  const { object, strictErrors } = decodeObject(call.request, expected)
  enforceFieldValidation(fieldValidation, strictErrors, expected, (message) => call.warn(message))
  call.audit?.recordObject(object)
  const { info } = call
  const request = {
    context: call,
    version: scope.version.version,
    subresource: info.subresource,
    strategy: scope.definition.strategy,
    options,
  }
  const name = info.name === '' ? (object.metadata.name ?? '') : info.name
  const attributes = {
    ...admissionAttributes(scope.definition, request, { operation: 'CREATE', name, object, oldObject: undefined }),
    kind: { group: expected.group, version: expected.version, kind: expected.kind },
  }
  await scope.admission.admit(attributes)
  await scope.admission.validate(attributes)
  const created = await create(object)
  return valueResponse(
    201,
    { ...created, kind: created.kind ?? expected.kind, apiVersion: created.apiVersion ?? apiVersionOf(expected) },
    output,
  )
}

export function serveVirtualList(call: ApiCall, scope: EndpointScope): ApiResponse {
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const { definition } = scope
  const objects = (definition.virtualList?.() ?? []).map((object) =>
    transientObject(object.metadata.name ?? '', { ...object }),
  )
  if (!call.info.isCollection) {
    const found = objects.find(({ key }) => key === call.info.name)
    if (found === undefined) throw newNotFound(definition, call.info.name)
    return objectResponse(200, found, scope, output, call)
  }
  const { selection } = parseListOptions(call.query, definition, false)
  const items = objects.filter(({ object }) => selection.matches?.(object) ?? true)
  return listResponse(
    { items, resourceVersion: '', continueToken: '', remainingItemCount: undefined },
    scope,
    output,
    call,
  )
}
