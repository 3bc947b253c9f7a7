import { describe, expect, it } from 'vitest'
import { EVERYTHING, formatLabelSelector, labelSelectorAsMatcher, matcherOfSet, parseLabelSelector } from './label.ts'

describe('parseLabelSelector', () => {
  const canonical: [string, string][] = [
    ['', ''],
    ['x=a,y=b,z=c', 'x=a,y=b,z=c'],
    ['z=c , x = a', 'x=a,z=c'],
    ['x!=a,y==b', 'x!=a,y==b'],
    ['x', 'x'],
    ['!x', '!x'],
    ['x=', 'x='],
    ['x= ,z= ', 'x=,z='],
    ['x in (b,a)', 'x in (a,b)'],
    ['x notin ()', 'x notin ()'],
    ['x in (,a)', 'x in (,a)'],
    ['x>1', 'x>1'],
    ['x<1,!z', 'x<1,!z'],
    ['in in (in,notin)', 'in in (in,notin)'],
    ['notin=in', 'notin=in'],
    ['a.b/c in (d)', 'a.b/c in (d)'],
  ]
  it.each(canonical)('reads %j as %j', (text, expected) => {
    expect(parseLabelSelector(text).toString()).toBe(expected)
  })

  const mistakes: [string, string][] = [
    ['x=a||y=b', 'values[0][x]: Invalid value: "a||y": a valid label must be an empty string'],
    ['x==a==b', "found '==', expected: ',' or 'end of string'"],
    ['x in', "found '' expected: '('"],
    ['x in (a', "found '', expected: ',' or ')'"],
    ['x,', "found '', expected: identifier after ','"],
    [',x', "found ',', expected: !, identifier, or 'end of string'"],
    ['!x=a', "found '=', expected: ',' or 'end of string'"],
    ['x a', "unable to parse requirement: found 'a', expected: in, notin, =, ==, !=, gt, lt"],
    ['x>a', "for 'Gt', 'Lt' operators, the value must be an integer"],
    ['-x=a', 'unable to parse requirement: <nil>: Invalid value: "-x": name part must consist of alphanumeric'],
    ['A_/x', 'prefix part a lowercase RFC 1123 subdomain'],
    ['x/y/z', 'a valid label key must consist of'],
  ]
  it.each(mistakes)('refuses %j with upstream text', (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(message)
  })
})

describe('matching', () => {
  const labels = { foo: 'bar', baz: 'blah', n: '5' }
  const rows: [string, boolean][] = [
    ['', true],
    ['foo=bar', true],
    ['foo=other', false],
    ['foo=bar,baz=blah', true],
    ['foo!=bar', false],
    ['absent!=x', true],
    ['foo in (a,bar)', true],
    ['absent in (a)', false],
    ['absent notin (a)', true],
    ['foo notin (bar)', false],
    ['foo', true],
    ['absent', false],
    ['!absent', true],
    ['!foo', false],
    ['n>4', true],
    ['n<5', false],
    ['foo>4', false],
    ['constructor', false],
    ['!toString', true],
  ]
  it.each(rows)('%j is %s', (text, expected) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(expected)
  })

  it('treats missing labels as none', () => {
    expect(parseLabelSelector('!a').matches(undefined)).toBe(true)
    expect(parseLabelSelector('a=').matches(undefined)).toBe(false)
  })
})

describe('LabelSelector objects', () => {
  it('select nothing when absent and everything when empty', () => {
    expect(labelSelectorAsMatcher(undefined).matches({})).toBe(false)
    expect(labelSelectorAsMatcher({})).toBe(EVERYTHING)
  })

  it('combine labels and expressions', () => {
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['b', 'a'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    }
    const matcher = labelSelectorAsMatcher(selector)
    expect(matcher.matches({ app: 'web', tier: 'a' })).toBe(true)
    expect(matcher.matches({ app: 'web', tier: 'a', old: '' })).toBe(false)
    expect(formatLabelSelector(selector)).toBe('app=web,!old,tier in (a,b)')
  })

  it('refuse what upstream refuses', () => {
    const expressions = (operator: string, values?: string[]) => ({
      matchExpressions: [{ key: 'a', operator, ...(values === undefined ? {} : { values }) }],
    })
    expect(() => labelSelectorAsMatcher(expressions('Like', ['b']))).toThrow(
      '"Like" is not a valid label selector operator',
    )
    expect(() => labelSelectorAsMatcher(expressions('In'))).toThrow(
      "for 'in', 'notin' operators, values set can't be empty",
    )
    expect(() => labelSelectorAsMatcher(expressions('Exists', ['b']))).toThrow(
      'values set must be empty for exists and does not exist',
    )
    expect(formatLabelSelector(expressions('Like'))).toBe('<error>')
    expect(formatLabelSelector(undefined)).toBe('<none>')
  })

  it('sets are matched as they are', () => {
    expect(matcherOfSet({ a: 'not valid!' }).matches({ a: 'not valid!' })).toBe(true)
    expect(matcherOfSet({}).isEmpty).toBe(true)
  })
})
