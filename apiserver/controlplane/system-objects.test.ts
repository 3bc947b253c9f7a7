/** What every cluster has is looked at once a minute, whatever came of the last look. */
import { expect, it } from 'vitest'
import { discardLogger } from '#machinery/util/logger.ts'
import { FakeClock } from '../../test/support/fake-clock.ts'
import { keepSystemObjects } from './system-objects.ts'

it('looks every minute, also after a failure, until it is stopped', async () => {
  const clock = new FakeClock()
  const stop = new AbortController()
  let looks = 0
  const ensure = (): Promise<void> => {
    looks++
    return looks === 1 ? Promise.reject(new Error('storage is away')) : Promise.resolve()
  }
  const kept = keepSystemObjects({ clock, logger: discardLogger, ensure }, stop.signal)
  await clock.advanceInSteps(200_000, 1_000)
  expect(looks).toBe(3)
  stop.abort()
  await kept
  await clock.advanceInSteps(200_000, 1_000)
  expect(looks).toBe(3)
})
