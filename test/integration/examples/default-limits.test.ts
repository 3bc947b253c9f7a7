/** The example controller against a real control plane. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EVENTS, LIMIT_RANGES, NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Namespace } from '#machinery/api/core/v1/types.gen.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { defaultLimitsController, wantedMemory } from './default-limits.ts'

const KEY = { namespace: 'web', name: 'default-memory' }

function namespace(labels?: Record<string, string>): Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'web', ...(labels && { labels }) }, spec: {} }
}

describe('wantedMemory', () => {
  it.each([
    [undefined, undefined],
    [{ 'example.dev/default-memory': '' }, undefined],
    [{ 'example.dev/default-memory': '128Mi' }, '128Mi'],
  ])('of labels %j is %j', (labels, expected) => {
    expect(wantedMemory(namespace(labels))).toBe(expected)
  })
})

describe('default-limits-controller', () => {
  let plane: TestControlPlane

  beforeEach(async () => {
    plane = await startTestControlPlane({ controllers: [defaultLimitsController] })
  })
  afterEach(() => plane.stop())

  const memory = async () => (await plane.client.get(LIMIT_RANGES, KEY)).spec.limits[0]?.default?.['memory']
  const label = (value: string | null) =>
    plane.client.patch(
      NAMESPACES,
      { name: 'web' },
      { type: 'merge', body: { metadata: { labels: { 'example.dev/default-memory': value } } } },
    )

  it('creates, changes and removes the LimitRange with the label, and says so', async () => {
    await plane.client.create(NAMESPACES, namespace({ 'example.dev/default-memory': '128Mi' }))
    await eventually(async () => expect(await memory()).toBe('128Mi'))
    await label('256Mi')
    await eventually(async () => expect(await memory()).toBe('256Mi'))
    await label(null)
    await eventually(() => expect(plane.client.get(LIMIT_RANGES, KEY)).rejects.toThrow('not found'))
    await eventually(async () => {
      const { items } = await plane.client.list(EVENTS, { fieldSelector: 'reason=DefaultMemoryChanged' })
      expect(items.map(({ message }) => message)).toContain('Default memory limit is unset')
    })
  })

  it('puts back what somebody else deleted', async () => {
    await plane.client.create(NAMESPACES, namespace({ 'example.dev/default-memory': '128Mi' }))
    await eventually(async () => expect(await memory()).toBe('128Mi'))
    const { uid } = (await plane.client.get(LIMIT_RANGES, KEY)).metadata
    await plane.client.delete(LIMIT_RANGES, KEY)
    await eventually(async () => expect((await plane.client.get(LIMIT_RANGES, KEY)).metadata.uid).not.toBe(uid))
  })
})
