import { describe, expect, it } from 'vitest'
import { discardLogger } from '#machinery/util/logger.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { WorkResult } from './work-loop.ts'
import { WorkLoop } from './work-loop.ts'

/** Lets everything that is due run; the loop itself never waits for the clock. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

function startLoop(outcomes: (WorkResult | Error)[]) {
  const clock = new FakeClock()
  const abort = new AbortController()
  const runs: string[] = []
  const run = async (name: string): Promise<WorkResult> => {
    runs.push(name)
    const outcome = outcomes.shift() ?? 'done'
    if (outcome instanceof Error) throw outcome
    return outcome
  }
  return { clock, abort, runs, loop: new WorkLoop({ clock, logger: discardLogger, run }, abort.signal) }
}

describe('WorkLoop', () => {
  it('runs a name once however often it was added meanwhile', async () => {
    const { loop, runs } = startLoop([])
    loop.add('a')
    loop.add('b')
    loop.add('b')
    await settle()
    expect(runs).toEqual(['a', 'b'])
  })

  it('tries failures and unfinished work again, with growing pauses', async () => {
    const { loop, runs, clock } = startLoop([new Error('no'), 'again', 'done'])
    loop.add('a')
    await settle()
    expect(runs).toHaveLength(1)
    clock.advance(20)
    await settle()
    expect(runs).toHaveLength(2)
    clock.advance(20)
    await settle()
    expect(runs).toHaveLength(2)
    clock.advance(20)
    await settle()
    expect(runs).toHaveLength(3)
    clock.advance(60_000)
    await settle()
    expect(runs).toHaveLength(3)
  })

  it('does nothing more once aborted', async () => {
    const { loop, runs, clock, abort } = startLoop(['again'])
    loop.add('a')
    await settle()
    abort.abort()
    clock.advance(60_000)
    await settle()
    expect(runs).toEqual(['a'])
  })
})
