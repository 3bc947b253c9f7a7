/** Kinds whose served versions change under the collector. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { discoverPreferredResources } from '#machinery/client/discovery.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { createEstablished, makeCrd } from '#test/integration/crd-server.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { garbageCollectorController } from './controller.ts'
import { DependencyGraph } from './graph.ts'
import { GraphMonitors } from './monitors.ts'

const OLD: Resource = { group: 'example.com', version: 'v1beta1', resource: 'things', kind: 'Thing', namespaced: true }
const NEW: Resource = { ...OLD, version: 'v1' }
const namespace = 'default'
let plane: TestControlPlane
let stop: AbortController

beforeEach(() => {
  stop = new AbortController()
})

afterEach(async () => {
  stop.abort()
  await plane.stop()
})

const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
const beta = (isCurrent: boolean) => ({ name: 'v1beta1', served: isCurrent, storage: isCurrent, schema })

async function startWithBeta(controllers = [garbageCollectorController]): Promise<void> {
  plane = await startTestControlPlane({ controllers })
  await createEstablished(plane.client, makeCrd({ versions: [beta(true)] } as Parameters<typeof makeCrd>[0]))
}

/** v1 is added and stored, v1beta1 is served no longer. */
async function moveOn(): Promise<void> {
  const { client } = plane
  const crd = deepCopy<CustomResourceDefinition>(
    await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name: 'things.example.com' }),
  )
  crd.spec.versions = [{ name: 'v1', served: true, storage: true, schema }, beta(false)] as typeof crd.spec.versions
  await client.update(CUSTOM_RESOURCE_DEFINITIONS, crd)
}

const thing = (name: string) =>
  plane.client.create(OLD, { apiVersion: 'example.com/v1beta1', kind: 'Thing', metadata: { namespace, name } })

function dependentOf(owner: DeepReadonly<KubeObject>, name: string) {
  const { uid = '', name: ownerName = '' } = owner.metadata
  const ownerReferences = [{ apiVersion: owner.apiVersion, kind: owner.kind, name: ownerName, uid }]
  const metadata = { namespace, name, ownerReferences }
  return plane.client.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
}

const exists = (name: string) =>
  plane.client.get(CONFIG_MAPS, { namespace, name }).then(
    () => true,
    (err: unknown) => !isNotFound(err),
  )

describe('a kind that moves from v1beta1 to v1', () => {
  it('is collected in its new version', async () => {
    await startWithBeta()
    const owner = await thing('owner')
    await dependentOf(owner, 'dependent')
    await moveOn()
    await eventually(() => plane.client.delete(NEW, { namespace, name: 'owner' }))
    await eventually(async () => expect(await exists('dependent')).toBe(false))
  })

  it('keeps the dependents of owners that were looked for in the old version', async () => {
    await startWithBeta()
    const witness = await thing('witness')
    const names = Array.from({ length: 20 }, (_, i) => `dependent-${i}`)
    await dependentOf(witness, 'of-witness')
    // The collector is at work.
    await dependentOf({ ...witness, metadata: { name: 'nobody', uid: 'nobody' } }, 'probe')
    await eventually(async () => expect(await exists('probe')).toBe(false))
    await moveOn()
    // Nobody has seen this owner: it is looked for at once, in the version the collector knows of.
    const owner = await eventually(() =>
      plane.client.create(NEW, { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { namespace, name: 'owner' } }),
    )
    for (const name of names) await dependentOf(owner, name)
    await eventually(() => plane.client.delete(NEW, { namespace, name: 'witness' }))
    await eventually(async () => expect(await exists('of-witness')).toBe(false))
    for (const name of names) expect(await exists(name)).toBe(true)
  })

  it('does not leave objects in the graph that went while no version was watched', async () => {
    await startWithBeta([])
    const { client } = plane
    const wanted: string[] = []
    const graph = new DependencyGraph({
      attemptToDelete: ({ name }) => wanted.push(name),
      attemptToOrphan() {},
      invalidOwnerNamespace() {},
      ownerAbsent() {},
    })
    const tools = { client, clock: systemClock, random: systemRandom, logger: discardLogger }
    const monitors = new GraphMonitors(graph, tools, () => undefined)
    const owner = await thing('owner')
    const kept = await thing('kept')
    await dependentOf(owner, 'dependent')
    await monitors.update(await discoverPreferredResources(client), stop.signal)
    const uid = owner.metadata.uid ?? ''
    expect(graph.get(uid)).toMatchObject({ apiVersion: 'example.com/v1beta1', resource: OLD })
    await moveOn()
    await monitors.update(
      { resources: [{ ...CONFIG_MAPS, verbs: ['delete', 'list', 'watch'] }], failures: [] },
      stop.signal,
    )
    await eventually(() => client.delete(NEW, { namespace, name: 'owner' }))
    wanted.length = 0
    await monitors.update(await discoverPreferredResources(client), stop.signal)
    expect(graph.get(uid)).toBeUndefined()
    expect(wanted).toContain('dependent')
    expect(graph.get(kept.metadata.uid ?? '')).toMatchObject({ apiVersion: 'example.com/v1', resource: NEW })
  })
})
