import { describe, expect, it } from 'vitest'
import { deepFreeze } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import { applyMergePatch, createMergePatch, createThreeWayMergePatch } from './merge-patch.ts'

describe('applyMergePatch', () => {
  const rows: [string, JsonValue, JsonValue, JsonValue][] = [
    ['replaces a member', { a: 'b' }, { a: 'c' }, { a: 'c' }],
    ['adds a member', { a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    ['removes a member', { a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    ['ignores the removal of what is not there', { a: 'b' }, { c: null }, { a: 'b' }],
    ['replaces a list whole', { a: ['b'] }, { a: ['c', 'd'] }, { a: ['c', 'd'] }],
    ['replaces a list by a scalar', { a: ['b'] }, { a: 'c' }, { a: 'c' }],
    ['merges objects', { a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    ['turns a scalar into an object without its nulls', { a: 'b' }, { a: { b: { c: null } } }, { a: { b: {} } }],
    ['keeps nulls in the document', { e: null }, { a: 1 }, { e: null, a: 1 }],
    ['keeps null elements of lists', {}, { a: [null, { b: null }] }, { a: [null, {}] }],
    ['keeps an own __proto__ one', {}, JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
  ]
  it.each(rows)('%s', (_, document, patch, expected) => {
    const result = applyMergePatch(deepFreeze(document), deepFreeze(patch))
    expect(JSON.stringify(result)).toBe(JSON.stringify(expected))
  })

  it('shares nothing with its arguments', () => {
    const document = { a: { b: [1] } }
    const result = applyMergePatch(document, { c: 1 }) as { a: { b: number[] } }
    result.a.b.push(2)
    expect(document.a.b).toEqual([1])
  })

  it.each([null, 'a', 1, true])('refuses the patch %j', (patch) => {
    expect(() => applyMergePatch({}, patch)).toThrow(
      expect.objectContaining({ code: 400, message: 'Invalid JSON Patch' }),
    )
  })
})

describe('createMergePatch', () => {
  const rows: [string, JsonObject, JsonObject, JsonObject][] = [
    ['nothing when equal', { a: { b: [1] } }, { a: { b: [1] } }, {}],
    ['additions, changes and deletions', { a: 1, b: 2 }, { a: 2, c: 3 }, { a: 2, c: 3, b: null }],
    ['nested members only', { a: { b: 1, c: 2 } }, { a: { b: 1 } }, { a: { c: null } }],
    ['whole lists', { a: [{ b: 1 }] }, { a: [{ b: 2 }] }, { a: [{ b: 2 }] }],
  ]
  it.each(rows)('holds %s', (_, from, to, expected) => {
    const patch = createMergePatch(deepFreeze(from), deepFreeze(to))
    expect(patch).toEqual(expected)
    expect(applyMergePatch(from, patch)).toEqual(to)
  })
})

describe('createThreeWayMergePatch', () => {
  const rows: [string, JsonObject | undefined, JsonObject, JsonObject, JsonObject][] = [
    ['adds without a last configuration', undefined, { a: 1 }, { b: 2 }, { a: 1 }],
    ['deletes only what was applied before', { a: 1, b: 1 }, { a: 1 }, { a: 1, b: 1, c: 1 }, { b: null }],
    [
      'deletes and changes inside one object',
      { m: { a: 1, b: 1 } },
      { m: { a: 2 } },
      { m: { a: 1, b: 1, c: 1 } },
      { m: { b: null, a: 2 } },
    ],
    ['restores what drifted', { a: 1 }, { a: 1 }, { a: 5 }, { a: 1 }],
    ['keeps explicitly empty objects', {}, { a: {} }, {}, { a: {} }],
    ['is empty when nothing is to do', { a: 1 }, { a: 1 }, { a: 1, z: 1 }, {}],
  ]
  it.each(rows)('%s', (_, original, modified, current, expected) => {
    expect(createThreeWayMergePatch(deepFreeze(original), deepFreeze(modified), deepFreeze(current))).toEqual(expected)
  })
})
