import { describe, expect, it } from 'vitest'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { compileSchema } from '../schema/node.ts'
import type { SchemaProps } from '../schema/props.ts'
import { compileRules } from './compile.ts'
import { validateRuleDefinitions } from './definition.ts'
import { escapeProperty } from './escape.ts'
import { evaluateRules } from './evaluate.ts'

const INTEGER: SchemaProps = { type: 'integer' }
const STRING: SchemaProps = { type: 'string' }
const object = (properties: Record<string, SchemaProps>, ...rules: (string | object)[]): SchemaProps => ({
  type: 'object',
  properties,
  ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules.map(asRule) }),
})
const asRule = (rule: string | object) => (typeof rule === 'string' ? { rule } : (rule as { rule: string }))
const inSpec = (spec: SchemaProps): SchemaProps => object({ spec })

function problems(schema: SchemaProps, value: object, old?: object): string[] {
  const rules = compileRules(compileSchema(schema))
  if (rules === undefined) throw new Error('no rules')
  return evaluateRules(value, old, rules).map(fieldErrorString)
}
const ofSpec = (schema: SchemaProps, spec: unknown, old?: unknown): string[] =>
  problems(inSpec(schema), { spec }, old === undefined ? undefined : { spec: old })

const SET: SchemaProps = { type: 'array', items: STRING, 'x-kubernetes-list-type': 'set' }
const PORTS: SchemaProps = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  items: object({ name: STRING, port: INTEGER }, 'self.port >= oldSelf.port'),
}

