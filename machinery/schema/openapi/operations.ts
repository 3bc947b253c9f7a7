/**
 * OpenAPI paths of a resource: verbs to operations with their parameters, bodies, actions and kinds.
 * Upstream: apiserver pkg/endpoints/installer.go. Differs: parameters are written out where they are used, deprecated /watch/
 * paths are left out.
 */
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import type { OpenApiResource } from '../interfaces.ts'
import type { OpenApiDialect } from './definitions.ts'
import { capitalized, operationGroup, tagOf } from './names.ts'

interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** How bodies are referred to. */
export interface OperationTypes {
  ofKind(kind: GroupVersionKind): JsonObject
  ofList(): JsonObject
  readonly deleteOptions: JsonObject
  readonly status: JsonObject
  readonly patch: JsonObject
}

type Method = 'get' | 'put' | 'post' | 'delete' | 'patch'

interface OperationSpec {
  readonly verb: string
  readonly method: Method
  readonly action: string
  readonly operationId: string
  readonly kind: GroupVersionKind
  readonly body?: JsonObject
  readonly isBodyOptional?: boolean
  readonly response: JsonObject
  readonly successCodes: readonly string[]
  readonly parameters: readonly Parameter[]
}

type Parameter = readonly [name: string, type: 'string' | 'integer' | 'boolean']

const PRETTY: Parameter = ['pretty', 'string']
const DRY_RUN: Parameter = ['dryRun', 'string']
const FIELD_MANAGER: Parameter = ['fieldManager', 'string']
const FIELD_VALIDATION: Parameter = ['fieldValidation', 'string']
const WRITE: readonly Parameter[] = [DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION]
const LIST: readonly Parameter[] = [
  ['allowWatchBookmarks', 'boolean'],
  ['continue', 'string'],
  ['fieldSelector', 'string'],
  ['labelSelector', 'string'],
  ['limit', 'integer'],
  ['resourceVersion', 'string'],
  ['resourceVersionMatch', 'string'],
  ['sendInitialEvents', 'boolean'],
  ['timeoutSeconds', 'integer'],
  ['watch', 'boolean'],
]
const DELETE: readonly Parameter[] = [
  DRY_RUN,
  ['gracePeriodSeconds', 'integer'],
  ['ignoreStoreReadErrorWithClusterBreakingPotential', 'boolean'],
  ['orphanDependents', 'boolean'],
  ['propagationPolicy', 'string'],
]

const MEDIA_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const WATCH_MEDIA_TYPES = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']
const PATCH_MEDIA_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
]
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json'

/** Path templates and path items of one resource. */
export function resourcePaths(
  resource: OpenApiResource,
  types: OperationTypes,
  dialect: OpenApiDialect,
): [string, JsonObject][] {
  const { group, version, namespaced } = resource
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const scoped = `${root}${namespaced ? '/namespaces/{namespace}' : ''}/${resource.resource}`
  const scope = namespaced ? ['namespace'] : []
  const items: [string, string[], OperationSpec[]][] = [
    [scoped, scope, collectionOperations(resource, types)],
    [`${scoped}/{name}`, ['name', ...scope], itemOperations(resource, types)],
    ...resource.subresources.map(({ name }): [string, string[], OperationSpec[]] => [
      `${scoped}/{name}/${name}`,
      ['name', ...scope],
      subresourceOperations(resource, name, types),
    ]),
  ]
  if (namespaced && resource.verbs.includes('list')) {
    const everywhere = listOperation(resource, types, `${resource.kind}ForAllNamespaces`)
    items.push([`${root}/${resource.resource}`, [], [everywhere]])
  }
  return items
    .filter(([, , operations]) => operations.length > 0)
    .map(([path, names, operations]) => [path, pathItem(names, operations, dialect, resource)])
}

function idOf(verb: string, resource: OpenApiResource, subject: string, infix = ''): string {
  return `${verb}${operationGroup(resource.group, resource.version)}${infix}${subject}`
}

