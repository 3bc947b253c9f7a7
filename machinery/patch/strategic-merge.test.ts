import { describe, expect, it } from 'vitest'
import type { StrategicMergeField, StrategicMergeSchema } from '#machinery/schema/interfaces.ts'
import { builtInSchema } from '#machinery/schema/builtin.ts'
import { deepFreeze } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import { createThreeWayStrategicMergePatch } from './strategic-diff.ts'
import { applyStrategicMergePatch } from './strategic-merge.ts'

function fieldOf(
  strategies: StrategicMergeField['strategies'],
  mergeKey: string | undefined,
  isList: boolean,
  isMap = false,
): StrategicMergeField {
  return { strategies, mergeKey, isList, isMap, element: isMap ? undefined : ITEM }
}

/** One type that refers to itself in every way a type can. */
const ITEM: StrategicMergeSchema = { field: (name) => FIELDS.get(name) }
const FIELDS = new Map<string, StrategicMergeField>([
  ['items', fieldOf(['merge'], 'name', true)],
  ['atomic', fieldOf([], undefined, true)],
  ['numbers', fieldOf(['merge'], undefined, true)],
  ['one', fieldOf([], undefined, false)],
  ['whole', fieldOf(['replace'], undefined, false)],
  ['union', fieldOf(['retainKeys'], undefined, false)],
  ['unions', fieldOf(['merge', 'retainKeys'], 'name', true)],
  ['labels', fieldOf([], undefined, false, true)],
])

const apply = (document: JsonValue, patch: JsonValue): JsonValue =>
  applyStrategicMergePatch(deepFreeze(document), deepFreeze(patch), ITEM)

describe('applyStrategicMergePatch', () => {
  const rows: [string, JsonObject, JsonObject, JsonObject][] = [
    [
      'merges lists by key',
      { items: [{ name: 'a', v: 1 }, { name: 'b' }] },
      { items: [{ name: 'a', v: 2 }] },
      { items: [{ name: 'a', v: 2 }, { name: 'b' }] },
    ],
    [
      'puts new elements first, as upstream does',
      { items: [{ name: 'a' }] },
      { items: [{ name: 'b' }] },
      { items: [{ name: 'b' }, { name: 'a' }] },
    ],
    [
      'deletes by $patch: delete',
      { items: [{ name: 'a' }, { name: 'b' }] },
      { items: [{ $patch: 'delete', name: 'a' }] },
      { items: [{ name: 'b' }] },
    ],
    [
      'replaces by $patch: replace',
      { items: [{ name: 'a' }] },
      { items: [{ name: 'b' }, { $patch: 'replace' }] },
      { items: [{ name: 'b' }] },
    ],
    ['replaces atomic lists', { atomic: [{ a: 1 }] }, { atomic: [{ b: 2 }] }, { atomic: [{ b: 2 }] }],
    ['unites lists of scalars', { numbers: [1, 2] }, { numbers: [2, 3] }, { numbers: [1, 2, 3] }],
    [
      'deletes scalars by a parallel list',
      { numbers: [1, 2, 3] },
      { '$deleteFromPrimitiveList/numbers': [1, 3] },
      { numbers: [2] },
    ],
    [
      'orders by $setElementOrder',
      { items: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
      { '$setElementOrder/items': [{ name: 'c' }, { name: 'a' }], items: [{ name: 'a', v: 1 }] },
      { items: [{ name: 'b' }, { name: 'c' }, { name: 'a', v: 1 }] },
    ],
    [
      'orders without changes',
      { numbers: [1, 2, 3] },
      { '$setElementOrder/numbers': [3, 2, 1] },
      { numbers: [3, 2, 1] },
    ],
    [
      'fills the places of deleted elements before later server-only ones',
      { items: [{ name: '1' }, { name: '2' }, { name: '4' }] },
      {
        '$setElementOrder/items': [{ name: '2' }, { name: '3' }],
        items: [{ name: '3' }, { name: '1', $patch: 'delete' }],
      },
      { items: [{ name: '2' }, { name: '4' }, { name: '3' }] },
    ],
    [
      'merges objects',
      { one: { a: 1, b: { c: 1 } } },
      { one: { a: null, b: { d: 2 } } },
      { one: { b: { c: 1, d: 2 } } },
    ],
    ['replaces objects that say so', { whole: { a: 1 } }, { whole: { b: 2 } }, { whole: { b: 2 } }],
    [
      'replaces an object by $patch: replace',
      { one: { a: 1 } },
      { one: { $patch: 'replace', b: 2 } },
      { one: { b: 2 } },
    ],
    ['empties an object by $patch: delete', { one: { a: 1 } }, { one: { $patch: 'delete' } }, { one: {} }],
    [
      'clears what $retainKeys leaves out',
      { union: { a: 1, b: 2 } },
      { union: { $retainKeys: ['b', 'c'], c: 3 } },
      { union: { b: 2, c: 3 } },
    ],
    [
      'drops nulls and directives of what is new',
      {},
      { one: { a: null, b: 1 }, items: [{ name: 'a', $patch: 'delete' }, { name: 'b' }] },
      { one: { b: 1 }, items: [{ name: 'b' }] },
    ],
    [
      'merges maps of strings',
      { labels: { a: '1', b: '2' } },
      { labels: { a: null, c: '3' } },
      { labels: { b: '2', c: '3' } },
    ],
    ['merges fields nobody knows like maps', { x: { a: 1 } }, { x: { b: 2 } }, { x: { a: 1, b: 2 } }],
    ['takes a value of another type', { one: { a: 1 } }, { one: 'x' }, { one: 'x' }],
  ]
  it.each(rows)('%s', (_, document, patch, expected) => {
    expect(apply(document, patch)).toEqual(expected)
  })

  const mistakes: [string, JsonObject, JsonObject, string][] = [
    ['an unknown directive', {}, { $patch: 'explode' }, 'unknown patch type: explode in map'],
    [
      'an element without its key',
      { items: [{ name: 'a' }] },
      { items: [{ v: 1 }] },
      'does not contain declared merge key: name',
    ],
    [
      'a deletion without its key',
      { items: [{ name: 'a' }] },
      { items: [{ $patch: 'delete' }] },
      'does not contain declared merge key: name',
    ],
    ['mixed lists', { numbers: [1] }, { numbers: ['a'] }, 'list element types are not identical'],
    ['lists of lists', { numbers: [[1]] }, { numbers: [[2]] }, 'lists of lists are not supported'],
    [
      'members $retainKeys does not name',
      { union: { a: 1 } },
      { union: { $retainKeys: ['b'], a: 1 } },
      'invalid patch format of retainKeys',
    ],
    [
      'an order that contradicts the patch',
      { items: [] },
      { '$setElementOrder/items': [{ name: 'b' }, { name: 'a' }], items: [{ name: 'a' }, { name: 'b' }] },
      "doesn't match $setElementOrder list",
    ],
    ['a directive without a field', {}, { $setElementOrder: [] }, 'invalid patch format of setElementOrder list'],
  ]
  it.each(mistakes)('answers 400 to %s', (_, document, patch, message) => {
    expect(() => apply(document, patch)).toThrow(message)
    expect(() => apply(document, patch)).toThrow(expect.objectContaining({ code: 400 }))
  })

  it('patches a pod as kubectl does', () => {
    const schema = builtInSchema('', 'v1', 'Pod')?.strategicMerge as StrategicMergeSchema
    const pod = {
      metadata: { finalizers: ['a'] },
      spec: {
        containers: [{ name: 'web', image: 'a:1', env: [{ name: 'X', value: '1' }], ports: [{ containerPort: 80 }] }],
        volumes: [{ name: 'v', emptyDir: {} }],
      },
    }
    const patch = {
      metadata: { finalizers: ['b'] },
      spec: {
        containers: [{ name: 'web', image: 'a:2', env: [{ name: 'Y', value: '2' }] }],
        volumes: [{ $retainKeys: ['name', 'configMap'], name: 'v', configMap: { name: 'c' } }],
      },
    }
    expect(applyStrategicMergePatch(pod, patch, schema)).toEqual({
      metadata: { finalizers: ['b', 'a'] },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'a:2',
            env: [
              { name: 'Y', value: '2' },
              { name: 'X', value: '1' },
            ],
            ports: [{ containerPort: 80 }],
          },
        ],
        volumes: [{ name: 'v', configMap: { name: 'c' } }],
      },
    })
  })
})

