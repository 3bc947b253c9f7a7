import { describe, expect, it } from 'vitest'
import { canonicalQuantity, parseQuantity, Quantity, tryParseQuantity, ZERO_QUANTITY } from './quantity.ts'

describe('canonical form', () => {
  const rows: [string, string][] = [
    ['0', '0'],
    ['0n', '0'],
    ['-0', '0'],
    ['100m', '100m'],
    ['0.1', '100m'],
    ['1.5', '1500m'],
    ['.5', '500m'],
    ['1.', '1.'],
    ['+5', '+5'],
    ['010', '010'],
    ['1000', '1k'],
    ['1000m', '1'],
    ['100000000', '100M'],
    ['123456', '123456'],
    ['1e3', '1e3'],
    ['1.5e3', '1500'],
    ['12E6', '12E6'],
    ['1000000000000000000000', '1000E'],
    ['1024', '1024'],
    ['1Ki', '1Ki'],
    ['1024Ki', '1Mi'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['0.5Ki', '512'],
    ['0.1Mi', '104857600m'],
    ['0.001Ki', '1024m'],
    ['1Ei', '1Ei'],
    ['9.5n', '10n'],
    ['0.0001n', '1n'],
    ['-1.5', '-1500m'],
    ['-1024Ki', '-1Mi'],
    ['100Ei', '9223372036854775807'],
    ['1n', '1n'],
    ['Mi', '0'],
    ['.', '0'],
    ['1u', '1u'],
  ]
  it.each(rows)('%s prints as %s', (text, expected) => {
    expect(parseQuantity(text).toString()).toBe(expected)
  })

  it.each(rows)('%s is stored as its canonical form, which is its own', (text) => {
    const once = canonicalQuantity(text)
    expect(canonicalQuantity(once)).toBe(once)
  })
})

describe('errors', () => {
  const format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
  const rows: [string, string][] = [
    ['', format],
    ['1.1.M', format],
    ['1+1.0M', format],
    ['1Gb', format],
    ['aoeu', format],
    ['1 Gi', format],
    ['1i', "unable to parse quantity's suffix"],
    ['1Mm', "unable to parse quantity's suffix"],
    ['1e', "unable to parse quantity's suffix"],
    ['1e999999', "unable to parse quantity's suffix"],
  ]
  it.each(rows)('%j fails with upstream text', (text, message) => {
    expect(() => parseQuantity(text)).toThrow(message)
    expect(tryParseQuantity(text)).toBeUndefined()
  })
})

describe('arithmetic', () => {
  it('adds and subtracts exactly, keeping the first format', () => {
    expect(parseQuantity('1Gi').add(parseQuantity('512Mi')).toString()).toBe('1536Mi')
    expect(parseQuantity('100m').add(parseQuantity('0.9')).toString()).toBe('1')
    expect(parseQuantity('1').sub(parseQuantity('1n')).toString()).toBe('999999999n')
    expect(ZERO_QUANTITY.add(parseQuantity('1Gi')).toString()).toBe('1Gi')
  })

  it('compares across formats', () => {
    expect(parseQuantity('1Ki').compare(parseQuantity('1024'))).toBe(0)
    expect(parseQuantity('1k').compare(parseQuantity('1Ki'))).toBe(-1)
    expect(parseQuantity('1').equals(parseQuantity('1000m'))).toBe(true)
  })

  it('rounds values away from zero', () => {
    expect(parseQuantity('1.1').value()).toBe(2)
    expect(parseQuantity('-1.1').value()).toBe(-2)
    expect(parseQuantity('0.0001').milliValue()).toBe(1)
    expect(parseQuantity('1Gi').value()).toBe(1073741824)
  })

  it('is made from numbers', () => {
    expect(Quantity.fromMilliValue(1500).toString()).toBe('1500m')
    expect(Quantity.fromValue(1024 * 1024, 'BinarySI').toString()).toBe('1Mi')
    expect(JSON.stringify({ cpu: Quantity.fromValue(2000) })).toBe('{"cpu":"2k"}')
    expect(parseQuantity('5').negated().sign).toBe(-1)
  })
})
