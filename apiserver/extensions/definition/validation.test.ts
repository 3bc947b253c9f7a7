import { describe, expect, it } from 'vitest'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import type { SchemaProps } from '../schema/props.ts'
import type { Crd, CrdVersion } from './types.ts'
import { validateCrd, validateCrdUpdate } from './validation.ts'

const version = (overrides: Partial<CrdVersion> = {}): CrdVersion => ({
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object' } },
  ...overrides,
})

function crd(spec: Partial<Crd['spec']> = {}, overrides: Partial<Crd> = {}): Crd {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      versions: [version()],
      conversion: { strategy: 'None' },
      ...spec,
    },
    status: { storedVersions: ['v1'] },
    ...overrides,
  }
}

const withSchema = (schema: SchemaProps, more: Partial<CrdVersion> = {}): Crd =>
  crd({ versions: [version({ schema: { openAPIV3Schema: schema }, ...more })] })
const withA = (type: string) => ({
  openAPIV3Schema: { type: 'object', properties: { a: { type } } },
})
const withField = (foo: SchemaProps): Crd => withSchema({ type: 'object', properties: { foo } })

const ROOT = 'spec.validation.openAPIV3Schema'
const FOO = `${ROOT}.properties[foo]`

describe('validateCrd', () => {
  it('accepts a plain definition', () => {
    expect(validateCrd(crd())).toEqual([])
  })

  const rows: readonly [name: string, object: Crd, errors: string[]][] = [
    [
      'name is plural and group',
      crd({}, { metadata: { name: 'x.example.com' } }),
      ['metadata.name: Invalid value: "x.example.com": must be spec.names.plural+"."+spec.group'],
    ],
    [
      'group has a dot',
      crd({ group: 'example' }, { metadata: { name: 'things.example' } }),
      ['spec.group: Invalid value: "example": should be a domain with at least one dot'],
    ],
    [
      'scope',
      crd({ scope: 'Galaxy' }),
      ['spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'],
    ],
    [
      'kind and listKind differ',
      crd({ names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'Thing' } }),
      ['spec.names.listKind: Invalid value: "Thing": kind and listKind may not be the same'],
    ],
    [
      'short names are labels',
      crd({ names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList', shortNames: ['T'] } }),
      [
        "spec.names.shortNames[0]: Invalid value: \"T\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    [
      'schema is required',
      crd({ versions: [{ name: 'v1', served: true, storage: true }] }),
      ['spec.versions[0].schema.openAPIV3Schema: Required value'],
    ],
    [
      'preserveUnknownFields must be false',
      crd({ preserveUnknownFields: true }),
      [
        'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ],
    ],
    [
      'root has a type',
      withSchema({ properties: {} }),
      [`${ROOT}.type: Required value: must not be empty at the root`],
    ],
    [
      'fields have a type',
      withField({}),
      [`${FOO}.type: Required value: must not be empty for specified object fields`],
    ],
    [
      'items have a type',
      withField({ type: 'array', items: {} }),
      [`${FOO}.items.type: Required value: must not be empty for specified array items`],
    ],
    ['arrays have items', withField({ type: 'array' }), [`${FOO}.items: Required value: must be specified`]],
    [
      'types are known',
      withField({ type: 'text' }),
      [
        `${FOO}.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
      ],
    ],
    [
      'value rules carry no type',
      withField({ type: 'string', anyOf: [{ type: 'string' }] }),
      [`${FOO}.anyOf[0].type: Forbidden: must be empty to be structural`],
    ],
    [
      'value rules speak of specified fields',
      withSchema({ type: 'object', anyOf: [{ properties: { bar: { minimum: 1 } } }] }),
      [`${ROOT}.properties[bar]: Required value: because it is defined in ${ROOT}.anyOf[0].properties[bar]`],
    ],
    [
      'int-or-string may repeat its types',
      withField({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }),
      [],
    ],
    [
      'metadata can be restricted in name only',
      withSchema({
        type: 'object',
        properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } },
      }),
      [
        `${ROOT}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
      ],
    ],
    [
      'metadata.name can be restricted',
      withSchema({
        type: 'object',
        properties: { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 5 } } } },
      }),
      [],
    ],
    [
      'additionalProperties and properties exclude each other',
      withField({ type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } }),
      [`${FOO}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
    ],
    [
      '$ref is not supported',
      withField({ type: 'object', $ref: '#/x' }),
      [`${FOO}.$ref: Forbidden: $ref is not supported`],
    ],
    [
      'uniqueItems',
      withField({ type: 'array', items: { type: 'string' }, uniqueItems: true }),
      [
        `${FOO}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
      ],
    ],
    [
      'patterns compile',
      withField({ type: 'string', pattern: 'a(b' }),
      [
        `${FOO}.pattern: Invalid value: "a(b": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`a(b\``,
      ],
    ],
    [
      'list-map keys are required or have a default',
      withField({
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object', properties: { name: { type: 'string' } } },
      }),
      [
        `${FOO}.items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    [
      'list-map keys exist',
      withField({
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object' },
      }),
      [`${FOO}.x-kubernetes-list-map-keys: Invalid value: ["name"]: entries must all be names of item properties`],
    ],
    [
      'items of sets are atomic',
      withField({ type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'object' } }),
      [
        `${FOO}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
      ],
    ],
    [
      'defaults are valid',
      withField({ type: 'integer', default: 'x' }),
      [`${FOO}.default: Invalid value: "string":  in body must be of type integer: "string"`],
    ],
    [
      'defaults are pruned',
      withField({ type: 'object', default: { bar: 1 } }),
      [`${FOO}.default: Invalid value: {"bar":1}: must not have unknown fields`],
    ],
    [
      'no defaults for metadata',
      withSchema({ type: 'object', properties: { kind: { type: 'string', default: 'A' } } }),
      [`${ROOT}.properties[kind].default: Forbidden: must not be set in top-level kind`],
    ],
    [
      'the root with a status subresource',
      withSchema(
        { type: 'object', 'x-kubernetes-embedded-resource': false, maxProperties: 3 },
        { subresources: { status: {} } },
      ),
      [
        `${ROOT}: Invalid value: {"type":"object","x-kubernetes-embedded-resource":false,"maxProperties":3}: only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled`,
      ],
    ],
    [
      'scale paths',
      crd({
        versions: [
          version({
            subresources: {
              scale: { specReplicasPath: '.status.x', statusReplicasPath: 'y', labelSelectorPath: '.x' },
            },
          }),
        ],
      }),
      [
        'spec.subresources.scale.specReplicasPath: Invalid value: ".status.x": should be a json path under .spec',
        'spec.subresources.scale.statusReplicasPath: Invalid value: "y": must be a simple json path starting with .',
        'spec.subresources.scale.labelSelectorPath: Invalid value: ".x": should be a json path under either .spec or .status',
      ],
    ],
    [
      'printer columns',
      crd({ versions: [version({ additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: 'x' }] })] }),
      [
        'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "x": must be a simple json path starting with .',
      ],
    ],
    [
      'selectable fields',
      withSchema(
        { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string' } } } } },
        {
          selectableFields: [
            { jsonPath: '.spec.a' },
            { jsonPath: '.spec.a' },
            { jsonPath: '.spec.b' },
            { jsonPath: '.spec' },
          ],
        },
      ),
      [
        'spec.selectableFields[1].jsonPath: Duplicate value: ".spec.a"',
        'spec.selectableFields[2].jsonPath: Invalid value: ".spec.b": is an invalid path: does not refer to a valid field',
        'spec.selectableFields[3].jsonPath: Invalid value: ".spec": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
      ],
    ],
    [
      'defaults that break rules',
      withSchema({
        type: 'object',
        properties: {
          good: { type: 'integer', default: 3, 'x-kubernetes-validations': [{ rule: 'self > 2' }] },
          low: { type: 'integer', default: 1, 'x-kubernetes-validations': [{ rule: 'self > 2', message: 'too low' }] },
          same: { type: 'integer', default: 1, 'x-kubernetes-validations': [{ rule: 'self > oldSelf' }] },
          first: {
            type: 'string',
            default: 'b',
            'x-kubernetes-validations': [
              { rule: "oldSelf.hasValue() || self == 'a'", optionalOldSelf: true, message: 'begins as a' },
            ],
          },
          deep: {
            type: 'object',
            default: { n: 0 },
            properties: { n: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > 0' }] } },
          },
        },
      }),
      [
        `${ROOT}.properties[low].default: Invalid value: 1: too low`,
        `${ROOT}.properties[same].default: Invalid value: 1: failed rule: self > oldSelf`,
        `${ROOT}.properties[first].default: Invalid value: "b": begins as a`,
        `${ROOT}.properties[deep].default.n: Invalid value: 0: failed rule: self > 0`,
      ],
    ],
    [
      'paths of selectable fields',
      withSchema(
        {
          type: 'object',
          properties: {
            a: { type: 'string' },
            list: { type: 'array', items: { type: 'string' } },
            map: { type: 'object', additionalProperties: { type: 'string' } },
            metadata: { type: 'object', properties: { name: { type: 'string' } } },
          },
        },
        {
          selectableFields: ['', 'a', '.', '.list[0]', ".['a']", '.list.a', '.map.a', '.metadata.name', '.a.'].map(
            (jsonPath) => ({ jsonPath }),
          ),
        },
      ),
      [
        'spec.selectableFields[0].jsonPath: Required value',
        'spec.selectableFields[1].jsonPath: Invalid value: "a": is an invalid path: expected [ or . but got: a',
        'spec.selectableFields[2].jsonPath: Invalid value: ".": is an invalid path: unexpected end of JSON path',
        'spec.selectableFields[3].jsonPath: Invalid value: ".list[0]": is an invalid path: array notation is not allowed',
        'spec.selectableFields[4].jsonPath: Invalid value: ".[\'a\']": is an invalid path: does not refer to a valid field',
        'spec.selectableFields[5].jsonPath: Invalid value: ".list.a": is an invalid path: does not refer to a valid field',
        'spec.selectableFields[7].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata',
        'spec.selectableFields[8].jsonPath: Invalid value: ".a.": is an invalid path: unexpected end of JSON path',
      ],
    ],
    [
      'selectable fields that all versions have, of schemas that differ',
      crd({
        versions: [
          version({ selectableFields: [{ jsonPath: '.a' }], schema: withA('string') }),
          version({ name: 'v2', storage: false, selectableFields: [{ jsonPath: '.a' }], schema: withA('integer') }),
        ],
      }),
      ['spec.selectableFields: Invalid value: "": may only be set when validations.schema is included'],
    ],
    [
      'defaults beside preserved unknown fields',
      {
        ...withSchema({ type: 'object', properties: { a: { type: 'string', default: 'b' } } }),
        spec: {
          ...withSchema({ type: 'object', properties: { a: { type: 'string', default: 'b' } } }).spec,
          preserveUnknownFields: true,
        },
      },
      [
        'spec.preserveUnknownFields: Invalid value: true: must be false in order to use defaults in the schema',
        'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ],
    ],
    [
      'webhook conversion',
      crd({ conversion: { strategy: 'Webhook' } }),
      [
        'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
        'spec.conversion.conversionReviewVersions: Required value',
      ],
    ],
    [
      'protected groups',
      crd(
        { group: 'x.k8s.io' },
        { metadata: { name: 'things.x.k8s.io', annotations: { 'api-approved.kubernetes.io': 'because' } } },
      ),
      [
        'metadata.annotations[api-approved.kubernetes.io]: Invalid value: "because": protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111',
      ],
    ],
  ]
  it.each(rows)('%s', (_, object, expected) => {
    expect(validateCrd(object).map(fieldErrorString)).toEqual(expected)
  })

  it('wants one storage version and unique names', () => {
    const versions = [version(), version()]
    const details = validateCrd(crd({ versions })).map((error) => error.detail)
    expect(details).toEqual([
      'must contain unique version names',
      'must have exactly one version marked as storage version',
    ])
  })

  it('names the version when schemas differ', () => {
    const v2 = version({
      name: 'v2',
      storage: false,
      schema: { openAPIV3Schema: { type: 'object', properties: { foo: {} } } },
    })
    expect(validateCrd(crd({ versions: [version(), v2] })).map((error) => error.field)).toEqual([
      'spec.versions[1].schema.openAPIV3Schema.properties[foo].type',
    ])
  })

  it('bounds the depth of schemas', () => {
    let schema: SchemaProps = { type: 'object' }
    for (let i = 0; i < 2000; i++) schema = { type: 'object', properties: { a: schema } }
    expect(validateCrd(withSchema(schema)).map((error) => error.detail)).toEqual([
      'must not be nested more than 256 levels deep',
    ])
  })
})

describe('validateCrdUpdate', () => {
  const established = (object: Crd): Crd => ({
    ...object,
    status: { ...object.status, conditions: [{ type: 'Established', status: 'True' }] },
  })

  it('keeps group and plural always, scope and kind once established', () => {
    const changed = crd({
      scope: 'Cluster',
      names: { plural: 'others', singular: 'thing', kind: 'Other', listKind: 'ThingList' },
    })
    const fields = (old: Crd): string[] => validateCrdUpdate(changed, old).map((error) => error.field)
    expect(fields(crd())).toEqual(['spec.names.plural'])
    expect(fields(established(crd()))).toEqual(['spec.scope', 'spec.names.kind', 'spec.names.plural'])
  })

  it('keeps versions that objects may be stored in', () => {
    const versions = [version({ name: 'v2' })]
    const changed = crd({ versions }, { status: { storedVersions: ['v1', 'v2'] } })
    expect(validateCrdUpdate(changed, crd()).map(fieldErrorString)).toEqual([
      'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
    ])
  })

  it('lets a definition that was never right be changed', () => {
    const old = withField({ type: 'text' })
    expect(validateCrdUpdate(old, old)).toEqual([])
    expect(validateCrdUpdate(old, crd()).map((error) => error.field)).toEqual([`${FOO}.type`])
  })
})
