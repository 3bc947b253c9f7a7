/** Controllers whose watch of their own kind is late, next to a garbage collector that is not. */
import { describe, expect, it } from 'vitest'
import { daemonSetController } from '#controllers/daemonset/reconciler.ts'
import { deploymentController } from '#controllers/deployment/reconciler.ts'
import { garbageCollectorController } from '#controllers/garbage-collector/controller.ts'
import { SHARED_INFORMERS_IDENTITY } from '#controllers/manager/identity.ts'
import { createControllerManager } from '#controllers/manager/manager.ts'
import { replicaSetController } from '#controllers/replicaset/reconciler.ts'
import { statefulSetController } from '#controllers/statefulset/reconciler.ts'
import { DAEMON_SETS, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'

const namespace = 'default'
const key = { namespace, name: 'web' }
const definitions = [
  garbageCollectorController,
  deploymentController,
  replicaSetController,
  statefulSetController({ honoursMaxUnavailable: true }),
  daemonSetController,
]

/** A client whose watches of one resource show nothing more once it is held. */
class HeldWatch {
  readonly #resource: Resource
  #isHeld = false

  constructor(resource: Resource) {
    this.#resource = resource
  }

  hold(): void {
    this.#isHeld = true
  }

  of(client: Client): Client {
    const isHeld = (resource: Resource) => this.#isHeld && resource === this.#resource
    return {
      ...client,
      async *watch(resource, options) {
        for await (const event of client.watch(resource, options)) if (!isHeld(resource)) yield event
      },
    }
  }
}

async function startWorld(held: HeldWatch): Promise<{ plane: TestControlPlane; stop(): Promise<void> }> {
  const plane = await startTestControlPlane({ controllers: definitions, controllerSelection: [] })
  const { client, server } = plane
  const manager = createControllerManager({
    definitions,
    clientFor: (identity) =>
      identity === SHARED_INFORMERS_IDENTITY ? held.of(server.clientFor(identity)) : server.clientFor(identity),
    clock: systemClock,
    random: systemRandom,
    logger: discardLogger,
  })
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }
  await client.create(SERVICE_ACCOUNTS, account)
  await client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node' }, spec: {} })
  // Every new node has a taint until it is ready.
  await client.patch(NODES, { name: 'node' }, { type: 'merge', body: { spec: { taints: null } } })
  const running = new AbortController()
  const stopped = manager.start(running.signal)
  const stop = async (): Promise<void> => {
    running.abort()
    await stopped
    await plane.stop()
  }
  return { plane, stop }
}

const KINDS = [
  { resource: DEPLOYMENTS, spec: { replicas: 1 } },
  { resource: REPLICA_SETS, spec: { replicas: 1 } },
  { resource: STATEFUL_SETS, spec: { replicas: 1, serviceName: 'web' } },
  { resource: DAEMON_SETS, spec: {} },
] as unknown as readonly { resource: Resource; spec: object }[]

describe.each(KINDS)('a $resource.kind whose deletion in the foreground its controller does not see', (row) => {
  it('ends, and its Pods are not made again and again', async () => {
    const { resource } = row
    const held = new HeldWatch(resource)
    const { plane, stop } = await startWorld(held)
    const { client } = plane
    try {
      const labels = { app: 'web' }
      const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
      const spec = { ...row.spec, selector: { matchLabels: labels }, template }
      const object = { apiVersion: 'apps/v1', kind: resource.kind, metadata: key, spec }
      const made = await client.create(resource, object)
      const pods = async () => (await client.list(PODS, { namespace })).items
      await eventually(async () => expect(await pods()).toHaveLength(1))
      await eventually(async () =>
        expect((await client.get(resource, key)).metadata.resourceVersion).not.toBe(made.metadata.resourceVersion),
      )
      held.hold()
      await client.delete(resource, key, { propagationPolicy: 'Foreground' })
      await eventually(
        async () => await expect(client.get(resource, key)).rejects.toMatchObject({ status: { code: 404 } }),
      )
      await eventually(async () => expect(await pods()).toEqual([]))
    } finally {
      await stop()
    }
  })
})
