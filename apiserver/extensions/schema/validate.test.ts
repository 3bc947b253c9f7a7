import { describe, expect, it } from 'vitest'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { validateListTypes } from './list-types.ts'
import { compileSchema } from './node.ts'
import { validateEmbedded } from './object-meta.ts'
import type { SchemaProps } from './props.ts'
import { validateValue } from './validate.ts'

function specSchema(foo: SchemaProps, required: string[] = []): SchemaProps {
  return { type: 'object', properties: { spec: { type: 'object', required, properties: { foo } } } }
}

function errorsOf(foo: SchemaProps, value: unknown, old?: unknown): string[] {
  const node = compileSchema(specSchema(foo))
  const options = old === undefined ? {} : { old: { spec: { foo: old } } }
  return validateValue({ spec: { foo: value } }, node, options).map(fieldErrorString)
}

describe('validateValue', () => {
  const rows: readonly [name: string, schema: SchemaProps, value: unknown, errors: string[]][] = [
    ['accepts a string', { type: 'string' }, 'x', []],
    [
      'names the wrong type',
      { type: 'integer' },
      'string',
      ['spec.foo: Invalid value: "string": spec.foo in body must be of type integer: "string"'],
    ],
    [
      'names null',
      { type: 'string' },
      null,
      ['spec.foo: Invalid value: "null": spec.foo in body must be of type string: "null"'],
    ],
    ['accepts null when nullable', { type: 'string', nullable: true }, null, []],
    [
      'reports a fraction for an integer twice, as upstream',
      { type: 'integer' },
      1.5,
      [
        'spec.foo: Invalid value: "number": spec.foo in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.foo',
      ],
    ],
    [
      'checks the range of int32',
      { type: 'integer', format: 'int32' },
      2 ** 31,
      ['<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.foo'],
    ],
    [
      'int-or-string takes neither booleans',
      { 'x-kubernetes-int-or-string': true },
      true,
      ['spec.foo: Invalid value: "boolean": spec.foo in body must be of type integer,string: "boolean"'],
    ],
    ['int-or-string takes integers', { 'x-kubernetes-int-or-string': true }, 5, []],
    [
      'lists supported values',
      { type: 'string', enum: ['a', 'b'] },
      'c',
      ['spec.foo: Unsupported value: "c": supported values: "a", "b"'],
    ],
    [
      'minimum',
      { type: 'integer', minimum: 3 },
      2,
      ['spec.foo: Invalid value: 2: spec.foo in body should be greater than or equal to 3'],
    ],
    [
      'exclusive maximum',
      { type: 'number', maximum: 3, exclusiveMaximum: true },
      3,
      ['spec.foo: Invalid value: 3: spec.foo in body should be less than 3'],
    ],
    [
      'multipleOf',
      { type: 'integer', multipleOf: 5 },
      7,
      ['spec.foo: Invalid value: 7: spec.foo in body should be a multiple of 5'],
    ],
    ['multipleOf a fraction tolerates rounding', { type: 'number', multipleOf: 0.1 }, 0.3, []],
    [
      'minLength',
      { type: 'string', minLength: 3 },
      'ab',
      ['spec.foo: Invalid value: "ab": spec.foo in body should be at least 3 chars long'],
    ],
    ['maxLength', { type: 'string', maxLength: 2 }, 'abc', ['spec.foo: Too long: may not be more than 2 bytes']],
    ['maxLength counts characters, not UTF-16 units', { type: 'string', maxLength: 2 }, '😀😀', []],
    [
      'pattern',
      { type: 'string', pattern: '^[a-z]+$' },
      'A1',
      ['spec.foo: Invalid value: "A1": spec.foo in body should match \'^[a-z]+$\''],
    ],
    [
      'maxItems',
      { type: 'array', maxItems: 1, items: { type: 'string' } },
      ['a', 'b'],
      ['spec.foo: Too many: 2: must have at most 1 items'],
    ],
    [
      'minItems',
      { type: 'array', minItems: 1, items: { type: 'string' } },
      [],
      ['spec.foo: Invalid value: 0: spec.foo in body should have at least 1 items'],
    ],
    [
      'names the item',
      { type: 'array', items: { type: 'string' } },
      ['a', 1],
      ['spec.foo[1]: Invalid value: "integer": spec.foo[1] in body must be of type string: "integer"'],
    ],
    [
      'required members',
      { type: 'object', required: ['bar'], properties: { bar: { type: 'string' } } },
      {},
      ['spec.foo.bar: Required value'],
    ],
    [
      'maxProperties',
      { type: 'object', maxProperties: 1, additionalProperties: { type: 'string' } },
      { a: '1', b: '2' },
      ['spec.foo: Too many: 2: must have at most 1 items'],
    ],
    [
      'minProperties',
      { type: 'object', minProperties: 1 },
      {},
      ['spec.foo: Invalid value: 0: spec.foo in body should have at least 1 properties'],
    ],
    [
      'additionalProperties',
      { type: 'object', additionalProperties: { type: 'integer' } },
      { a: 'x' },
      ['spec.foo.a: Invalid value: "string": spec.foo.a in body must be of type integer: "string"'],
    ],
    [
      'anyOf shows the closest alternative',
      {
        type: 'object',
        properties: { a: { type: 'string' }, b: { type: 'string' } },
        anyOf: [{ required: ['a'] }, { required: ['b'] }],
      },
      {},
      ['<nil>: Invalid value: "": "spec.foo" must validate at least one schema (anyOf)', 'spec.foo.a: Required value'],
    ],
    [
      'oneOf with two matches',
      { type: 'object', properties: { a: { type: 'string' } }, oneOf: [{ required: ['a'] }, { minProperties: 1 }] },
      { a: 'x' },
      [
        '<nil>: Invalid value: "": "spec.foo" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    [
      'allOf',
      { type: 'integer', allOf: [{ minimum: 3 }] },
      2,
      [
        'spec.foo: Invalid value: 2: spec.foo in body should be greater than or equal to 3',
        '<nil>: Invalid value: "": "spec.foo" must validate all the schemas (allOf). None validated',
      ],
    ],
    [
      'not',
      { type: 'string', not: { enum: ['x'] } },
      'x',
      ['<nil>: Invalid value: "": "spec.foo" must not validate the schema (not)'],
    ],
    [
      'format with the wrong type names the format',
      { type: 'string', format: 'date-time' },
      5,
      ['spec.foo: Invalid value: "int64": spec.foo in body must be of type date-time: "int64"'],
    ],
    [
      'does not walk prototypes',
      { type: 'object', required: ['toString'], properties: {} },
      {},
      ['spec.foo.toString: Required value'],
    ],
  ]
  it.each(rows)('%s', (_, schema, value, expected) => {
    expect(errorsOf(schema, value)).toEqual(expected)
  })

  const formats: readonly [format: string, good: readonly string[], bad: readonly string[]][] = [
    [
      'date-time',
      ['2026-01-02T03:04:05Z', '2026-01-02t03:04:05.123+01:00'],
      ['2026-01-02', '2026-13-02T03:04:05Z', 'x'],
    ],
    ['date', ['2024-02-29'], ['2023-02-29', '2024-1-1']],
    ['uuid', ['01234567-89AB-cdef-0123-456789abcdef'], ['0123']],
    ['uuid4', ['01234567-89ab-4def-8123-456789abcdef'], ['01234567-89ab-3def-8123-456789abcdef']],
    ['ipv4', ['10.0.0.1', '010.0.0.1'], ['::1', '10.0.0.256']],
    ['ipv6', ['::1', 'fe80::1'], ['10.0.0.1', 'fe80::1%eth0']],
    ['cidr', ['10.0.0.0/8', 'fd00::/64'], ['10.0.0.0', '10.0.0.0/33']],
    ['mac', ['01:23:45:67:89:ab', '0123.4567.89ab'], ['01:23']],
    ['byte', ['aGVsbG8='], ['a', 'a===']],
    ['email', ['a@example.com', 'A B <a@b.c>'], ['a', 'a@', '@b']],
    ['hostname', ['example.com', 'a-b'], ['-a', 'a..b']],
    ['uri', ['https://example.com/x', '/path'], ['x', 'http://a b']],
    ['duration', ['1h30m', '22 ns', '3 days', '0'], ['x', '5', '']],
    ['hexcolor', ['#FFFFFF', 'abc'], ['#12']],
    ['rgbcolor', ['rgb(255,0, 3)'], ['rgb(256,0,0)']],
    ['isbn', ['0321751043', '978-0321751041'], ['1234567890']],
    ['creditcard', ['4111 1111 1111 1111'], ['4111 1111 1111 1112']],
    ['k8s-short-name', ['a-b'], ['A', '-a']],
    ['k8s-long-name', ['a.b-c'], ['a..b']],
  ]
  it.each(formats)('enforces format %s', (format, good, bad) => {
    for (const text of good) expect(errorsOf({ type: 'string', format }, text), text).toEqual([])
    for (const text of bad) {
      const quoted = JSON.stringify(text)
      const expected = `spec.foo: Invalid value: ${quoted}: spec.foo in body must be of type ${format}: ${quoted}`
      expect(errorsOf({ type: 'string', format }, text), text).toEqual([expected])
    }
  })

  it('ignores formats it does not know', () => {
    expect(errorsOf({ type: 'string', format: 'who-knows' }, 'x')).toEqual([])
  })

  it('bounds patterns that would never end in a backtracking engine', () => {
    expect(errorsOf({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(5000)}!`)).toHaveLength(1)
  })

  it('forgives what did not change on update', () => {
    const schema: SchemaProps = {
      type: 'object',
      properties: { a: { type: 'string', maxLength: 1 }, b: { type: 'string', maxLength: 1 } },
    }
    expect(errorsOf(schema, { a: 'long', b: 'x' }, { a: 'long', b: '' })).toEqual([])
    expect(errorsOf(schema, { a: 'longer', b: 'x' }, { a: 'long', b: '' })).toHaveLength(1)
  })

  it('does not forgive what the schema does not know, nor apiVersion and kind', () => {
    const kind = { type: 'string', maxLength: 1 }
    const open: SchemaProps = { type: 'object', minProperties: 3, 'x-kubernetes-preserve-unknown-fields': true }
    expect(errorsOf({ type: 'object', properties: { open } }, { open: { a: 1 } }, { open: { a: 1 } })).toHaveLength(1)
    const typed = compileSchema({
      type: 'object',
      properties: { kind, spec: { type: 'object', properties: { kind } } },
    })
    const spec = { kind: 'Other' }
    const errors = validateValue({ kind: 'Thing', spec }, typed, { old: { kind: 'Thing', spec, more: 1 } })
    expect(errors.map(({ field }) => field)).toEqual(['kind'])
  })

  it('forgives a list-map that is only in another order', () => {
    const list: SchemaProps = {
      type: 'array',
      maxItems: 1,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', properties: { name: { type: 'string' }, v: { type: 'string' } } },
    }
    const [a, b] = [{ name: 'a', v: '1' }, { name: 'b' }]
    expect(errorsOf(list, [b, a], [a, b])).toEqual([])
    expect(errorsOf(list, [b, { ...a, v: '2' }], [a, b])).toHaveLength(1)
    expect(errorsOf({ ...list, 'x-kubernetes-list-type': 'atomic' }, [b, a], [a, b])).toHaveLength(1)
  })

  it('correlates items of list-maps by key when forgiving', () => {
    const schema: SchemaProps = {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', properties: { name: { type: 'string' }, v: { type: 'string', maxLength: 1 } } },
    }
    const old = [{ name: 'a', v: 'long' }]
    expect(
      errorsOf(
        schema,
        [
          { name: 'b', v: '' },
          { name: 'a', v: 'long' },
        ],
        old,
      ),
    ).toEqual([])
    expect(errorsOf(schema, [{ name: 'b', v: 'long' }], old)).toHaveLength(1)
  })

  it('puts the prefix before the field only', () => {
    const errors = validateValue(
      { n: 'x' },
      compileSchema({ type: 'object', properties: { n: { type: 'integer' } } }),
      {
        prefix: 'status',
      },
    )
    expect(errors.map(fieldErrorString)).toEqual([
      'status.n: Invalid value: "string": n in body must be of type integer: "string"',
    ])
  })
})

describe('validateListTypes', () => {
  const list = (keys: string[]): SchemaProps => ({
    type: 'object',
    properties: {
      l: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': keys,
        items: { type: 'object' },
      },
      s: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    },
  })

  it('reports repeated keys once, at the second item', () => {
    const value = { l: [{ a: 1 }, { a: 1 }, { a: 1 }, {}], s: ['x', 'y', 'x'] }
    expect(validateListTypes(value, compileSchema(list(['a']))).map(fieldErrorString)).toEqual([
      'l[1]: Duplicate value: {"a":1}',
      's[2]: Duplicate value: "x"',
    ])
  })

  it('needs objects', () => {
    expect(validateListTypes({ l: [1] }, compileSchema(list(['a']))).map(fieldErrorString)).toEqual([
      'l[0]: Invalid value: 1: must be an object for an array of list-type map',
    ])
  })
})

describe('validateEmbedded', () => {
  it('requires what makes a resource', () => {
    const node = compileSchema({
      type: 'object',
      properties: {
        t: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      },
    })
    const errors = validateEmbedded({ t: { kind: 'A_B', metadata: { labels: { '-': 'x' } } } }, node)
    expect(errors.map((error) => [error.type, error.field])).toEqual([
      ['FieldValueRequired', 't.apiVersion'],
      ['FieldValueInvalid', 't.kind'],
      ['FieldValueInvalid', 't.metadata.labels'],
    ])
  })

  it.each<[string, object, string[]]>([
    ['a name is not asked for', {}, []],
    ['a bad name', { name: 'a/b' }, [`name: Invalid value: "a/b": may not contain '/'`]],
    ['a bad prefix', { generateName: '%-' }, [`generateName: Invalid value: "%-": may not contain '%'`]],
    ['a bad generation', { generation: -1 }, ['generation: Invalid value: -1: must be greater than or equal to 0']],
    [
      'half an owner',
      { ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x' }] },
      ['ownerReferences.uid: Invalid value: "": must not be empty'],
    ],
    [
      'contradicting finalizers',
      { finalizers: ['orphan', 'foregroundDeletion'] },
      [
        'finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
      ],
    ],
    [
      'managed fields of nobody',
      { managedFields: [{ operation: 'Delete', fieldsType: 'FieldsV2' }] },
      [
        'managedFields[0].operation: Invalid value: "Delete": must be `Apply` or `Update`',
        'managedFields[0].fieldsType: Invalid value: "FieldsV2": must be `FieldsV1`',
      ],
    ],
  ])('judges the whole metadata: %s', (_name, metadata, expected) => {
    const node = compileSchema({ type: 'object', 'x-kubernetes-embedded-resource': true })
    const errors = validateEmbedded({ apiVersion: 'v1', kind: 'A', metadata }, node, 't')
    expect(errors.map(fieldErrorString)).toEqual(expected.map((text) => `t.metadata.${text}`))
  })
})
