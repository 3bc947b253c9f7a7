/** Leader election over a real Lease, with time moved by hand. */
import { afterEach, describe, expect, it } from 'vitest'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { newServiceUnavailable } from '#machinery/meta/errors.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { LeaderElector } from './leader-election.ts'

const LEASE = { namespace: 'default', name: 'leader' }

let plane: TestControlPlane | undefined

afterEach(async () => {
  await plane?.stop()
})

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function candidate(client: Client, clock: FakeClock, identity: string) {
  const stop = new AbortController()
  const options = { client, clock, random: systemRandom, logger: discardLogger, lease: LEASE, identity }
  const elector = new LeaderElector(options)
  const running = elector.run(untilAborted, stop.signal)
  return {
    elector,
    async stop(): Promise<void> {
      stop.abort()
      await running
    },
  }
}

describe('LeaderElector', () => {
  it('lets one lead, and the next when the first steps down', async () => {
    plane = await startTestControlPlane()
    const { client } = plane
    const clock = new FakeClock()
    const first = candidate(client, clock, 'first')
    await eventually(() => expect(first.elector.isLeader).toBe(true))
    const second = candidate(client, clock, 'second')
    await clock.advanceInSteps(8_000, 500)
    expect(second.elector.isLeader).toBe(false)
    await first.stop()
    await eventually(async () => {
      await clock.advanceInSteps(2_000, 500)
      expect(second.elector.isLeader).toBe(true)
    })
    const { spec } = await client.get(LEASES, LEASE)
    expect(spec).toMatchObject({ holderIdentity: 'second', leaseDurationSeconds: 15, leaseTransitions: 1 })
    await second.stop()
  })

  it('gives up when it cannot renew, and is followed only when its lease has run out', async () => {
    plane = await startTestControlPlane()
    const { client } = plane
    const clock = new FakeClock()
    let isCut = false
    const cuttable: Client = {
      ...client,
      get: (...request) => (isCut ? Promise.reject(newServiceUnavailable('cut')) : client.get(...request)),
    }
    const first = candidate(cuttable, clock, 'first')
    await eventually(() => expect(first.elector.isLeader).toBe(true))
    const second = candidate(client, clock, 'second')
    await clock.advanceInSteps(2_500, 500)
    isCut = true
    let lostAtMs = 0
    await eventually(async () => {
      await clock.advanceInSteps(500, 500)
      if (lostAtMs === 0 && !first.elector.isLeader) lostAtMs = clock.monotonicMs()
      expect(first.elector.isLeader && second.elector.isLeader).toBe(false)
      expect(second.elector.isLeader).toBe(true)
    })
    expect(lostAtMs).toBeGreaterThan(0)
    await second.stop()
    await first.stop()
  })
})
