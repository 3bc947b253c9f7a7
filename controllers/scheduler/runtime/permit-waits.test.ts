import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { makePod } from '#test/support/scheduling.ts'
import type { Verdict } from '../framework/interfaces.ts'
import { PermitWaits } from './permit-waits.ts'

let clock: FakeClock
let waits: PermitWaits
beforeEach(() => {
  clock = new FakeClock()
  waits = new PermitWaits(clock)
})

const add = (uid: string, ...plugins: [string, number][]): Promise<Verdict | undefined> =>
  waits.add(makePod({ uid }), 'n1', new Map(plugins))

describe('a Pod that waits on permit', () => {
  it('goes when every plugin that asked has allowed it', async () => {
    const verdict = add('a', ['Gang', 1000], ['Quota', 1000])
    expect([...waits.values()].map(({ node, pendingPlugins }) => [node, pendingPlugins])).toEqual([
      ['n1', ['Gang', 'Quota']],
    ])
    waits.get('a')?.allow('Gang')
    expect(waits.get('a')?.pendingPlugins).toEqual(['Quota'])
    waits.get('a')?.allow('Quota')
    expect(await verdict).toBeUndefined()
    expect(waits.size).toBe(0)
  })

  it('is refused by one, once', async () => {
    const verdict = add('a', ['Gang', 1000], ['Quota', 1000])
    const waiting = waits.get('a')
    expect(waiting?.reject('Quota', 'used up')).toBe(true)
    expect(waiting?.preempt('DefaultPreemption', 'preempted')).toBe(false)
    waiting?.allow('Gang')
    expect(await verdict).toEqual({ code: 'Unschedulable', reasons: ['used up'], plugin: 'Quota' })
  })

  it('is refused by the plugin whose time is over first', async () => {
    const verdict = add('a', ['Gang', 90_000], ['Quota', 600_000])
    clock.advance(90_000)
    expect(await verdict).toEqual({
      code: 'Unschedulable',
      reasons: ['rejected due to timeout after waiting 1m30s at plugin Gang'],
      plugin: 'Gang',
    })
  })

  it('that is preempted has failed, and was not refused', async () => {
    const verdict = add('a', ['Gang', 1000])
    waits.get('a')?.preempt('DefaultPreemption', 'preempted')
    expect(await verdict).toMatchObject({ code: 'Error', reasons: ['preempted'] })
  })

  it('waits no longer when the scheduler stops, and nobody begins to', async () => {
    const verdict = add('a', ['Gang', 1000])
    waits.stop()
    expect(await verdict).toMatchObject({ code: 'Error' })
    expect(await add('b', ['Gang', 1000])).toMatchObject({ code: 'Error' })
    expect(waits.size).toBe(0)
  })

  it('is one of so many', async () => {
    for (let i = 0; i < 10_000; i++) void add(`p${i}`, ['Gang', 1000])
    expect(await add('late', ['Gang', 1000])).toMatchObject({ code: 'Unschedulable' })
    expect(waits.size).toBe(10_000)
  })
})
