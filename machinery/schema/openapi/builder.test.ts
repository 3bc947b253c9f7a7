import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { isObject } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import { schemaFacts } from '../facts.ts'
import type { OpenApiResource } from '../interfaces.ts'
import { newOpenApiBuilder } from './builder.ts'
import { clientNodeDescriptions } from './descriptions.ts'
import { openApiV2ToProtobuf } from './proto.ts'

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** Every built-in kind that has a list, as if all were namespaced. */
const BUILT_IN: readonly OpenApiResource[] = schemaFacts()
  .file.kinds.filter(([group, version, kind]) => schemaFacts().typeOfKind(group, version, `${kind}List`) !== undefined)
  .map(([group, version, kind]) => ({
    group,
    version,
    kind,
    listKind: `${kind}List`,
    resource: `${kind.toLowerCase()}s`,
    namespaced: true,
    verbs: ALL_VERBS,
    subresources: [{ name: 'status', verbs: ['get', 'update', 'patch'] }],
    schema: undefined,
  }))

const CRON_TAB: OpenApiResource = {
  group: 'stable.example.com',
  version: 'v1',
  kind: 'CronTab',
  listKind: 'CronTabList',
  resource: 'crontabs',
  namespaced: false,
  verbs: ALL_VERBS,
  subresources: [
    { name: 'scale', verbs: ['get'], kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' } },
    { name: 'shell', verbs: ['connect'] },
  ],
  schema: {
    type: 'object',
    required: ['spec'],
    properties: {
      spec: {
        type: 'object',
        required: ['image', 'maybe'],
        properties: {
          image: { type: 'string', default: 'a' },
          maybe: { type: 'string', nullable: true },
          port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
          any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string' } } },
          list: { type: 'array', 'x-kubernetes-preserve-unknown-fields': true, items: { type: 'string' } },
          template: { type: 'object', 'x-kubernetes-embedded-resource': true },
          raw: {
            type: 'object',
            'x-kubernetes-embedded-resource': true,
            'x-kubernetes-preserve-unknown-fields': true,
          },
        },
      },
    },
  },
}

const builder = newOpenApiBuilder({ version: 'v1.36.4' })
const v2 = builder.v2([...BUILT_IN, CRON_TAB])
const v3 = builder.v3('apps', 'v1', [...BUILT_IN, CRON_TAB])
const customV3 = builder.v3('stable.example.com', 'v1', [...BUILT_IN, CRON_TAB])

function at(value: JsonValue | undefined, ...path: (string | number)[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((current, step) => {
    if (Array.isArray(current)) return current[Number(step)]
    return isObject(current) ? (current as JsonObject)[step] : undefined
  }, value)
}

function referencesIn(value: JsonValue | undefined, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const element of value) referencesIn(element, found)
  else if (isObject(value)) {
    for (const [key, member] of Object.entries(value as JsonObject)) {
      if (key === '$ref' && typeof member === 'string') found.add(member)
      else referencesIn(member, found)
    }
  }
  return found
}

describe('every document', () => {
  it.each([
    ['v2', v2],
    ['v3', v3],
    ['v3 of a custom group', customV3],
  ])('resolves all its references: %s', (_, document) => {
    const references = [...referencesIn(document)]
    expect(references.length).toBeGreaterThan(5)
    const dangling = references.filter((reference) => at(document, ...reference.slice(2).split('/')) === undefined)
    expect(dangling).toEqual([])
  })

  it('gives operations unique ids', () => {
    const ids = Object.values(v2['paths'] as JsonObject).flatMap((item) =>
      Object.values(item as JsonObject).flatMap((operation) => at(operation, 'operationId') ?? []),
    )
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('v2', () => {
  const definitions = v2['definitions']

  it('describes fields with their patch and list metadata', () => {
    expect(at(definitions, 'io.k8s.api.core.v1.PodSpec', 'properties', 'volumes')).toEqual({
      type: 'array',
      items: { $ref: '#/definitions/io.k8s.api.core.v1.Volume' },
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge,retainKeys',
    })
    expect(at(definitions, 'io.k8s.api.core.v1.ContainerPort')).toMatchObject({
      required: ['containerPort'],
      properties: {
        containerPort: { type: 'integer', format: 'int32' },
        protocol: { type: 'string', enum: ['SCTP', 'TCP', 'UDP'] },
      },
    })
    expect(at(definitions, 'io.k8s.api.core.v1.Secret', 'properties', 'data')).toEqual({
      type: 'object',
      additionalProperties: { type: 'string', format: 'byte' },
    })
    expect(at(definitions, 'io.k8s.api.core.v1.LocalObjectReference', 'x-kubernetes-map-type')).toBe('atomic')
  })

  it('has no defaults in built-in types', () => {
    expect(JSON.stringify(at(definitions, 'io.k8s.api.core.v1.ContainerPort'))).not.toContain('default')
  })

  it('names the kinds of definitions', () => {
    expect(at(definitions, 'io.k8s.api.apps.v1.Deployment', 'x-kubernetes-group-version-kind')).toEqual([
      { group: 'apps', kind: 'Deployment', version: 'v1' },
    ])
    const deleteOptions = at(
      definitions,
      'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions',
      'x-kubernetes-group-version-kind',
    )
    expect(deleteOptions).toContainEqual({ group: 'apps', kind: 'DeleteOptions', version: 'v1' })
    expect(deleteOptions).toContainEqual({ group: 'stable.example.com', kind: 'DeleteOptions', version: 'v1' })
  })

  it('says in the patch operation that dry run and field validation are supported', () => {
    const patch = at(v2, 'paths', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}', 'patch')
    expect(patch).toMatchObject({
      operationId: 'patchAppsV1NamespacedDeployment',
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group: 'apps', kind: 'Deployment', version: 'v1' },
    })
    const names = (at(patch, 'parameters') as JsonObject[]).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['body', 'dryRun', 'fieldManager', 'fieldValidation', 'force']))
  })

  it('names operations as upstream', () => {
    const id = (path: string, method: string): unknown => at(v2, 'paths', path, method, 'operationId')
    expect(id('/api/v1/pods', 'get')).toBe('listCoreV1PodForAllNamespaces')
    expect(id('/api/v1/namespaces/{namespace}/pods', 'delete')).toBe('deleteCoreV1CollectionNamespacedPod')
    expect(id('/api/v1/namespaces/{namespace}/pods/{name}/status', 'put')).toBe('replaceCoreV1NamespacedPodStatus')
    expect(id('/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/{name}', 'get')).toBe(
      'readRbacAuthorizationV1NamespacedRole',
    )
    expect(id('/apis/stable.example.com/v1/crontabs/{name}/shell', 'post')).toBe(
      'connectStableExampleComV1PostCronTabShell',
    )
  })

  it('cuts custom schemas down to what v2 can say', () => {
    const crontab = at(definitions, 'com.example.stable.v1.CronTab')
    expect(crontab).toMatchObject({
      required: ['spec'],
      properties: {
        metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
        kind: { type: 'string' },
      },
      'x-kubernetes-group-version-kind': [{ group: 'stable.example.com', kind: 'CronTab', version: 'v1' }],
    })
    expect(at(crontab, 'properties', 'spec')).toEqual({
      type: 'object',
      required: ['image'],
      properties: {
        image: { type: 'string', default: 'a' },
        maybe: {},
        port: { 'x-kubernetes-int-or-string': true },
        any: { 'x-kubernetes-preserve-unknown-fields': true },
        list: { 'x-kubernetes-preserve-unknown-fields': true },
        template: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          required: ['kind', 'apiVersion'],
          properties: {
            apiVersion: { type: 'string' },
            kind: { type: 'string' },
            metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
          },
        },
        raw: { 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      },
    })
  })

  it.each([
    ['none', undefined],
    [
      'one that keeps unknown fields',
      { type: 'object', description: 'x', 'x-kubernetes-preserve-unknown-fields': true },
    ],
  ])('lists no property of a custom kind whose schema is %s', (_, schema) => {
    const document = builder.v2([{ ...CRON_TAB, schema }])
    expect(at(document, 'definitions', 'com.example.stable.v1.CronTab')).toEqual({
      type: 'object',
      'x-kubernetes-group-version-kind': [{ group: 'stable.example.com', kind: 'CronTab', version: 'v1' }],
    })
  })

  it('tells what field selectors of a custom kind may ask for', () => {
    const resource = { ...CRON_TAB, selectableFields: ['spec.image'] }
    const definitions = builder.v2([resource])['definitions'] as JsonObject
    for (const kind of ['CronTab', 'CronTabList']) {
      const fields = at(definitions, `com.example.stable.v1.${kind}`, 'x-kubernetes-selectable-fields')
      expect(fields).toEqual([{ fieldPath: 'spec.image' }])
    }
  })
})

describe('v3', () => {
  const schemas = at(v3, 'components', 'schemas')

  it('holds only what the group version needs', () => {
    expect(Object.keys(v3['paths'] as JsonObject).every((path) => path.startsWith('/apis/apps/v1/'))).toBe(true)
    expect(at(schemas, 'io.k8s.api.batch.v1.Job')).toBeUndefined()
    expect(at(schemas, 'io.k8s.api.core.v1.PodSpec')).toBeDefined()
  })

  it('carries defaults', () => {
    expect(at(schemas, 'io.k8s.api.core.v1.ContainerPort', 'properties')).toMatchObject({
      containerPort: { default: 0 },
      protocol: { default: 'TCP' },
    })
    expect(at(schemas, 'io.k8s.api.apps.v1.DeploymentSpec', 'properties', 'template')).toEqual({
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.PodTemplateSpec' }],
      default: {},
    })
  })

  it('keeps custom schemas whole', () => {
    const spec = at(customV3, 'components', 'schemas', 'com.example.stable.v1.CronTab', 'properties', 'spec')
    expect(spec).toMatchObject({ properties: { maybe: { nullable: true }, port: { anyOf: [{}, {}] } } })
  })

  it('keeps the definition of a built-in kind when a custom one would have its name', () => {
    const apps = { ...CRON_TAB, group: 'apps.api.k8s.io', kind: 'Deployment', listKind: 'DeploymentList' }
    const schemas = at(builder.v3('apps.api.k8s.io', 'v1', [apps]), 'components', 'schemas') as JsonObject
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining(['io.k8s.api.apps.v1.DeploymentList_v2', 'io.k8s.api.apps.v1.Deployment_v2']),
    )
    const before = at(builder.v2(BUILT_IN), 'definitions', 'io.k8s.api.apps.v1.Deployment')
    expect(at(builder.v2([...BUILT_IN, apps]), 'definitions', 'io.k8s.api.apps.v1.Deployment')).toEqual(before)
  })

  it('offers strategic merge for built-in kinds only', () => {
    const content = (document: JsonObject, path: string): string[] =>
      Object.keys(at(document, 'paths', path, 'patch', 'requestBody', 'content') as JsonObject)
    const strategic = 'application/strategic-merge-patch+json'
    expect(content(v3, '/apis/apps/v1/namespaces/{namespace}/deployments/{name}')).toContain(strategic)
    expect(content(customV3, '/apis/stable.example.com/v1/crontabs/{name}')).not.toContain(strategic)
  })
})

describe('describing', () => {
  it('puts texts on types and fields', () => {
    const described = newOpenApiBuilder({
      version: 'v1',
      describe: (definition, field) => `${definition.slice(definition.lastIndexOf('.') + 1)}/${field ?? ''}`,
    })
    const document = described.v3('apps', 'v1', BUILT_IN)
    expect(at(document, 'components', 'schemas', 'io.k8s.api.apps.v1.DeploymentSpec')).toMatchObject({
      description: 'DeploymentSpec/',
      properties: { template: { description: 'DeploymentSpec/template' } },
    })
    const custom = described.v3('stable.example.com', 'v1', [CRON_TAB])
    expect(at(custom, 'components', 'schemas', 'com.example.stable.v1.CronTab', 'properties')).toMatchObject({
      apiVersion: { description: 'ConfigMap/apiVersion' },
      metadata: { description: 'ConfigMap/metadata' },
    })
  })
})

const describeType = clientNodeDescriptions()

describe.skipIf(describeType === undefined)(
  'clientNodeDescriptions (skipped: @kubernetes/client-node is absent)',
  () => {
    it.each([
      ['io.k8s.api.core.v1.Pod', undefined],
      ['io.k8s.api.core.v1.Event', 'reason'],
      ['io.k8s.api.core.v1.ContainerPort', 'containerPort'],
      ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'name'],
      ['io.k8s.api.core.v1.ServiceSpec', 'clusterIP'],
      ['io.k8s.api.core.v1.ConfigMap', 'metadata'],
    ])('knows %s %s', (definition, field) => {
      expect(describeType?.(definition, field)).toMatch(/\w+ \w+/)
    })

    it('has nothing to say about strangers', () => {
      expect(describeType?.('com.example.v1.Foo', undefined)).toBeUndefined()
      expect(describeType?.('../../x', 'y')).toBeUndefined()
    })
  },
)