describe('rules of a custom resource', () => {
  it.each<[string, SchemaProps, object]>([
    ['numbers', object({ x: INTEGER, y: INTEGER }, 'self.x < self.y'), { x: 1, y: 2 }],
    ['a number that is written whole', object({ x: { type: 'number' } }, 'self.x * 2.0 == 2.0'), { x: 1 }],
    ['an int or string', object({ x: { 'x-kubernetes-int-or-string': true } }, 'type(self.x) == int'), { x: 1 }],
    ['a date', object({ d: { type: 'string', format: 'date' } }, 'self.d.getFullYear() == 2021'), { d: '2021-02-03' }],
    [
      'a time',
      object({ d: { type: 'string', format: 'date-time' } }, 'self.d < timestamp("2022-01-01T00:00:00Z")'),
      { d: '2021-02-03T04:05:06Z' },
    ],
    ['a duration', object({ d: { type: 'string', format: 'duration' } }, 'self.d > duration("1m")'), { d: '1h' }],
    ['bytes', object({ b: { type: 'string', format: 'byte' } }, 'self.b == b"a"'), { b: 'YQ==' }],
    [
      'escaped names',
      object({ 'a-b.c': INTEGER, namespace: STRING }, 'self.a__dash__b__dot__c == 1 && self.__namespace__ == "n"'),
      { 'a-b.c': 1, namespace: 'n' },
    ],
    [
      'a map',
      object({ m: { type: 'object', additionalProperties: INTEGER } }, 'self.m.all(k, self.m[k] > 0)'),
      { m: { a: 1, 'b/c': 2 } },
    ],
    [
      'sets in any order',
      object({ a: SET, b: SET }, 'self.a == self.b && (self.a + self.b).size() == 2'),
      { a: ['x', 'y'], b: ['y', 'x'] },
    ],
    ['what is not there', object({ x: INTEGER }, '!has(self.x) || self.x > 0'), {}],
  ])('see %s', (_what, schema, spec) => {
    expect(ofSpec(schema, spec)).toEqual([])
  })

  it('see kind, apiVersion and names at the root', () => {
    const schema = object({ spec: object({}) }, 'self.kind == "Thing" && self.metadata.name.startsWith("a")')
    expect(problems(schema, { kind: 'Thing', metadata: { name: 'ab' } })).toEqual([])
    expect(problems(schema, { kind: 'Thing', metadata: { name: 'b' } })).toEqual([
      '<nil>: Invalid value: failed rule: self.kind == "Thing" && self.metadata.name.startsWith("a")',
    ])
  })

  it.each<[string, object | string, string]>([
    ['its text', 'self.x > 1', 'spec: Invalid value: failed rule: self.x > 1'],
    ['its message', { rule: 'self.x > 1', message: ' more! ' }, 'spec: Invalid value: more!'],
    [
      'its message expression',
      { rule: 'self.x > 1', messageExpression: '"got " + string(self.x)' },
      'spec: Invalid value: got 1',
    ],
    [
      'its message when the expression fails',
      { rule: 'self.x > 1', message: 'm', messageExpression: 'string(1 / 0)' },
      'spec: Invalid value: m',
    ],
    [
      'its reason and field',
      { rule: 'self.x > 1', reason: 'FieldValueForbidden', fieldPath: '.x' },
      'spec.x: Forbidden: failed rule: self.x > 1',
    ],
    [
      'why it cannot be evaluated',
      'self.x / 0 == 1',
      'spec: Invalid value: "object": division by zero evaluating rule: self.x / 0 == 1',
    ],
  ])('a broken one says %s', (_what, rule, message) => {
    expect(ofSpec(object({ x: INTEGER }, rule), { x: 1 })).toEqual([message])
  })

  it('are checked at every part they are about', () => {
    const schema = object({
      list: { type: 'array', items: object({ n: INTEGER }, 'self.n > 0') },
      m: { type: 'object', additionalProperties: { ...STRING, 'x-kubernetes-validations': [{ rule: 'self != ""' }] } },
    })
    expect(ofSpec(schema, { list: [{ n: 1 }, { n: 0 }], m: { a: '' } })).toEqual([
      'spec.list[1]: Invalid value: failed rule: self.n > 0',
      'spec.m[a]: Invalid value: "": failed rule: self != ""',
    ])
  })

  it('look back: at an update only, by the keys of list items', () => {
    const schema = object({ ports: PORTS })
    expect(ofSpec(schema, { ports: [{ name: 'a', port: 1 }] })).toEqual([])
    const old = {
      ports: [
        { name: 'a', port: 5 },
        { name: 'b', port: 1 },
      ],
    }
    expect(
      ofSpec(
        schema,
        {
          ports: [
            { name: 'b', port: 2 },
            { name: 'a', port: 4 },
            { name: 'c', port: 0 },
          ],
        },
        old,
      ),
    ).toEqual(['spec.ports[1]: Invalid value: failed rule: self.port >= oldSelf.port'])
  })

  it('look back at nothing, if they say they can', () => {
    const rule = { rule: 'oldSelf.hasValue() ? self.x >= oldSelf.value().x : self.x == 0', optionalOldSelf: true }
    const schema = object({ x: INTEGER }, rule)
    expect(ofSpec(schema, { x: 0 })).toEqual([])
    expect(ofSpec(schema, { x: 1 })).toHaveLength(1)
    expect(ofSpec(schema, { x: 2 }, { x: 1 })).toEqual([])
    expect(ofSpec(schema, { x: 0 }, { x: 1 })).toHaveLength(1)
  })

  it('forgive what an update leaves as it was, but not transitions', () => {
    const schema = object({ bad: object({ x: INTEGER }, 'self.x > 1'), y: INTEGER })
    expect(ofSpec(schema, { bad: { x: 1 }, y: 2 }, { bad: { x: 1 }, y: 1 })).toEqual([])
    expect(ofSpec(schema, { bad: { x: 0 } }, { bad: { x: 1 } })).toHaveLength(1)
    expect(ofSpec(object({ x: INTEGER }, 'self.x > oldSelf.x'), { x: 1 }, { x: 1 })).toHaveLength(1)
  })

  it('cannot be asked about items of what the schema says is no list', () => {
    const backend: SchemaProps = { type: 'object', items: object({ n: INTEGER }, 'self.n > 0') }
    expect(ofSpec(object({ backend }), { backend: [{ n: 1 }] })).toEqual([
      'spec.backend[0]: Invalid value: "object": rule compiler initialization error: failed to convert to declType for CEL validation rules',
    ])
  })

  it('forgive a list-map that is only in another order', () => {
    const ports: SchemaProps = { ...PORTS, 'x-kubernetes-validations': [{ rule: 'size(self) < 2' }] }
    const [a, b] = [
      { name: 'a', port: 1 },
      { name: 'b', port: 2 },
    ]
    expect(ofSpec(object({ ports }), { ports: [b, a] }, { ports: [a, b] })).toEqual([])
    expect(ofSpec(object({ ports }), { ports: [b, { name: 'c', port: 3 }] }, { ports: [a, b] })).toHaveLength(1)
  })

  it('end when one costs too much', () => {
    const list = Array.from({ length: 2000 }, (_, i) => i)
    const schema = object(
      { list: { type: 'array', items: INTEGER } },
      'self.list.all(a, self.list.all(b, a + b >= 0))',
      'false',
    )
    expect(ofSpec(schema, { list })).toEqual([
      expect.stringContaining('no further validation rules will be run due to call cost exceeds limit for rule'),
    ])
  })
})

