import { describe, expect, it } from 'vitest'
import { duplicateFields, fieldsInOrder } from './duplicate-fields.ts'

describe('duplicateFields', () => {
  const rows: [string, string[]][] = [
    ['{}', []],
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}', []],
    ['{"a":1,"a":2}', ['a']],
    ['{"a":1,"a":2,"a":3}', ['a']],
    ['{"spec":{"replicas":1,"replicas":2}}', ['spec.replicas']],
    [' { "spec" : { "c" : [ { "n" : "x" } , { "n" : 1 , "n" : [ ] } ] } } ', ['spec.c[1].n']],
    ['{"a":"\\"}{","a":1}', ['a']],
    ['{"a\\u0062":1,"ab":2}', ['ab']],
    ['{"x":{"a":1,"a":2},"x":{"b":1,"b":1}}', ['x.a', 'x', 'x.b']],
    ['{"a":[[{"b":1,"b":2}]]}', ['a[0][0].b']],
    ['{"a":-1.5e3,"b":null,"b":true}', ['b']],
  ]
  it.each(rows)('%s', (text, expected) => {
    expect(duplicateFields(text)).toEqual(expected)
  })

  it('finds duplicates among many keys', () => {
    const members = Array.from({ length: 100 }, (_, i) => `"k${i}":${i}`)
    expect(duplicateFields(`{${members.join()}}`)).toEqual([])
    expect(duplicateFields(`{${members.join()},"k7":1}`)).toEqual(['k7'])
  })

  it.each(['', '{', '{"a"', '{"a":', '[', '{"a":1]', 'x', '{a:1}'])('ends on %j, which is not JSON', (text) => {
    expect(Array.isArray(duplicateFields(text))).toBe(true)
  })
})

describe('fieldsInOrder', () => {
  it.each<[string, string[], string[]]>([
    ['{"x":1,"a":1,"a":2,"y":{"z":1}}', ['y.z', 'x'], ['x', 'a', 'y.z']],
    ['{"x":1,"x":2}', ['x'], ['x']],
    ['[{"op":"test","foo":1},{"path":"/a","path":"/b"}]', ['[0].foo'], ['[0].foo', '[1].path']],
    ['{"a":1}', ['gone'], []],
  ])('%s with %j', (text, fields, found) => {
    expect(fieldsInOrder(text, new Set(fields))).toEqual(found)
  })
})
