import { expect, it } from 'vitest'
import { formatDuration, parseDurationMs } from './go-duration.ts'

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

it.each([
  [0, '0s'],
  [0.0254, '25µs'],
  [512.25, '512.25ms'],
  [1500, '1.5s'],
  [1234.567, '1.234567s'],
  [60_000, '1m0s'],
  [62_500, '1m2.5s'],
  [3_600_000, '1h0m0s'],
])('prints %s ms as Go does', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