describe('rules of a definition', () => {
  const definition = (schema: SchemaProps): string[] =>
    validateRuleDefinitions(inSpec(schema), 'schema').map(fieldErrorString)
  const AT = 'schema.properties[spec].x-kubernetes-validations[0]'

  it.each<[string, SchemaProps, string]>([
    [
      'name a field there is not',
      object({ x: INTEGER }, 'self.z == 1'),
      `${AT}.rule: Invalid value: {"rule":"self.z == 1"}: compilation failed: ERROR: <input>:1:5: undefined field 'z'\n | self.z == 1\n | ....^`,
    ],
    [
      'are no bool',
      object({ x: INTEGER }, 'self.x'),
      `${AT}.rule: Invalid value: {"rule":"self.x"}: cel expression must evaluate to a bool`,
    ],
    [
      'have a message that is no string',
      object({ x: INTEGER }, { rule: 'true', messageExpression: '1' }),
      `${AT}.messageExpression: Invalid value: {"rule":"true","messageExpression":"1"}: messageExpression must evaluate to a string`,
    ],
    [
      'look back without need',
      object({ x: INTEGER }, { rule: 'true', optionalOldSelf: true }),
      `${AT}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`,
    ],
    [
      'point at nothing',
      object({ x: INTEGER }, { rule: 'true', fieldPath: '.y' }),
      `${AT}.fieldPath: Invalid value: ".y": must be a valid path`,
    ],
  ])('that %s are refused', (_what, schema, problem) => {
    expect(definition(schema)).toEqual([problem])
  })

  it('may not look back at items that cannot be told apart', () => {
    const list: SchemaProps = {
      type: 'array',
      maxItems: 5,
      items: { ...INTEGER, 'x-kubernetes-validations': [{ rule: 'self > oldSelf' }] },
    }
    expect(definition(object({ list }))).toEqual([
      expect.stringContaining(
        'oldSelf cannot be used on the uncorrelatable portion of the schema within schema.properties[spec].properties[list]',
      ),
    ])
  })

  it('may not cost too much for the largest object there can be', () => {
    const rule = 'self.list.all(a, self.list.all(b, a == b))'
    const list = (maxItems?: number): SchemaProps => ({
      type: 'array',
      items: STRING,
      ...(maxItems === undefined ? {} : { maxItems }),
    })
    expect(definition(object({ list: list() }, rule))).toEqual([
      expect.stringContaining(
        `${AT}.rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying`,
      ),
      expect.stringContaining('contributed to estimated rule cost total exceeding cost limit'),
      expect.stringContaining(
        'schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds',
      ),
    ])
    expect(definition(object({ list: { ...list(10), items: { ...STRING, maxLength: 100 } } }, rule))).toEqual([])
  })

  it.each([
    ['a', 'a'],
    ['a-b/c.d', 'a__dash__b__slash__c__dot__d'],
    ['a__b', 'a__underscores__b'],
    ['in', '__in__'],
    ['$ref', undefined],
    ['1a', undefined],
  ])('say %s as %s', (name, escaped) => {
    expect(escapeProperty(name)).toBe(escaped)
  })
})
