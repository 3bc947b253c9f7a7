/** The manager's care for its controllers: alone they crash, alone they are restarted. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap } from '#machinery/api/core/v1/types.gen.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { DONE, defineComponent, defineController } from '#sdk'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import type { ControllerIdentity } from './identity.ts'
import { createControllerManager } from './manager.ts'

let plane: TestControlPlane | undefined
let stop: AbortController

beforeEach(() => {
  stop = new AbortController()
})

afterEach(async () => {
  stop.abort()
  await plane?.stop()
})

describe('ControllerManager', () => {
  it('restarts one that crashes and leaves the others alone', async () => {
    plane = await startTestControlPlane()
    const { server, client } = plane
    const seen: string[] = []
    let starts = 0
    let crash: (reason: Error) => void = () => undefined
    const steady = defineController({
      name: 'steady-controller',
      reconciles: CONFIG_MAPS,
      permissions: [],
      create: () => ({
        reconcile: async ({ name }) => {
          seen.push(name)
          return DONE
        },
      }),
    })
    const shaky = defineComponent({
      name: 'shaky-controller',
      permissions: [],
      createComponent: () => ({
        run: (_signal, onReady) =>
          new Promise<void>((_resolve, reject) => {
            starts++
            crash = reject
            onReady()
          }),
      }),
    })
    const identities: ControllerIdentity[] = []
    const manager = createControllerManager({
      definitions: [steady, shaky],
      clientFor: (identity) => {
        identities.push(identity)
        return server.loopbackClient
      },
      // Restarts wait a second and more by the real clock.
      clock: { ...systemClock, setTimeout: (run, ms) => systemClock.setTimeout(run, ms / 20) },
      random: systemRandom,
      logger: discardLogger,
    })
    void manager.start(stop.signal)
    await manager.ready
    expect(manager.health()).toBeUndefined()
    crash(new Error('out of luck'))
    await eventually(() => expect(manager.health()).toBe('restarting after a crash: shaky-controller'))
    await eventually(() => expect(starts).toBe(2))
    expect(manager.health()).toBeUndefined()
    const map: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name: 'late' } }
    await client.create(CONFIG_MAPS, map)
    await eventually(() => expect(seen).toContain('late'))
    const { controllers, informers } = manager.debug()
    expect(controllers).toMatchObject([
      { name: 'steady-controller', state: 'running', starts: 1, queue: { depth: 0 } },
      { name: 'shaky-controller', state: 'running', starts: 2, lastError: 'out of luck' },
    ])
    expect(informers).toMatchObject([{ resource: '/v1/configmaps', hasSynced: true, handlers: 1 }])
    expect(identities.map(({ name }) => name)).toEqual([
      'system:kube-controller-manager',
      'system:serviceaccount:kube-system:steady-controller',
      'system:serviceaccount:kube-system:shaky-controller',
      'system:serviceaccount:kube-system:shaky-controller',
    ])
  })

  it.each(['when it runs', 'when it is made'])('removes the handlers of a component that crashes %s', async (when) => {
    plane = await startTestControlPlane()
    const { server, client } = plane
    let starts = 0
    const told: number[] = []
    const leaky = defineComponent({
      name: 'leaky-controller',
      permissions: [],
      createComponent: ({ informer }) => {
        const start = ++starts
        const removed = informer(CONFIG_MAPS).addHandler({ onAdd: () => told.push(-start) })
        informer(CONFIG_MAPS).addHandler({ onAdd: ({ metadata }) => metadata.name === 'late' && told.push(start) })
        removed()
        if (start < 3 && when === 'when it is made') throw new Error('not made')
        return {
          async run(signal, onReady) {
            if (start < 3) throw new Error('not run')
            onReady()
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
          },
        }
      },
    })
    const manager = createControllerManager({
      definitions: [leaky],
      clientFor: () => server.loopbackClient,
      clock: { ...systemClock, setTimeout: (run, ms) => systemClock.setTimeout(run, ms / 100) },
      random: systemRandom,
      logger: discardLogger,
    })
    void manager.start(stop.signal)
    await manager.ready
    expect(starts).toBe(3)
    expect(manager.debug().informers).toMatchObject([{ resource: '/v1/configmaps', handlers: 1 }])
    const map: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name: 'late' } }
    await client.create(CONFIG_MAPS, map)
    await eventually(() => expect(told.filter((start) => start > 0)).toEqual([3]))
  })
})
