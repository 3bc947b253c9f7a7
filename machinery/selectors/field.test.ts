import { describe, expect, it } from 'vitest'
import { formatFieldSelector, parseFieldSelector } from './field.ts'

describe('parseFieldSelector', () => {
  it('reads the three operators and sorts the terms', () => {
    expect(parseFieldSelector('b!=2,a==1,c=')).toEqual([
      { field: 'a', operator: '=', value: '1' },
      { field: 'b', operator: '!=', value: '2' },
      { field: 'c', operator: '=', value: '' },
    ])
    expect(parseFieldSelector('')).toEqual([])
    expect(parseFieldSelector(',a=1,')).toHaveLength(1)
  })

  it('round-trips escaped values', () => {
    const requirements = [{ field: 'a', operator: '=', value: 'x,y=z\\' }] as const
    expect(formatFieldSelector(requirements)).toBe('a=x\\,y\\=z\\\\')
    expect(parseFieldSelector(formatFieldSelector(requirements))).toEqual(requirements)
  })

  const mistakes: [string, string][] = [
    ['x', "invalid selector: 'x'; can't understand 'x'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=\\b', 'invalid field selector: invalid escape sequence: \\b'],
    ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
  ]
  it.each(mistakes)('refuses %j with upstream text', (text, message) => {
    expect(() => parseFieldSelector(text)).toThrow(message)
  })
})
