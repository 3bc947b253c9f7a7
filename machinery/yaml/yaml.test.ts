import { describe, expect, it } from 'vitest'
import { parseYamlDocument, parseYamlDocuments, toYaml, YamlError } from './yaml.ts'

const parse = (text: string): unknown => parseYamlDocuments(text)[0]?.value

describe('parseYamlDocuments', () => {
  const rows: [string, string, unknown][] = [
    ['YAML 1.1 booleans', 'a: yes\nb: NO\nc: on\nd: "yes"', { a: true, b: false, c: true, d: 'yes' }],
    ['octal', 'a: 0644\nb: 0o17\nc: 08', { a: 420, b: 15, c: 8 }],
    ['other numbers', 'a: 1_000\nb: 0x10\nc: 1.5\nd: 0b11', { a: 1000, b: 16, c: 1.5, d: 3 }],
    ['timestamps as strings', 'a: 2024-01-01\nb: 2024-01-01T00:00:00Z', { a: '2024-01-01', b: '2024-01-01T00:00:00Z' }],
    ['base-60 as strings', 'a: 1:30\nb: 12:30:45', { a: '1:30', b: '12:30:45' }],
    ['nulls', 'a: ~\nb:\nc: null', { a: null, b: null, c: null }],
    ['merge keys', 'x: &x {a: 1, b: 2}\nz:\n  <<: *x\n  b: 3', { x: { a: 1, b: 2 }, z: { a: 1, b: 3 } }],
    ['keys that are not strings', 'yes: 1\n2: b', { true: 1, '2': 'b' }],
    ['duplicate keys, last wins', 'a: 1\na: 2', { a: 2 }],
    ['block scalars', 'a: |\n  x\n  y\nb: >-\n  x\n  y', { a: 'x\ny\n', b: 'x y' }],
    ['binary', 'a: !!binary aGVsbG8=', { a: 'hello' }],
    ['null keys', '~: a', { '': 'a' }],
    ['collections as keys', 'a: {{ .x }}\n? {b: 1}\n: c', { a: { '{ .x }': null }, '{ b: 1 }': 'c' }],
    ['a lone dot as a string', 'a: .', { a: '.' }],
    ['floats', 'a: 1e3\nb: .5\nc: "1.5"\nd: -0x1F', { a: 1000, b: 0.5, c: '1.5', d: -31 }],
    ['tags', 'a: !!str 5\nb: !!int "5"\nc: !custom 5', { a: '5', b: 5, c: '5' }],
    ['aliases', 'a: &x [1, {b: c}]\nd: *x', { a: [1, { b: 'c' }], d: [1, { b: 'c' }] }],
    ['merge keys after what they overwrite', 'x: &x {a: 1}\nz:\n  a: 2\n  <<: *x', { x: { a: 1 }, z: { a: 1 } }],
    ['the last of two merge keys', '<<: {a: 1, b: 1}\n<<: {a: 2}', { a: 2, b: 1 }],
    ['the first of merged mappings', '<<: [{a: 1}, {a: 2, b: 3}]\nc: 4', { a: 1, b: 3, c: 4 }],
    ['CRLF and a byte order mark', '\uFEFFa:\r\n  b: 1\r\n', { a: { b: 1 } }],
    ['flow', '{a: [1, "b"], c: {}}', { a: [1, 'b'], c: {} }],
    ['JSON', '{"a": [1, null]}', { a: [1, null] }],
  ]
  it.each(rows)('reads %s', (_, text, expected) => {
    expect(parse(text)).toEqual(expected)
  })

  it('keeps __proto__ an ordinary key', () => {
    const value = parse('__proto__: {a: 1}\nb: 2') as Record<string, unknown>
    expect(Object.keys(value)).toEqual(['__proto__', 'b'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  it('skips empty documents but counts them', () => {
    const documents = parseYamlDocuments('# nothing\n---\na: 1\n---\n---\n# still nothing\n---\nb: 2\n')
    expect(documents.map(({ value, line }) => ({ value, line }))).toEqual([
      { value: { a: 1 }, line: 3 },
      { value: { b: 2 }, line: 8 },
    ])
    expect(documents[1]?.index).toBeGreaterThan(documents[0]?.index ?? 0)
    expect(parseYamlDocuments('')).toEqual([])
  })

  it('says where the mistake is', () => {
    try {
      parseYamlDocuments('a: 1\n---\nb: [1\nc: 2\n')
      expect.unreachable()
    } catch (err) {
      expect(err).toBeInstanceOf(YamlError)
      expect(err).toMatchObject({ documentIndex: 1, line: expect.any(Number) })
      expect((err as YamlError).line).toBeGreaterThan(2)
      expect((err as YamlError).message).toMatch(/^error converting YAML to JSON: yaml: line \d+: /)
    }
  })

  it('refuses an alias bomb', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 9; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    expect(() => parseYamlDocuments(lines.join('\n'))).toThrow(YamlError)
  })

  it('does not share what aliases repeat', () => {
    const value = parse('x: &x {a: 1}\nz: *x') as { x: { a: number }; z: { a: number } }
    value.x.a = 2
    expect(value.z.a).toBe(1)
  })

  it('bounds nesting', () => {
    const nested = (depth: number): string => `x: ${'[{a: '.repeat(depth / 2)}${'}]'.repeat(depth / 2)}`
    expect(parse(nested(900))).toBeDefined()
    expect(() => parse(nested(1100))).toThrow('exceeded max depth of 1000')
  })

  it('refuses what JSON cannot hold', () => {
    expect(() => parse('a: .inf')).toThrow('unsupported value: +Inf')
  })
})

describe('toYaml', () => {
  const rows: [string, unknown, string][] = [
    ['sorted keys', { b: 1, a: { d: true, c: null } }, 'a:\n  c: null\n  d: true\nb: 1\n'],
    ['natural key order', { a10: 1, a2: 2, a1: 3 }, 'a1: 3\na2: 2\na10: 1\n'],
    ['sequences at their key', { a: [1, { b: 2, c: [3] }, [4, 5]] }, 'a:\n- 1\n- b: 2\n  c:\n  - 3\n- - 4\n  - 5\n'],
    ['empty collections', { a: [], b: {} }, 'a: []\nb: {}\n'],
    [
      'strings that look like something else',
      { a: 'true', b: '1', c: '', d: 'null', e: '2024-01-01', f: 'y' },
      'a: "true"\nb: "1"\nc: ""\nd: "null"\ne: "2024-01-01"\nf: "y"\n',
    ],
    [
      'strings with indicators',
      { a: 'x: y', b: '- z', c: '#', d: "it's", e: '*', f: '{{ x }}' },
      "a: 'x: y'\nb: '- z'\nc: '#'\nd: it's\ne: '*'\nf: '{{ x }}'\n",
    ],
    ['block scalars', { a: 'x\ny\n', b: 'x\ny', c: 'x\n\n' }, 'a: |\n  x\n  y\nb: |-\n  x\n  y\nc: |+\n  x\n\n'],
    ['block scalars in sequences', { a: ['x\ny\n'] }, 'a:\n- |\n  x\n  y\n'],
    ['control characters', { a: 'x\ty', b: '\u0001' }, 'a: "x\\ty"\nb: "\\x01"\n'],
    ['scalars', 'a', 'a\n'],
  ]
  it.each(rows)('writes %s', (_, value, expected) => {
    expect(toYaml(value)).toBe(expected)
  })

  it.each(rows)('reads back what it wrote: %s', (_, value) => {
    expect(parse(toYaml(value))).toEqual(value)
  })
})

it('bounds the number of documents', () => {
  expect(() => parseYamlDocuments('---\n'.repeat(20_002))).toThrow('more than 20000 documents')
  expect(parseYamlDocuments('---\na: 1\n'.repeat(100))).toHaveLength(100)
})

// What sigs.k8s.io/yaml's YAMLToJSONStrict answers (run).
describe('parseYamlDocument', () => {
  const rows: [string, string[]][] = [
    ['a: 1\nb: 2', []],
    ['a:\na: 2', ['line 2: key "a" already set in map']],
    ['a: {b: 1, b:\n   2}\na: 3', ['line 2: key "b" already set in map', 'line 3: key "a" already set in map']],
    [
      '1: a\n1: b\ntrue: 1\nyes: 2\n1.5: 1\n1.50: 1',
      ['line 2: key 1 already set in map', 'line 4: key true already set in map', 'line 6: key 1.5 already set in map'],
    ],
    ['{"a": 1,\n "a": 2}', ['line 2: key "a" already set in map']],
    ['"a\\tb": 1\n"a\\tb": 2', ['line 2: key "a\\tb" already set in map']],
    ['a: 1\na: |\n  foo\na: [1,\n 2]\na: &x\n  b: 1\na: !!str\n  x', [2, 4, 6, 8].map(aAtLine)],
    ['a: 1\n? a\n? a\n: 5', [3, 4].map(aAtLine)],
    ['a: 1\na:\nb: 2', [aAtLine(2)]],
    ['a: 1\na:\n\n\n  b: 2\na:\n- 1\na:\n  - 1\n"a": 4', [5, 7, 9, 10].map(aAtLine)],
    ['x: &x {a: 1}\nz:\n  <<: *x\n  a: 2', [aAtLine(4)]],
    ['a: 1\n---\na: 1\na: 2', []],
    ['', []],
  ]
  it.each(rows)('%j', (text, repeatedKeys) => {
    expect(parseYamlDocument(text).repeatedKeys).toEqual(repeatedKeys)
  })

  it('keeps the last of them', () => {
    expect(parseYamlDocument('a: 1\na: 2').value).toEqual({ a: 2 })
  })

  it('names a bounded number', () => {
    expect(parseYamlDocument('a: 1\n'.repeat(1000)).repeatedKeys).toHaveLength(100)
  })
})

function aAtLine(line: number): string {
  return `line ${line}: key "a" already set in map`
}
