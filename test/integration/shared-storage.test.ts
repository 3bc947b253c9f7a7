import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EVENTS as CORE_EVENTS } from '#machinery/api/core/v1/resources.gen.ts'
import { EVENTS } from '#machinery/api/events/v1/resources.gen.ts'
import { HORIZONTAL_POD_AUTOSCALERS as HPA_V1 } from '#machinery/api/autoscaling/v1/resources.gen.ts'
import { HORIZONTAL_POD_AUTOSCALERS as HPA_V2 } from '#machinery/api/autoscaling/v2/resources.gen.ts'
import { type TestControlPlane, startTestControlPlane } from '#test/support/control-plane.ts'

let plane: TestControlPlane
beforeEach(async () => {
  plane = await startTestControlPlane()
})
afterEach(() => plane.stop())

describe('one object in two API groups or versions', () => {
  it('shows a core Event under events.k8s.io and the other way round', async () => {
    const involvedObject = { kind: 'Pod', namespace: 'default', name: 'p', apiVersion: 'v1' }
    await plane.client.create(CORE_EVENTS, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'old', namespace: 'default' },
      involvedObject,
      reason: 'Started',
      message: 'text',
      type: 'Normal',
      count: 3,
    })
    const shown = await plane.client.get(EVENTS, { namespace: 'default', name: 'old' })
    expect(shown).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      note: 'text',
      regarding: involvedObject,
    })
    expect(shown.deprecatedCount).toBe(3)

    await plane.client.create(EVENTS, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'new', namespace: 'default' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'example.org/tester',
      reportingInstance: 'tester-1',
      action: 'Testing',
      reason: 'Tested',
      regarding: involvedObject,
      note: 'other text',
      type: 'Normal',
    })
    const stored = await plane.client.get(CORE_EVENTS, { namespace: 'default', name: 'new' })
    expect(stored).toMatchObject({
      apiVersion: 'v1',
      message: 'other text',
      involvedObject,
      reportingComponent: 'example.org/tester',
    })
    for (const resource of [CORE_EVENTS, EVENTS]) {
      const { items } = await plane.client.list<never>(resource as never, { namespace: 'default' })
      expect(items).toHaveLength(2)
    }
  })

  it('watches events written through the other group', async () => {
    const { metadata } = await plane.client.list(EVENTS, { namespace: 'default' })
    const stop = new AbortController()
    const events = plane.client.watch(EVENTS, {
      namespace: 'default',
      resourceVersion: metadata.resourceVersion ?? '',
      signal: stop.signal,
    })
    await plane.client.create(CORE_EVENTS, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'seen', namespace: 'default' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
      message: 'm',
    })
    for await (const { type, object } of events) {
      expect([type, object.apiVersion, object.note]).toEqual(['ADDED', 'events.k8s.io/v1', 'm'])
      stop.abort()
    }
  })

  it('converts autoscalers between v1 and v2', async () => {
    await plane.client.create(HPA_V1, {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'h', namespace: 'default' },
      spec: {
        maxReplicas: 5,
        targetCPUUtilizationPercentage: 70,
        scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' },
      },
    })
    const shown = await plane.client.get(HPA_V2, { namespace: 'default', name: 'h' })
    expect(shown.spec.metrics).toEqual([
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
    ])
  })
})