describe('createThreeWayStrategicMergePatch', () => {
  const rows: [string, JsonObject | undefined, JsonObject, JsonObject, JsonObject, JsonObject][] = [
    [
      'is empty when nothing is to do',
      { one: { a: 1 } },
      { one: { a: 1 } },
      { one: { a: 1, z: 1 } },
      {},
      { one: { a: 1, z: 1 } },
    ],
    [
      'deletes only what was applied before',
      { one: { a: 1, b: 1 } },
      { one: { a: 1 } },
      { one: { a: 1, b: 1, c: 1 } },
      { one: { b: null } },
      { one: { a: 1, c: 1 } },
    ],
    [
      'deletes, adds and orders list elements',
      { items: [{ name: '1' }, { name: '2' }] },
      { items: [{ name: '2' }, { name: '3' }] },
      { items: [{ name: '1' }, { name: '2', x: 1 }] },
      {
        '$setElementOrder/items': [{ name: '2' }, { name: '3' }],
        items: [{ name: '3' }, { name: '1', $patch: 'delete' }],
      },
      { items: [{ name: '2', x: 1 }, { name: '3' }] },
    ],
    [
      'edits lists of scalars',
      { numbers: [1, 2] },
      { numbers: [2, 3] },
      { numbers: [1, 2, 4] },
      { '$deleteFromPrimitiveList/numbers': [1], '$setElementOrder/numbers': [2, 3], numbers: [3] },
      { numbers: [2, 3, 4] },
    ],
    [
      'names the keys a union keeps',
      { union: { name: 'a', x: 1 } },
      { union: { name: 'a', y: 2 } },
      { union: { name: 'a', x: 1 } },
      { union: { $retainKeys: ['name', 'y'], x: null, y: 2 } },
      { union: { name: 'a', y: 2 } },
    ],
    ['overwrites drift', { one: { a: 1 } }, { one: { a: 1 } }, { one: { a: 2 } }, { one: { a: 1 } }, { one: { a: 1 } }],
    [
      'takes over without a last configuration',
      undefined,
      { one: { a: 1 } },
      { one: { b: 2 } },
      { one: { a: 1 } },
      { one: { a: 1, b: 2 } },
    ],
    [
      'is at peace with fields nobody knows',
      { x: { a: [1] } },
      { x: { a: [2] } },
      { x: { a: [1] } },
      { x: { a: [2] } },
      { x: { a: [2] } },
    ],
  ]
  it.each(rows)('%s', (_, original, modified, current, patch, result) => {
    const made = createThreeWayStrategicMergePatch(
      deepFreeze(original),
      deepFreeze(modified),
      deepFreeze(current),
      ITEM,
    )
    expect(made).toEqual(patch)
    expect(apply(current, made)).toEqual(result)
  })
})