describe('openApiV2ToProtobuf', () => {
  /** The messages of gnostic's OpenAPIv2.proto this test looks into. */
  const { root } = protobuf.parse(
    `syntax = "proto3";
    message Any { string yaml = 2; }
    message NamedAny { string name = 1; Any value = 2; }
    message TypeItem { repeated string value = 1; }
    message ItemsItem { repeated Schema schema = 1; }
    message AdditionalPropertiesItem { Schema schema = 1; }
    message NamedSchema { string name = 1; Schema value = 2; }
    message Properties { repeated NamedSchema additional_properties = 1; }
    message Schema { string ref = 1; string format = 2; repeated string required = 19; repeated Any enum = 20;
      AdditionalPropertiesItem additional_properties = 21; TypeItem type = 22; ItemsItem items = 23;
      Properties properties = 25; repeated NamedAny vendor_extension = 31; }
    message Query { string name = 4; string type = 6; string format = 7; }
    message NonBodyParameter { Query query = 3; }
    message Parameter { NonBodyParameter non_body = 2; }
    message JsonReference { string ref = 1; }
    message ParametersItem { Parameter parameter = 1; JsonReference json_reference = 2; }
    message NamedParameter { string name = 1; Parameter value = 2; }
    message ParameterDefinitions { repeated NamedParameter additional_properties = 1; }
    message Operation { string operation_id = 5; repeated ParametersItem parameters = 8; repeated NamedAny vendor_extension = 13; }
    message PathItem { Operation get = 2; Operation patch = 8; }
    message NamedPathItem { string name = 1; PathItem value = 2; }
    message Paths { repeated NamedPathItem path = 2; }
    message Document { string swagger = 1; Paths paths = 8; Properties definitions = 9; ParameterDefinitions parameters = 10; }`,
    { keepCase: true },
  )
  const type = root.lookupType('Document')
  const decoded = type.toObject(type.decode(openApiV2ToProtobuf(v2))) as JsonObject

  it('holds every path and definition', () => {
    expect(decoded['swagger']).toBe('2.0')
    const names = (of: JsonValue | undefined): string[] => (of as JsonObject[]).map(({ name }) => name as string)
    expect(names(at(decoded, 'definitions', 'additional_properties'))).toEqual(
      Object.keys(v2['definitions'] as JsonObject),
    )
    expect(names(at(decoded, 'paths', 'path'))).toEqual(Object.keys(v2['paths'] as JsonObject))
  })

  it('refers to the parameters of the document', () => {
    const limit = { name: 'limit', in: 'query', type: 'integer', format: 'int64' }
    const document: JsonObject = {
      swagger: '2.0',
      paths: { '/x': { get: { parameters: [{ $ref: '#/parameters/limit' }] } } },
      parameters: { limit },
    }
    const { parameters, paths } = type.toObject(type.decode(openApiV2ToProtobuf(document))) as JsonObject
    const query = { name: 'limit', type: 'integer', format: 'int64' }
    expect(parameters).toEqual({ additional_properties: [{ name: 'limit', value: { non_body: { query } } }] })
    expect(at(paths, 'path')).toMatchObject([
      { value: { get: { parameters: [{ json_reference: { ref: '#/parameters/limit' } }] } } },
    ])
  })

  it('carries extensions as YAML text', () => {
    const find = (list: JsonValue | undefined, name: string): JsonObject =>
      (list as JsonObject[]).find((entry) => entry['name'] === name) as JsonObject
    const podSpec = find(at(decoded, 'definitions', 'additional_properties'), 'io.k8s.api.core.v1.PodSpec')
    const containers = find(at(podSpec, 'value', 'properties', 'additional_properties'), 'containers')
    expect(containers['value']).toMatchObject({
      type: { value: ['array'] },
      items: { schema: [{ ref: '#/definitions/io.k8s.api.core.v1.Container' }] },
      vendor_extension: expect.arrayContaining([
        { name: 'x-kubernetes-patch-merge-key', value: { yaml: '"name"' } },
        { name: 'x-kubernetes-list-map-keys', value: { yaml: '["name"]' } },
      ]),
    })
    const item = find(at(decoded, 'paths', 'path'), '/apis/apps/v1/namespaces/{namespace}/deployments/{name}')
    expect(at(item, 'value', 'patch')).toMatchObject({
      operation_id: 'patchAppsV1NamespacedDeployment',
      parameters: expect.arrayContaining([{ parameter: { non_body: { query: { name: 'dryRun', type: 'string' } } } }]),
      vendor_extension: expect.arrayContaining([
        {
          name: 'x-kubernetes-group-version-kind',
          value: { yaml: '{"group":"apps","kind":"Deployment","version":"v1"}' },
        },
      ]),
    })
  })
})
