/** Events as they arrive at the API. */
import { afterEach, describe, expect, it } from 'vitest'
import { CONFIG_MAPS, EVENTS } from '#machinery/api/core/v1/resources.gen.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { ApiEventRecorder } from './recorder.ts'

let plane: TestControlPlane | undefined

afterEach(async () => {
  await plane?.stop()
})

describe('ApiEventRecorder', () => {
  it('writes an event once and counts its repetitions on it', async () => {
    plane = await startTestControlPlane()
    const { client } = plane
    const stop = new AbortController()
    const common = { client, clock: systemClock, random: systemRandom, logger: discardLogger }
    const recorder = new ApiEventRecorder({ ...common, component: 'test' }, stop.signal)
    const metadata = { namespace: 'default', name: 'a' }
    const map = await client.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
    for (let i = 0; i < 3; i++) recorder.record(map, 'Warning', 'Broken', 'it broke')
    recorder.record(map, 'Normal', 'Mended', 'it works')
    await eventually(async () => {
      const { items } = await client.list(EVENTS, { namespace: 'default' })
      const facts = items.map(({ reason, count, type, involvedObject, source }) => ({
        reason,
        count,
        type,
        uid: involvedObject.uid,
        component: source?.component,
      }))
      const common = { uid: map.metadata.uid, component: 'test' }
      expect(facts.sort((a, b) => (a.reason ?? '').localeCompare(b.reason ?? ''))).toEqual([
        { reason: 'Broken', count: 3, type: 'Warning', ...common },
        { reason: 'Mended', count: 1, type: 'Normal', ...common },
      ])
    })
    stop.abort()
  })

  it('gives events of two components about one object at one moment two names', async () => {
    plane = await startTestControlPlane()
    const { client } = plane
    const stop = new AbortController()
    const common = { client, clock: new FakeClock(), random: systemRandom, logger: discardLogger }
    const metadata = { namespace: 'default', name: 'a' }
    const map = await client.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
    for (const component of ['one', 'other'])
      new ApiEventRecorder({ ...common, component }, stop.signal).record(map, 'Normal', 'Seen', `seen by ${component}`)
    await eventually(async () => {
      const { items } = await client.list(EVENTS, { namespace: 'default' })
      expect(items.map(({ message }) => message).sort()).toEqual(['seen by one', 'seen by other'])
    })
    stop.abort()
  })
})
