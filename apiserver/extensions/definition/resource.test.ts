import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isStatusError } from '#machinery/meta/errors.ts'
import type { ObjectSchema } from '#machinery/schema/interfaces.ts'
import { customResourceDefinitionResource } from './resource.ts'
import { asCrd } from './types.ts'
import { crdWarnings } from './warnings.ts'

/** Stands for the schema facts, which do not describe openAPIV3Schema: they may see none. */
const facts: ObjectSchema = {
  strategicMerge: undefined,
  decode(value) {
    expect(JSON.stringify(value)).not.toContain('openAPIV3Schema')
    return { unknownFields: ['unknown field "spec.bogus"'] }
  },
  applyDefaults: () => {},
}

const crdWith = (schema: unknown): KubeObject =>
  ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'things', kind: 'Thing' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  }) as KubeObject

function schemaOf(): ObjectSchema {
  const [version] = customResourceDefinitionResource({ schema: facts }).versions
  if (version === undefined) throw new Error('no version')
  return version.schema
}

describe('the CustomResourceDefinition schema', () => {
  it('drops and reports unknown keywords at every depth', () => {
    const crd = crdWith({
      type: 'object',
      bogus: 1,
      properties: { a: { type: 'array', items: { type: 'string', what: 1 } }, bogus: { type: 'string' } },
      additionalProperties: { type: 'string', x: 1 },
      'x-kubernetes-validations': [{ rule: 'true', y: 1 }],
    })
    const { unknownFields } = schemaOf().decode(crd)
    const at = 'spec.versions[0].schema.openAPIV3Schema'
    expect(unknownFields).toEqual([
      'unknown field "spec.bogus"',
      `unknown field "${at}.bogus"`,
      `unknown field "${at}.properties.a.items.what"`,
      `unknown field "${at}.additionalProperties.x"`,
      `unknown field "${at}.x-kubernetes-validations[0].y"`,
    ])
    expect(asCrd(crd).spec.versions[0]?.schema?.openAPIV3Schema).toEqual({
      type: 'object',
      properties: { a: { type: 'array', items: { type: 'string' } }, bogus: { type: 'string' } },
      additionalProperties: { type: 'string' },
      'x-kubernetes-validations': [{ rule: 'true' }],
    })
  })

  it.each([
    [{ type: 5 }],
    [{ properties: [] }],
    [{ required: 'a' }],
    [{ minLength: 'x' }],
    [{ allOf: {} }],
    [{ properties: { a: 'string' } }],
  ])('refuses keywords of the wrong type: %j', (schema) => {
    try {
      schemaOf().decode(crdWith(schema))
      expect.unreachable()
    } catch (err) {
      expect(isStatusError(err) && err.code).toBe(400)
    }
  })

  it('fills names and conversion', () => {
    const crd = crdWith({ type: 'object' })
    schemaOf().applyDefaults(crd)
    expect(asCrd(crd).spec.names).toEqual({ plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' })
    expect(asCrd(crd).spec.conversion).toEqual({ strategy: 'None' })
  })
})

describe('crdWarnings', () => {
  it('says what will not work, once', () => {
    const schema = {
      type: 'object',
      'x-kubernetes-validations': [{ rule: 'true' }],
      properties: { a: { type: 'string', format: 'who-knows' }, b: { type: 'string', format: 'who-knows' } },
    }
    const crd = asCrd(crdWith(schema))
    expect(crdWarnings(crd, undefined)).toEqual(['unrecognized format "who-knows"'])
    expect(crdWarnings(crd, crd)).toEqual([])
  })
})
