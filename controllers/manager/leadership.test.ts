/** Two managers on one API server: the controllers of one run, those of the other stand by and take over. */
import { afterEach, describe, expect, it } from 'vitest'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { DONE, defineController } from '#sdk'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { createControllerManager } from './manager.ts'

const LEASE = { namespace: 'kube-system', name: 'kube-controller-manager' }
let plane: TestControlPlane | undefined

afterEach(() => plane?.stop())

function startManager(clock: FakeClock, identity: string, gates: Readonly<Record<string, boolean>> = {}) {
  const stop = new AbortController()
  const idle = { reconciles: CONFIG_MAPS, permissions: [], create: () => ({ reconcile: async () => DONE }) }
  const manager = createControllerManager({
    definitions: [
      defineController({ ...idle, name: 'leader-controller' }),
      defineController({ ...idle, name: 'local-controller', runsOnEveryServer: true }),
      defineController({ ...idle, name: 'gated-controller', featureGate: 'SomeGate' }),
      defineController({ ...idle, name: 'optional-controller', isDisabledByDefault: true }),
    ],
    isGateEnabled: (name) => gates[name] ?? false,
    leaderElection: { identity },
    clientFor: () => (plane as TestControlPlane).client,
    clock,
    random: systemRandom,
    logger: discardLogger,
  })
  const stopped = manager.start(stop.signal)
  return {
    manager,
    states: () => Object.fromEntries(manager.debug().controllers.map(({ name, state }) => [name, state])),
    async stop() {
      stop.abort()
      await stopped
    },
  }
}

describe('several servers', () => {
  it('run the controllers of one of them, and those of the next when it ends', async () => {
    plane = await startTestControlPlane()
    const { client } = plane
    const clock = new FakeClock()
    const first = startManager(clock, 'first')
    await first.manager.ready
    expect(first.states()).toEqual({ 'leader-controller': 'running', 'local-controller': 'running' })
    const second = startManager(clock, 'second')
    await second.manager.ready
    expect(second.states()).toEqual({ 'leader-controller': 'standby', 'local-controller': 'running' })
    expect(second.manager.debug().leader).toBe('first')
    await first.stop()
    await eventually(async () => {
      await clock.advanceInSteps(2_000, 500)
      expect(second.states()).toEqual({ 'leader-controller': 'running', 'local-controller': 'running' })
    })
    expect((await client.get(LEASES, LEASE)).spec.holderIdentity).toBe('second')
    await second.stop()
    expect((await client.get(LEASES, LEASE)).spec.holderIdentity).toBe('')
  })

  it('let a server that crashed have its own lease back at once', async () => {
    plane = await startTestControlPlane()
    const now = '2026-01-01T00:00:00.000000Z'
    const spec = { holderIdentity: 'crashed', leaseDurationSeconds: 15, acquireTime: now, renewTime: now }
    await plane.client.create(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: LEASE, spec })
    const again = startManager(new FakeClock(), 'crashed')
    await again.manager.ready
    expect(again.states()['leader-controller']).toBe('running')
    await again.stop()
  })
})

describe('a controller behind a feature gate', () => {
  it('runs when the gate is on', async () => {
    plane = await startTestControlPlane()
    const server = startManager(new FakeClock(), 'only', { SomeGate: true })
    await server.manager.ready
    expect(Object.keys(server.states())).toEqual(['leader-controller', 'local-controller', 'gated-controller'])
    await server.stop()
  })
})
