import { expect, it } from 'vitest'
import { parseDurationMs } from './go-duration.ts'

it.each([
  ['0', 0],
  ['5s', 5000],
  ['1h30m', 5_400_000],
  ['1.5s', 1500],
  ['.5m', 30_000],
  ['-2m', -120_000],
  ['300ms', 300],
])('reads %s', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms)
})

it.each([
  ['', 'time: invalid duration ""'],
  ['1', 'time: missing unit in duration "1"'],
  ['1x', 'time: unknown unit "x" in duration "1x"'],
  ['.s', 'time: invalid duration ".s"'],
  ['9999999h', 'time: invalid duration "9999999h"'],
])('refuses "%s" in Go’s words', (text, message) => {
  expect(() => parseDurationMs(text)).toThrow(message)
})
