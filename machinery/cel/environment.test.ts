import { describe, expect, it } from 'vitest'
import type { Evaluation } from './environment.ts'
import { createKubernetesEnvironment } from './kubernetes/libraries.ts'
import { objectType } from './types.ts'

const environment = createKubernetesEnvironment({
  variables: {
    object: 'dyn',
    count: 'int',
    'a.dotted': 'string',
    who: objectType('test.Who', { name: 'string', groups: 'list(string)' }),
  },
})

const OBJECT = { spec: { replicas: 3, ratio: 0.5, names: ['a', 'b'] }, metadata: { labels: { app: 'x' } } }

function evaluate(expression: string, costLimit = 1_000_000): Evaluation {
  const { program, problem } = environment.compile(expression)
  if (program === undefined) throw new Error(problem)
  return program.evaluate({ object: OBJECT, 'a.dotted': 'yes', who: { name: 'eve', groups: [] } }, { costLimit })
}

describe('CEL over JSON', () => {
  it.each([
    ['object.spec.replicas + 1 == 4', true],
    ['object.spec.ratio < 1', true],
    ['type(object.spec.replicas) == int && type(object.spec.ratio) == double', true],
    ['object.metadata.labels["app"]', 'x'],
    ['has(object.metadata.annotations)', false],
    ['object.?metadata.annotations["x"].orValue("none")', 'none'],
    ['object.spec.names.all(name, name.size() == 1)', true],
    ['a.dotted', 'yes'],
    ['optional.of(who.name).optMap(n, n + "!").optMap(n, n + "!").value()', 'eve!!'],
    ['object.spec.names.map(n, n + n).join("-")', 'aa-bb'],
    ['[3, 1, 2].sort() == [1, 2, 3] && ["bb", "a"].sortBy(s, s.size()) == ["a", "bb"]', true],
    ['[[1, 2], [3]].flatten() == [1, 2, 3] && [1, 1, 2].distinct() == [1, 2]', true],
    ['sets.contains([1, 2], [2]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])', true],
    ['{"a": 1, "b": 2}.transformMap(k, v, v + 1) == {"a": 2, "b": 3}', true],
    ['[1, 2, 3].transformMapEntry(i, v, {string(v): i}).size()', 3n],
  ])('evaluates %s', (expression, wanted) => {
    expect(evaluate(expression)).toMatchObject({ value: wanted })
  })

  it.each([
    ['object.spec.nothing == 1', 'no such key: nothing'],
    ['object.spec.names[2]', 'index out of bounds: 2'],
    ['count == 1', 'no such attribute(s): count'],
    ['9223372036854775807 + 1', 'integer overflow'],
    ['1 / 0', 'division by zero'],
    ['object.spec + 1', 'no such overload: _+_(map, int)'],
    ['"a".charAt(2)', 'index out of range: 2'],
  ])('fails %s', (expression, error) => {
    expect(evaluate(expression)).toMatchObject({ error, isCostExceeded: false })
  })

  it('lets what decides win over errors of what does not', () => {
    expect(evaluate('object.no.such == 1 || true')).toMatchObject({ value: true })
    expect(evaluate('[0, 2].exists(i, 2 / i == 1)')).toMatchObject({ value: true })
    expect(evaluate('[0, 4].exists(i, 2 / i == 1)')).toMatchObject({ error: 'division by zero' })
  })

  it('stops at the cost limit, which nothing absorbs', () => {
    const expression = `true || [${Array.from({ length: 50 }, (_, i) => i).join(', ')}].all(i, i >= 0)`
    expect(evaluate(expression)).toMatchObject({ value: true, cost: 0 })
    expect(evaluate(expression.replace('true ||', 'false ||'), 100)).toMatchObject({
      error: 'operation cancelled: actual cost limit exceeded',
      isCostExceeded: true,
    })
  })

  it('leaves the values of an earlier run alone', () => {
    const { program } = environment.compile('["x"].map(i, i) + object.spec.names')
    const first = program?.evaluate({ object: OBJECT }, { costLimit: 1000 })
    const second = program?.evaluate({ object: OBJECT }, { costLimit: 1000 })
    expect(Array.from((first?.value ?? []) as Iterable<unknown>)).toEqual(['x', 'a', 'b'])
    expect(second).toEqual(first)
  })
})

describe('CEL compilation', () => {
  const mark = (line: string, column: number): string => `\n | ${line}\n | ${'.'.repeat(column - 1)}^`

  it.each([
    ['nothing == 1', 1, "undeclared reference to 'nothing' (in container '')"],
    ['size(object, 2)', 5, "found no matching overload for 'size' applied to '(dyn, int)'"],
    ['count + "a"', 7, "found no matching overload for '_+_' applied to '(int, string)'"],
    ['who.age', 4, "undefined field 'age'"],
    ['count.x', 6, "type 'int' does not support field selection"],
    ['[1, "a"]', 5, "expected type 'int' but found 'string'"],
    ['[1].all(count + 1, true)', 15, 'argument must be a simple name'],
    ['has(object)', 5, 'invalid argument to has() macro'],
    [
      'count.all(x, true)',
      1,
      "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
    ],
    ['for', 1, 'reserved identifier: for'],
    ['1 1', 3, "Syntax error: extraneous input '1' expecting <EOF>"],
    ['1 1 1', 3, "Syntax error: mismatched input '1' expecting <EOF>"],
    ['who.`name`', 5, "unsupported syntax: '`'"],
    ['9223372036854775808', 1, 'invalid int literal'],
    ['1 @', 3, "Syntax error: token recognition error at: '@'"],
  ])('says what is wrong with %s', (expression, column, message) => {
    expect(environment.compile(expression).problem).toBe(
      `ERROR: <input>:1:${column}: ${message}${mark(expression, column)}`,
    )
  })

  it('wants the type it was asked for', () => {
    expect(environment.compile('object.spec', { resultType: 'bool' })).toEqual({
      problem: 'must evaluate to bool but got dyn',
      isWrongType: true,
    })
    expect(environment.compile('object.spec == 1', { resultType: 'bool' }).problem).toBeUndefined()
  })

  it('bounds length and nesting', () => {
    expect(environment.compile('a'.repeat(100_001)).problem).toContain('code point size exceeds limit')
    expect(environment.compile(`${'('.repeat(300)}1${')'.repeat(300)}`).problem).toContain(
      'recursion limit exceeded: 250',
    )
    expect(environment.compile(`1${' + 1'.repeat(300)}`).problem).toContain('recursion limit exceeded: 250')
    expect(environment.compile(`true${' && true'.repeat(5000)}`).problem).toBeUndefined()
  })
})
