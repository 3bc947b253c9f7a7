import { afterAll, beforeAll, expect, it } from 'vitest'
import { EVENTS as CORE_EVENTS } from '#machinery/api/core/v1/resources.gen.ts'
import { EVENTS } from '#machinery/api/events/v1/resources.gen.ts'
import type { Event } from '#machinery/api/events/v1/types.gen.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'

let plane: TestControlPlane
beforeAll(async () => {
  plane = await startTestControlPlane()
})
afterAll(() => plane.stop())

function makeEvent(name: string): Event {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace: 'default' },
    eventTime: '2025-01-01T00:00:00.000000Z',
    regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
    note: 'hello',
    reason: 'Made',
    action: 'Make',
    type: 'Normal',
    reportingController: 'c',
    reportingInstance: 'i',
  }
}

it('an events.k8s.io event keeps its shape when created, read and patched', async () => {
  const event = makeEvent('e')
  const { metadata: _metadata, ...body } = event
  expect(await plane.client.create(EVENTS, event)).toMatchObject(body)
  const key = { namespace: 'default', name: 'e' }
  const series = { count: 2, lastObservedTime: '2025-01-01T00:00:01.000000Z' }
  await plane.client.patch(EVENTS, key, { type: 'merge', body: { series } })
  const stored = await plane.client.get(EVENTS, key)
  expect(stored).toMatchObject({ ...body, series })
  expect(stored).not.toHaveProperty('message')
  const selected = await plane.client.list(EVENTS, { namespace: 'default', fieldSelector: 'regarding.name=p' })
  expect(selected.items).toHaveLength(1)
})

it('an events.k8s.io event is found by its reporter in both groups', async () => {
  await plane.client.create(EVENTS, { ...makeEvent('reported'), reportingController: 'reporter' })
  const select = (fieldSelector: string) => ({ namespace: 'default', fieldSelector })
  expect((await plane.client.list(CORE_EVENTS, select('source=reporter'))).items).toHaveLength(1)
  expect((await plane.client.list(EVENTS, select('reportingController=reporter'))).items).toHaveLength(1)
})

// Before kubernetes#108047 (2022) upstream compared the new event with itself: the suite of v1.20 patches the note.
it('of an events.k8s.io event the series and the note change, and nothing else', async () => {
  const created = await plane.client.create(EVENTS, makeEvent('kept'))
  const key = { namespace: 'default', name: 'kept' }
  const series = { count: 2, lastObservedTime: '2025-01-01T00:00:01.000000Z' }
  const patched = await plane.client.patch(EVENTS, key, { type: 'strategic', body: { series } })
  expect(patched).toEqual({ ...created, series, metadata: patched.metadata })
  const updated = await plane.client.update(EVENTS, { ...patched, series: { ...series, count: 100 } })
  expect(updated.series?.count).toBe(100)
  await expect(plane.client.patch(EVENTS, key, { type: 'strategic', body: { action: 'other' } })).rejects.toMatchObject(
    {
      status: { code: 422, details: { causes: [{ field: 'action', reason: 'FieldValueInvalid' }] } },
    },
  )
  await plane.client.patch(EVENTS, key, { type: 'strategic', body: { note: 'other' } })
  expect((await plane.client.get(EVENTS, key)).note).toBe('other')
})
