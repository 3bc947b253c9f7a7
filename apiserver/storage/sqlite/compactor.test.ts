import { describe, expect, it } from 'vitest'
import { discardLogger } from '#machinery/util/logger.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { Compactor } from './compactor.ts'

const FIVE_MINUTES_MS = 5 * 60_000

function compactorWith(initialRevision: number) {
  const state = { revision: initialRevision, compacted: [] as number[] }
  const clock = new FakeClock()
  const compactor = new Compactor({
    clock,
    logger: discardLogger,
    revision: () => state.revision,
    compact: async (revision) => {
      state.compacted.push(revision)
    },
  })
  return { state, clock, compactor }
}

describe('compaction', () => {
  it('keeps ten minutes', () => {
    const { state, clock } = compactorWith(5_000)
    state.revision = 9_000
    clock.advance(FIVE_MINUTES_MS)
    expect(state.compacted).toEqual([])
    state.revision = 12_000
    clock.advance(FIVE_MINUTES_MS)
    clock.advance(FIVE_MINUTES_MS)
    expect(state.compacted).toEqual([5_000, 9_000])
  })

  it('keeps a thousand revisions however old', () => {
    const { state, clock } = compactorWith(500)
    clock.advance(3 * FIVE_MINUTES_MS)
    expect(state.compacted).toEqual([])
    state.revision = 1_400
    clock.advance(3 * FIVE_MINUTES_MS)
    expect(state.compacted.at(-1)).toBe(400)
  })

  it('ends with stop', () => {
    const { state, clock, compactor } = compactorWith(5_000)
    compactor.stop()
    clock.advance(4 * FIVE_MINUTES_MS)
    expect(state.compacted).toEqual([])
  })
})
