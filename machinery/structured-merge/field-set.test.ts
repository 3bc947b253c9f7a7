import { describe, expect, it } from 'vitest'
import type { FieldSet } from './field-set.ts'
import { difference, EMPTY_SET, hasPath, intersection, recursiveDifference, setOfPaths, union } from './field-set.ts'
import { parseFieldsV1, pathsOf, pathText, sortedSet } from './path-element.ts'

const set = (...paths: string[]): FieldSet => setOfPaths(paths.map((path) => path.split('/')))
const texts = (of: FieldSet): string[] => pathsOf(of).map((path) => path.join('/'))

describe('set operations', () => {
  const a = set('f:a', 'f:a/f:b', 'f:c/f:d', 'k:{"n":1}')
  const cases: readonly [name: string, outcome: FieldSet, members: string[]][] = [
    ['union keeps a parent and its children', union(set('f:a'), set('f:a/f:b')), ['f:a', 'f:a/f:b']],
    ['union with nothing', union(EMPTY_SET, a), texts(a)],
    ['intersection of a parent and its child is empty', intersection(set('f:a'), set('f:a/f:b')), []],
    ['intersection', intersection(a, set('f:a', 'f:c/f:d', 'f:c/f:e')), ['f:a', 'f:c/f:d']],
    ['difference leaves the children of a parent', difference(a, set('f:a')), ['k:{"n":1}', 'f:a/f:b', 'f:c/f:d']],
    ['difference leaves the parent of a child', difference(a, set('f:a/f:b')), ['f:a', 'k:{"n":1}', 'f:c/f:d']],
    ['difference drops nodes that become empty', difference(set('f:c/f:d'), set('f:c/f:d')), []],
    ['recursive difference takes children along', recursiveDifference(a, set('f:a', 'f:c')), ['k:{"n":1}']],
  ]
  it.each(cases)('%s', (_name, outcome, members) => {
    expect(texts(outcome).sort()).toEqual([...members].sort())
  })

  it('answers the same set when nothing is different', () => {
    expect(difference(a, set('f:x'))).toBe(a)
    expect(union(a, set('f:c/f:d'))).toBe(a)
  })

  it('tells members from the way to them', () => {
    expect(hasPath(a, ['f:a'])).toBe(true)
    expect(hasPath(a, ['f:c'])).toBe(false)
    expect(hasPath(a, ['f:c', 'f:d'])).toBe(true)
  })
})

describe('FieldsV1', () => {
  it('brings keys into one form and drops elements of unknown kinds', () => {
    const sent = { 'f:a': { '.': {}, 'k:{ "z":1, "b":"x"}': { 'f:q': {} } }, 'v:"s"': {}, 'i:3': {}, 'x:later': {} }
    expect(parseFieldsV1(sent)).toEqual({
      'f:a': { '.': {}, 'k:{"b":"x","z":1}': { 'f:q': {} } },
      'v:"s"': {},
      'i:3': {},
    })
  })

  it.each([
    ['a name without a kind', { a: {} }],
    ['a kind without a colon', { fa: {} }],
    ['a key that is no JSON', { 'k:{': {} }],
    ['a leaf that is no object', { 'f:a': 1 }],
    ['a prototype', JSON.parse('{"__proto__":{}}')],
  ])('refuses %s', (_name, sent) => {
    expect(() => parseFieldsV1(sent)).toThrow()
  })

  it('keeps a field named like a prototype a field', () => {
    const parsed = parseFieldsV1(JSON.parse('{"f:__proto__":{},"f:constructor":{}}'))
    expect(pathsOf(parsed)).toEqual([['f:__proto__'], ['f:constructor']])
  })

  it('prints paths as conflicts show them', () => {
    const path = ['f:spec', 'f:ports', 'k:{"containerPort":80,"protocol":"TCP"}', 'f:x', 'v:"a"', 'i:1']
    expect(pathText(path)).toBe('.spec.ports[containerPort=80,protocol="TCP"].x[="a"][1]')
  })

  it('is stored in order at every level, the mark of a member first', () => {
    const unordered: FieldSet = {
      'k:{"p":443}': {},
      'v:2': {},
      'f:b': { 'f:y': {}, '.': {}, 'f:x': {} },
      'k:{"p":80}': { 'f:z': {}, '.': {} },
      'f:a': {},
    }
    expect(JSON.stringify(sortedSet(unordered))).toBe(
      '{"f:a":{},"f:b":{".":{},"f:x":{},"f:y":{}},"k:{\\"p\\":80}":{".":{},"f:z":{}},"k:{\\"p\\":443}":{},"v:2":{}}',
    )
    const sorted = sortedSet(unordered)
    expect(sortedSet({ ...sorted })).toEqual(sorted)
    expect(sortedSet(sorted)).toBe(sorted)
  })

  it('lists fields before keys, keys by value', () => {
    const paths = pathsOf(set('k:{"p":443}', 'k:{"p":80}', 'f:b', 'f:a', 'v:2'))
    expect(paths.flat()).toEqual(['f:a', 'f:b', 'k:{"p":80}', 'k:{"p":443}', 'v:2'])
  })
})
