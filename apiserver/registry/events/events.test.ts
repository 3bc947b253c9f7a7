import { afterAll, beforeAll, expect, it } from 'vitest'
import { EVENTS } from '#machinery/api/events/v1/resources.gen.ts'
import type { Event } from '#machinery/api/events/v1/types.gen.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'

let plane: TestControlPlane
beforeAll(async () => {
  plane = await startTestControlPlane()
})
afterAll(() => plane.stop())

it('an events.k8s.io event keeps its shape when created, read and patched', async () => {
  const event: Event = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'default' },
    eventTime: '2025-01-01T00:00:00.000000Z',
    regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
    note: 'hello',
    reason: 'Made',
    action: 'Make',
    type: 'Normal',
    reportingController: 'c',
    reportingInstance: 'i',
  }
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
