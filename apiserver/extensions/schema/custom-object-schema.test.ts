import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isStatusError } from '#machinery/meta/errors.ts'
import { deepFreeze } from '#machinery/util/json.ts'
import { CustomObjectSchema } from './custom-object-schema.ts'
import type { SchemaProps } from './props.ts'

const object = (members: object, metadata: object = { name: 'x' }): KubeObject & Record<string, unknown> => ({
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata,
  ...members,
})

const SCHEMA: SchemaProps = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer', default: 3 },
        note: { type: 'string', nullable: true },
        text: { type: 'string' },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'object' } } },
        list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string', default: 'z' } } } },
        template: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          properties: { data: { type: 'string' } },
        },
        nested: { type: 'object', default: {}, properties: { deep: { type: 'string', default: 'd' } } },
      },
    },
  },
}

function decoded(members: object, metadata?: object): { object: Record<string, unknown>; unknown: readonly string[] } {
  const value = object(members, metadata)
  const { unknownFields } = new CustomObjectSchema(SCHEMA).decode(value)
  return { object: value, unknown: unknownFields }
}

describe('decode', () => {
  it('removes and reports unknown fields by path', () => {
    const { object: value, unknown } = decoded({ spec: { foo: 1, list: [{ b: 1 }] }, extra: {} })
    expect(value).toEqual(object({ spec: { list: [{}] } }))
    expect(unknown).toEqual(['unknown field "extra"', 'unknown field "spec.foo"', 'unknown field "spec.list[0].b"'])
  })

  it('keeps unknown fields below x-kubernetes-preserve-unknown-fields, but prunes what is specified there', () => {
    const { object: value, unknown } = decoded({ spec: { open: { x: { y: 1 }, a: { b: 1 } } } })
    expect(value['spec']).toEqual({ open: { x: { y: 1 }, a: {} } })
    expect(unknown).toEqual(['unknown field "spec.open.a.b"'])
  })

  it('drops null unless nullable', () => {
    expect(decoded({ spec: { note: null, text: null } }).object['spec']).toEqual({ note: null })
  })

  it('leaves null for fields with a default to defaulting', () => {
    const value = object({ spec: { size: null } })
    const schema = new CustomObjectSchema(SCHEMA)
    schema.decode(value)
    schema.applyDefaults(value)
    expect(value['spec']).toMatchObject({ size: 3 })
  })

  it('keeps metadata of embedded resources and prunes inside it', () => {
    const template = {
      apiVersion: 'v1',
      kind: 'A',
      metadata: { name: 'n', what: 1, creationTimestamp: null },
      data: 'd',
      x: 1,
    }
    const { object: value, unknown } = decoded({ spec: { template } })
    expect(value['spec']).toEqual({ template: { apiVersion: 'v1', kind: 'A', metadata: { name: 'n' }, data: 'd' } })
    expect(unknown).toEqual(['unknown field "spec.template.x"', 'unknown field "spec.template.metadata.what"'])
  })

  it('reports unknown metadata', () => {
    const { object: value, unknown } = decoded({}, { name: 'x', bogus: 1, labels: { a: 'b' } })
    expect(value['metadata']).toEqual({ name: 'x', labels: { a: 'b' } })
    expect(unknown).toEqual(['unknown field "metadata.bogus"'])
  })

  it.each([
    [{ labels: { a: 1 } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string'],
    [{ labels: 'x' }, 'json: cannot unmarshal string into Go struct field ObjectMeta.labels of type map[string]string'],
    [{ finalizers: [1] }, 'json: cannot unmarshal number into Go struct field ObjectMeta.finalizers of type string'],
    [{ name: true }, 'json: cannot unmarshal bool into Go struct field ObjectMeta.name of type string'],
  ])('refuses metadata of the wrong type: %j', (metadata, problem) => {
    const message = `Thing in version "v1" cannot be handled as a Thing: ${problem}`
    expect(() => decoded({}, metadata)).toThrowError(message)
  })

  it('bounds depth', () => {
    let deep: unknown = 1
    for (let i = 0; i < 5000; i++) deep = { x: deep }
    try {
      decoded({ spec: { open: { deep } } })
      expect.unreachable()
    } catch (err) {
      expect(isStatusError(err) && err.code).toBe(400)
    }
  })

  it('treats __proto__ as a name like any other', () => {
    const value = JSON.parse(
      '{"apiVersion":"example.com/v1","kind":"Thing","metadata":{},"spec":{"__proto__":{"a":1}}}',
    )
    expect(new CustomObjectSchema(SCHEMA).decode(value).unknownFields).toEqual(['unknown field "spec.__proto__"'])
    expect(Object.keys(value.spec)).toEqual([])
  })
})

describe('applyDefaults', () => {
  it('fills nested defaults, also inside defaulted parents and list items, and changes nothing the second time', () => {
    const value = object({ spec: { list: [{}, { a: 'q' }] } })
    const schema = new CustomObjectSchema(SCHEMA)
    schema.applyDefaults(value)
    const expected = { size: 3, nested: { deep: 'd' }, list: [{ a: 'z' }, { a: 'q' }] }
    expect(value['spec']).toEqual(expected)
    schema.applyDefaults(value)
    expect(value['spec']).toEqual(expected)
  })

  it('does not invent parents', () => {
    const value = object({})
    new CustomObjectSchema(SCHEMA).applyDefaults(value)
    expect(value).toEqual(object({}))
  })

  it('gives the metadata of an embedded resource no member that metadata does not have', () => {
    const metadata = { name: 'x', unknown: 'y' }
    const whole = { apiVersion: 'v1', kind: 'Pod', metadata }
    const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true } as const
    const text = (value: string) => ({ type: 'string', default: value })
    const inMetadata = { type: 'object', properties: { name: text('x'), unknown: text('y') } }
    const schema = new CustomObjectSchema({
      type: 'object',
      properties: {
        whole: { ...embedded, 'x-kubernetes-preserve-unknown-fields': true, default: whole },
        spanning: { type: 'object', properties: { one: embedded }, default: { one: whole } },
        members: { ...embedded, properties: { kind: text('Pod'), metadata: inMetadata } },
      },
    })
    const value = object({ members: { metadata: {} } })
    schema.applyDefaults(value)
    const pruned = { ...whole, metadata: { name: 'x' } }
    const members = { kind: 'Pod', metadata: { name: 'x' } }
    expect(value).toEqual(object({ whole: pruned, spanning: { one: pruned }, members }))
  })

  it('never shares a default between objects', () => {
    const schema = new CustomObjectSchema(SCHEMA)
    const [one, two] = [object({ spec: {} }), object({ spec: {} })]
    schema.applyDefaults(one)
    schema.applyDefaults(two)
    const nested = (value: Record<string, unknown>) => (value['spec'] as Record<string, unknown>)['nested']
    expect(nested(one)).not.toBe(nested(two))
  })
})

describe('read', () => {
  it('answers the stored object itself when nothing is to be done', () => {
    const stored = deepFreeze(object({ spec: { size: 1, nested: { deep: 'x' }, list: [{ a: 'b' }] } }))
    expect(new CustomObjectSchema(SCHEMA).read(stored)).toBe(stored)
  })

  it.each([
    ['a new default', { spec: { nested: { deep: 'x' } } }, { spec: { nested: { deep: 'x' }, size: 3 } }],
    [
      'a field that left the schema',
      { spec: { size: 1, nested: { deep: 'x' }, gone: 1 } },
      { spec: { size: 1, nested: { deep: 'x' } } },
    ],
    [
      'a default below a list',
      { spec: { size: 1, nested: { deep: 'x' }, list: [{}] } },
      { spec: { size: 1, nested: { deep: 'x' }, list: [{ a: 'z' }] } },
    ],
    [
      'a null that is not allowed',
      { spec: { size: null, nested: { deep: 'x' } } },
      { spec: { size: 3, nested: { deep: 'x' } } },
    ],
  ])('applies %s to a copy', (_, members, expected) => {
    const stored = deepFreeze(object(members))
    expect(new CustomObjectSchema(SCHEMA).read(stored)).toEqual(object(expected))
  })
})
