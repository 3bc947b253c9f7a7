import { describe, expect, it } from 'vitest'
import { toJson } from './json.ts'
import { parseYaml, parseYamlDocuments } from './parse.ts'

describe('parseYaml', () => {
  it.each([
    ['a:\n- b\n- c: d\n  e: f\n-\n  - g', '{"a":["b",{"c":"d","e":"f"},["g"]]}'],
    ['a: >-\n  one\n  two\n\n  three\n    four\nb: |+\n  x\n\n', '{"a":"one two\\nthree\\n  four","b":"x\\n\\n"}'],
    ['a: |2\n    x\n   y\n', '{"a":"  x\\n y\\n"}'],
    ["a: \"x\\\n  y\"\nb: 'it''s\n\n  ok'", '{"a":"xy","b":"it\'s\\nok"}'],
    ['{a: [1, 2], "b": {c: d}, e}', '{"a":[1,2],"b":{"c":"d"},"e":null}'],
    ['# c\na: b # c\nc: d#e\n', '{"a":"b","c":"d#e"}'],
    ['a: &x {p: 1}\nb:\n  <<: *x\n  q: 2', '{"a":{"p":1},"b":{"p":1,"q":2}}'],
    ['a: http://x:80/y\nb: - not a list', '{"a":"http://x:80/y","b":"- not a list"}'],
    ['? complex\n: value\n', '{"complex":"value"}'],
    ['- - a\n  - b\n- c', '[["a","b"],"c"]'],
    ['', 'null'],
    ['plain\ntext', '"plain text"'],
  ])('%j', (text, want) => {
    if (text.includes('- not a list'))
      expect(() => parseYaml(text)).toThrow('block sequence entries are not allowed in this context')
    else expect(toJson(parseYaml(text))).toBe(want)
  })

  it.each([
    ['a: b\nc: d: e', 'yaml: line 2: mapping values are not allowed in this context'],
    ['a: b\n\tc: d', 'yaml: line 2: found a tab character that violates indentation'],
    ['a:\n\tc: d', 'yaml: line 2: found character that cannot start any token'],
    ['a: 1\nb\nc: 2', "yaml: line 3: could not find expected ':'"],
    ['a: [1\nb: 2', "yaml: line 1: did not find expected ',' or ']'"],
    ['a: "x\n', 'yaml: line 2: found unexpected end of stream'],
    ['a: *none', "yaml: unknown anchor 'none' referenced"],
    ['a\x01', 'yaml: control characters are not allowed'],
    ['a: @x', 'yaml: found character that cannot start any token'],
  ])('refuses %j', (text, message) => {
    expect(() => parseYaml(text)).toThrow(message)
  })

  it('refuses a document that is mostly aliases', () => {
    const levels = Array.from({ length: 8 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]`)
    expect(() => parseYaml(`l0: &l0 [x]\n${levels.join('\n')}`)).toThrow('yaml: document contains excessive aliasing')
  })

  it('reads every document of a stream', () => {
    expect(parseYamlDocuments('a\n---\nb\n...\n---\n').map((document) => toJson(document))).toEqual([
      '"a"',
      '"b"',
      'null',
    ])
  })
})
