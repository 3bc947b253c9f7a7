import { describe, expect, it } from 'vitest'
import { deepFreeze } from '#machinery/util/json.ts'
import type { JsonValue } from '#machinery/util/types.ts'
import { applyJsonPatch } from './json-patch.ts'

describe('applyJsonPatch', () => {
  const rows: [string, JsonValue, JsonValue[], JsonValue][] = [
    ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: { c: [] } }], { a: 1, b: { c: [] } }],
    ['inserts into a list', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    ['appends with -', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    ['counts negative indices from the end', { a: [1, 2, 3] }, [{ op: 'remove', path: '/a/-1' }], { a: [1, 2] }],
    ['replaces', { a: [{ b: 1 }] }, [{ op: 'replace', path: '/a/0/b', value: null }], { a: [{ b: null }] }],
    ['replaces what is not there', {}, [{ op: 'replace', path: '/a', value: 1 }], { a: 1 }],
    ['copies what is not there as null', {}, [{ op: 'copy', from: '/a', path: '/b' }], { b: null }],
    ['moves', { a: 1 }, [{ op: 'move', from: '/a', path: '/b' }], { b: 1 }],
    [
      'copies deeply',
      { a: { x: 1 } },
      [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'replace', path: '/b/x', value: 2 },
      ],
      { a: { x: 1 }, b: { x: 2 } },
    ],
    [
      'tests equality whatever the member order',
      { a: { b: 1, c: 2 } },
      [{ op: 'test', path: '/a', value: { c: 2, b: 1 } }],
      { a: { b: 1, c: 2 } },
    ],
    ['takes an absent member for null in a test', {}, [{ op: 'test', path: '/a', value: null }], {}],
    ['unescapes tokens', { 'a/b': { '~c': 1 } }, [{ op: 'remove', path: '/a~1b/~0c' }], { 'a/b': {} }],
    ['replaces the document', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  ]
  it.each(rows)('%s', (_, document, operations, expected) => {
    expect(applyJsonPatch(deepFreeze(document), deepFreeze(operations))).toEqual(expected)
  })

  const failures: [string, JsonValue, JsonValue][] = [
    ['a failed test', { a: 1 }, { op: 'test', path: '/a', value: 2 }],
    ['a missing parent', {}, { op: 'add', path: '/a/b', value: 1 }],
    ['removal of nothing', {}, { op: 'remove', path: '/a' }],
    ['replacement past the end of a list', { a: [] }, { op: 'replace', path: '/a/0', value: 1 }],
    ['replacement below nothing', {}, { op: 'replace', path: '/a/b', value: 1 }],
    ['a move of nothing', {}, { op: 'move', from: '/a', path: '/b' }],
    ['an index past the end', { a: [] }, { op: 'add', path: '/a/1', value: 1 }],
    ['an index that is no number', { a: [] }, { op: 'add', path: '/a/x', value: 1 }],
    ['an unknown operation', {}, { op: 'spam', path: '/a' }],
    ['move without from', {}, { op: 'move', path: '/a' }],
    ['inherited members', {}, { op: 'test', path: '/constructor/name', value: 'Object' }],
  ]
  it.each(failures)('answers 422 to %s', (_, document, operation) => {
    expect(() => applyJsonPatch(document, [operation])).toThrow(
      expect.objectContaining({
        code: 422,
        reason: 'Invalid',
        message: 'the server rejected our request due to an error in our request',
        cause: expect.any(Error),
      }),
    )
  })

  it('does not reach the prototype', () => {
    const result = applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }])
    expect(Object.keys(result as object)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it.each([null, {}, 'a', [1]])('answers 400 to the patch %j', (patch) => {
    expect(() => applyJsonPatch({}, patch)).toThrow(expect.objectContaining({ code: 400 }))
  })

  it('bounds operations and copies', () => {
    const tooMany = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: null }))
    expect(() => applyJsonPatch({}, tooMany)).toThrow(
      'The allowed maximum operations in a JSON patch is 10000, got 10001',
    )
    const doubling = Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '', path: `/a${i}` }))
    expect(() => applyJsonPatch({ x: 'y'.repeat(1000) }, doubling)).toThrow(expect.objectContaining({ code: 422 }))
  })
})
