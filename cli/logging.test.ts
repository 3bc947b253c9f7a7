import { describe, expect, it } from 'vitest'
import { readableLine } from './logging.ts'

describe('readableLine', () => {
  it('puts time, level, component and message first and fields after them', () => {
    const line = readableLine(
      '{"level":"info","time":"2026-01-01T00:00:00.000Z","component":"deploy","addon":"web","objects":3,"msg":"applied"}',
    )
    expect(line).toBe('00:00:00.000 INFO  deploy: applied  addon=web objects=3\n')
  })

  it('shows an error with its stack on the next line', () => {
    expect(
      readableLine(
        '{"level":"error","time":"2026-01-01T00:00:00.000Z","err":{"message":"m","stack":"Error: m\\n at x"},"msg":"failed"}',
      ),
    ).toBe('00:00:00.000 ERROR failed\n    Error: m\n at x\n')
  })
})