function subjectOf(resource: OpenApiResource): string {
  return `${resource.namespaced ? 'Namespaced' : ''}${resource.kind}`
}

function listOperation(resource: OpenApiResource, types: OperationTypes, subject: string): OperationSpec {
  return {
    verb: 'list',
    method: 'get',
    action: 'list',
    operationId: idOf('list', resource, subject),
    kind: resource,
    response: types.ofList(),
    successCodes: ['200'],
    parameters: LIST,
  }
}

function collectionOperations(resource: OpenApiResource, types: OperationTypes): OperationSpec[] {
  const subject = subjectOf(resource)
  const operations: OperationSpec[] = [
    listOperation(resource, types, subject),
    writeOperation('create', 'post', 'post', idOf('create', resource, subject), resource, types, ['200', '201', '202']),
    {
      verb: 'deletecollection',
      method: 'delete',
      action: 'deletecollection',
      operationId: idOf('delete', resource, subject, 'Collection'),
      kind: resource,
      body: types.deleteOptions,
      isBodyOptional: true,
      response: types.status,
      successCodes: ['200'],
      parameters: [...DELETE, ...LIST.filter(([name]) => name !== 'watch' && name !== 'allowWatchBookmarks')],
    },
  ]
  return operations.filter(({ verb }) => resource.verbs.includes(verb))
}

function itemOperations(resource: OpenApiResource, types: OperationTypes): OperationSpec[] {
  const subject = subjectOf(resource)
  const operations: OperationSpec[] = [
    ...objectOperations(resource, resource, subject, types),
    {
      verb: 'delete',
      method: 'delete',
      action: 'delete',
      operationId: idOf('delete', resource, subject),
      kind: resource,
      body: types.deleteOptions,
      isBodyOptional: true,
      response: types.status,
      successCodes: ['200', '202'],
      parameters: DELETE,
    },
  ]
  return operations.filter(({ verb }) => resource.verbs.includes(verb))
}

/** Read, replace and patch of one kind. */
function objectOperations(
  resource: OpenApiResource,
  kind: GroupVersionKind,
  subject: string,
  types: OperationTypes,
): OperationSpec[] {
  return [
    {
      verb: 'get',
      method: 'get',
      action: 'get',
      operationId: idOf('read', resource, subject),
      kind,
      response: types.ofKind(kind),
      successCodes: ['200'],
      parameters: [],
    },
    writeOperation('update', 'put', 'put', idOf('replace', resource, subject), kind, types, ['200', '201']),
    {
      ...writeOperation('patch', 'patch', 'patch', idOf('patch', resource, subject), kind, types, ['200', '201']),
      body: types.patch,
      parameters: [...WRITE, ['force', 'boolean']],
    },
  ]
}

function writeOperation(
  verb: string,
  method: Method,
  action: string,
  operationId: string,
  kind: GroupVersionKind,
  types: OperationTypes,
  successCodes: readonly string[],
): OperationSpec {
  const type = types.ofKind(kind)
  return { verb, method, action, operationId, kind, body: type, response: type, successCodes, parameters: WRITE }
}

function subresourceOperations(resource: OpenApiResource, name: string, types: OperationTypes): OperationSpec[] {
  const subresource = resource.subresources.find((candidate) => candidate.name === name)
  if (subresource === undefined) return []
  const kind = subresource.kind ?? { group: resource.group, version: resource.version, kind: resource.kind }
  const subject = `${subjectOf(resource)}${name.split('/').map(capitalized).join('')}`
  const { verbs } = subresource
  const operations = objectOperations(resource, kind, subject, types)
  operations.push(
    writeOperation('create', 'post', 'post', idOf('create', resource, subject), kind, types, ['200', '201', '202']),
  )
  const served = operations.filter(({ verb }) => verbs.includes(verb))
  if (!verbs.includes('connect')) return served
  const connect = (method: Method): OperationSpec => ({
    verb: 'connect',
    method,
    action: 'connect',
    operationId: idOf('connect', resource, subject, capitalized(method)),
    kind,
    response: { type: 'string' },
    successCodes: ['200'],
    parameters: [],
  })
  const taken = new Set(served.map(({ method }) => method))
  return [...served, ...(['get', 'post'] as const).filter((method) => !taken.has(method)).map(connect)]
}

