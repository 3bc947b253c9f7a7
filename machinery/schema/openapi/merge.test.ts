import { describe, expect, it } from 'vitest'
import { deepFreeze } from '#machinery/util/json.ts'
import type { JsonObject } from '#machinery/util/types.ts'
import { mergeDocument, pathsUnder } from './merge.ts'

const KINDS = 'x-kubernetes-group-version-kind'
const ref = (name: string): JsonObject => ({ $ref: `#/definitions/${name}` })
const getting = (name: string, parameters: JsonObject[] = []): JsonObject => ({
  get: { parameters, responses: { 200: { description: 'OK', schema: ref(name) } } },
})
const gvk = (group: string, kind: string): JsonObject => ({ group, kind, version: 'v1' })

describe('pathsUnder', () => {
  it('keeps the definitions and parameters that the paths lead to, and those nobody led to', () => {
    const document: JsonObject = {
      swagger: '2.0',
      paths: {
        '/apis/a/v1/things': getting('List', [{ $ref: '#/parameters/limit' }]),
        '/apis/b/v1/things': getting('Other', [{ $ref: '#/parameters/watch' }]),
      },
      definitions: {
        List: { properties: { items: { items: ref('Thing') } } },
        Thing: { properties: { next: ref('Thing'), any: { additionalProperties: ref('Deep') } } },
        Deep: { allOf: [ref('Deeper')] },
        Deeper: { type: 'string' },
        Other: { type: 'object' },
        Unused: { type: 'object' },
      },
      parameters: { limit: { name: 'limit', in: 'query' }, watch: { name: 'watch', in: 'query' } },
    }
    const kept = pathsUnder(document, '/apis/a/v1/')
    expect(Object.keys(kept['paths'] as object)).toEqual(['/apis/a/v1/things'])
    expect(Object.keys(kept['definitions'] as object)).toEqual(['List', 'Thing', 'Deep', 'Deeper', 'Unused'])
    expect(Object.keys(kept['parameters'] as object)).toEqual(['limit'])
  })

  it.each<[string, JsonObject]>([
    ['no paths', {}],
    ['paths that are a list', { paths: [] }],
    ['a path that is a number', { paths: { '/apis/a/v1/x': 7 } }],
    ['a definition that is missing', { paths: { '/apis/a/v1/x': getting('Nowhere') }, definitions: {} }],
    [
      'definitions called like members of every object',
      { paths: { '/apis/a/v1/x': getting('toString') }, definitions: {} },
    ],
    ['parameters that are no list', { paths: { '/apis/a/v1/x': { get: { parameters: 1, responses: 2 } } } }],
  ])('passes over %s', (_, document) => {
    expect(() => mergeDocument({ paths: {} }, pathsUnder(document, '/apis/a/v1/'))).not.toThrow()
  })
})

describe('mergeDocument', () => {
  it('keeps its own paths and takes new ones with what they need', () => {
    const target: JsonObject = { paths: { '/a': getting('A') }, definitions: { A: { type: 'string' } } }
    const source = { paths: { '/a': getting('X'), '/b': getting('B') }, definitions: { X: {}, B: { type: 'object' } } }
    mergeDocument(target, deepFreeze(source))
    expect(target['paths']).toEqual({ '/a': getting('A'), '/b': getting('B') })
    expect(target['definitions']).toEqual({ A: { type: 'string' }, B: { type: 'object' } })
  })

  it('renames what is called like something else, also where it is referred to', () => {
    const target: JsonObject = {
      paths: { '/a': getting('Meta') },
      definitions: { Meta: { type: 'string' } },
      parameters: { p: { name: 'p' } },
    }
    const source: JsonObject = {
      paths: { '/b': getting('B', [{ $ref: '#/parameters/p' }]) },
      definitions: {
        Meta: { type: 'object' },
        B: { properties: { metadata: ref('Meta') } },
        Meta_v2: { type: 'array' },
      },
      parameters: { p: { name: 'q' } },
    }
    mergeDocument(target, deepFreeze(source))
    expect(target['definitions']).toEqual({
      Meta: { type: 'string' },
      Meta_v2: { type: 'array' },
      Meta_v3: { type: 'object' },
      B: { properties: { metadata: ref('Meta_v3') } },
    })
    expect(target['parameters']).toEqual({ p: { name: 'p' }, p_v2: { name: 'q' } })
    expect(target['paths']).toMatchObject({ '/b': { get: { parameters: [{ $ref: '#/parameters/p_v2' }] } } })
  })

  it('finds what it renamed for another server', () => {
    const target: JsonObject = { paths: {}, definitions: { Meta: { type: 'string' } } }
    for (const path of ['/b', '/c'])
      mergeDocument(target, { paths: { [path]: getting('Meta') }, definitions: { Meta: {} } })
    expect(Object.keys(target['definitions'] as object)).toEqual(['Meta', 'Meta_v2'])
    expect(target['paths']).toEqual({ '/b': getting('Meta_v2'), '/c': getting('Meta_v2') })
  })

  it('joins the kinds of one definition', () => {
    const options = (...kinds: JsonObject[]): JsonObject => ({ DeleteOptions: { type: 'object', [KINDS]: kinds } })
    const target: JsonObject = { paths: {}, definitions: options(gvk('b', 'DeleteOptions')) }
    const kinds = [gvk('b', 'DeleteOptions'), gvk('a', 'DeleteOptions')]
    mergeDocument(target, { paths: { '/x': getting('DeleteOptions') }, definitions: options(...kinds) })
    expect(target['definitions']).toEqual(options(gvk('a', 'DeleteOptions'), gvk('b', 'DeleteOptions')))
  })

  it('does not take prototypes for definitions', () => {
    const target: JsonObject = { paths: {}, definitions: {} }
    mergeDocument(target, JSON.parse('{"paths":{"/x":{}},"definitions":{"__proto__":{"polluted":true}}}') as JsonObject)
    expect((target['definitions'] as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})
