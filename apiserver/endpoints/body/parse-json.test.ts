import { describe, expect, it } from 'vitest'
import { assertDepth, parseJson } from './parse-json.ts'

describe('parseJson', () => {
  it.each<[string, string[]]>([
    ['{"a":{"b":1},"c":[{"d":2}]}', []],
    ['{"a":1,"a":2}', ['a']],
    ['{"a":{"b":1,"b":2}}', ['a.b']],
    ['{"a":"x:y{[\\"","b":"\\\\"}', []],
    ['{"a":"\\"","a":":"}', ['a']],
    ['{"__proto__":1}', []],
    ['{"__proto__":1,"__proto__":2}', ['__proto__']],
    ['"a:b"', []],
  ])('finds the members that occur twice in %s', (text, duplicates) => {
    expect(parseJson(text)).toEqual({ value: JSON.parse(text), duplicates })
  })

  it('bounds nesting before anything recurses', () => {
    expect(() => parseJson('[{"a":'.repeat(200_000))).toThrow('exceeded max depth')
    expect(() => parseJson(`${'['.repeat(1000)}${']'.repeat(1000)}`)).not.toThrow()
  })

  it('does not take braces inside strings for nesting', () => {
    expect(parseJson(JSON.stringify({ a: '{'.repeat(5000) })).duplicates).toEqual([])
  })
})

it('bounds the nesting of values that came decoded', () => {
  let value: unknown = {}
  for (let i = 0; i < 2000; i++) value = { value }
  expect(() => assertDepth(value)).toThrow('exceeded max depth')
})