function pathItem(
  names: readonly string[],
  operations: readonly OperationSpec[],
  dialect: OpenApiDialect,
  resource: OpenApiResource,
): JsonObject {
  const item: JsonObject = {}
  for (const operation of operations) {
    item[operation.method] = dialect === 'v2' ? operationV2(operation, resource) : operationV3(operation, resource)
  }
  const path = names.map((name) => parameterJson([name, 'string'], 'path', dialect))
  item['parameters'] = [...path, parameterJson(PRETTY, 'query', dialect)]
  return item
}

function parameterJson([name, type]: Parameter, place: 'path' | 'query', dialect: OpenApiDialect): JsonObject {
  const required: JsonObject = place === 'path' ? { required: true } : {}
  return dialect === 'v2'
    ? { uniqueItems: true, type, name, in: place, ...required }
    : { name, in: place, ...required, schema: { type, uniqueItems: true } }
}

function producedTypes({ action }: OperationSpec): string[] {
  if (action === 'connect') return ['*/*']
  return action === 'list' ? [...MEDIA_TYPES, ...WATCH_MEDIA_TYPES] : MEDIA_TYPES
}

function consumedTypes({ method }: OperationSpec, isBuiltIn: boolean): string[] {
  if (method !== 'patch') return ['*/*']
  return isBuiltIn ? [...PATCH_MEDIA_TYPES, STRATEGIC_PATCH] : PATCH_MEDIA_TYPES
}

function common(operation: OperationSpec, resource: OpenApiResource): JsonObject {
  const { group, version, kind } = operation.kind
  return {
    tags: [tagOf(resource.group, resource.version)],
    operationId: operation.operationId,
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': { group, kind, version },
  }
}

const UNAUTHORIZED: JsonObject = { description: 'Unauthorized' }
const CODE_TEXTS: Record<string, string> = { '200': 'OK', '201': 'Created', '202': 'Accepted' }

function operationV2(operation: OperationSpec, resource: OpenApiResource): JsonObject {
  const parameters: JsonValue[] = operation.parameters.map((parameter) => parameterJson(parameter, 'query', 'v2'))
  if (operation.body !== undefined) {
    const required: JsonObject = operation.isBodyOptional === true ? {} : { required: true }
    parameters.unshift({ name: 'body', in: 'body', ...required, schema: operation.body })
  }
  const responses = operation.successCodes.map((code): [string, JsonObject] => [
    code,
    { description: CODE_TEXTS[code] ?? 'OK', schema: operation.response },
  ])
  return {
    ...common(operation, resource),
    consumes: consumedTypes(operation, resource.schema === undefined),
    produces: producedTypes(operation),
    schemes: ['https'],
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: { ...Object.fromEntries(responses), '401': UNAUTHORIZED },
  }
}

function operationV3(operation: OperationSpec, resource: OpenApiResource): JsonObject {
  const contentOf = (mediaTypes: readonly string[], schema: JsonObject): JsonObject =>
    Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema }]))
  const responses = operation.successCodes.map((code): [string, JsonObject] => [
    code,
    { description: CODE_TEXTS[code] ?? 'OK', content: contentOf(producedTypes(operation), operation.response) },
  ])
  const parameters = operation.parameters.map((parameter) => parameterJson(parameter, 'query', 'v3'))
  const body = operation.body
  return {
    ...common(operation, resource),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : requestBody(operation, contentOf(consumedTypes(operation, resource.schema === undefined), body))),
    responses: { ...Object.fromEntries(responses), '401': UNAUTHORIZED },
  }
}

function requestBody(operation: OperationSpec, content: JsonObject): JsonObject {
  return { requestBody: operation.isBodyOptional === true ? { content } : { content, required: true } }
}
