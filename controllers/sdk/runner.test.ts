/** How a defined controller runs: what wakes it, what its errors mean, what is measured. */
import { afterEach, describe, expect, it } from 'vitest'
import { CONFIG_MAPS, SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap } from '#machinery/api/core/v1/types.gen.ts'
import { keyString } from '#machinery/informers/key.ts'
import { newModifiedConflict, newNotFound, newTooManyRequests } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { systemClock } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { ControllerDefinition, ObjectKey, Result, WatchSpec } from '#sdk'
import { DONE, defineController, newControllerReference, requeueAfter, TerminalError, watching } from '#sdk'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

let plane: TestControlPlane | undefined

afterEach(async () => {
  await plane?.stop()
})

interface Recorded {
  readonly calls: string[]
  readonly errors: string[]
  readonly client: TestControlPlane['client']
  metric(name: string, result: string): Promise<number>
}

async function start(
  reconcile: (key: ObjectKey, call: number) => Result,
  watches: readonly WatchSpec[] = [],
  clock: Clock = systemClock,
): Promise<Recorded> {
  const calls: string[] = []
  const errors: string[] = []
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (_fields, message) => errors.push(message),
    child: () => logger,
  }
  const definition: ControllerDefinition<ConfigMap> = defineController({
    name: 'test-controller',
    reconciles: CONFIG_MAPS,
    watches,
    permissions: [],
    create: () => ({
      reconcile: async (key) => {
        if (key.namespace !== 'default') return DONE
        calls.push(keyString(key))
        return reconcile(key, calls.length)
      },
    }),
  })
  plane = await startTestControlPlane({ logger, clock, controllers: [definition] })
  const { client, metrics } = plane
  return {
    calls,
    errors,
    client,
    async metric(name, result) {
      const values = (await metrics.getSingleMetric(name)?.get())?.values ?? []
      return (
        values.find(({ labels }) => labels['result'] === result && labels['controller'] === 'test-controller')?.value ??
        0
      )
    },
  }
}

function configMap(name: string): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name } }
}

describe('ControllerRunner', () => {
  it('reconciles on create, update and delete of the primary', async () => {
    const { calls, client } = await start(() => DONE)
    await client.create(CONFIG_MAPS, configMap('a'))
    await eventually(() => expect(calls).toHaveLength(1))
    await client.patch(CONFIG_MAPS, { namespace: 'default', name: 'a' }, { type: 'merge', body: { data: { x: 'y' } } })
    await eventually(() => expect(calls).toHaveLength(2))
    await client.delete(CONFIG_MAPS, { namespace: 'default', name: 'a' })
    await eventually(() => expect(calls).toEqual(['default/a', 'default/a', 'default/a']))
  })

  it('is woken by what it controls and by what its mapping says', async () => {
    const mapped = watching(SECRETS, ({ metadata }) => [{ namespace: 'default', name: `from-${metadata.name}` }])
    const { calls, client } = await start(() => DONE, [{ resource: SECRETS }, mapped])
    const owner = await client.create(CONFIG_MAPS, configMap('owner'))
    await eventually(() => expect(calls).toEqual(['default/owner']))
    const ownerReferences = [newControllerReference(owner, CONFIG_MAPS)]
    const metadata = { namespace: 'default', name: 's', ownerReferences }
    await client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata })
    await eventually(() => expect([...calls].sort()).toEqual(['default/from-s', 'default/owner', 'default/owner']))
  })

  it('looks again after the time the reconcile asks for', async () => {
    const { calls, client, metric } = await start((_key, call) => (call === 1 ? requeueAfter(5) : DONE))
    await client.create(CONFIG_MAPS, configMap('a'))
    await eventually(() => expect(calls).toHaveLength(2))
    expect(await metric('controller_runtime_reconcile_total', 'requeue_after')).toBe(1)
  })

  it('retries a failure and says so', async () => {
    const { calls, client, errors, metric } = await start((_key, call) => {
      if (call < 3) throw new Error('not yet')
      return DONE
    })
    await client.create(CONFIG_MAPS, configMap('a'))
    await eventually(() => expect(calls).toHaveLength(3))
    expect(errors).toEqual(['reconcile failed, trying again', 'reconcile failed, trying again'])
    expect(await metric('controller_runtime_reconcile_total', 'error')).toBe(2)
  })

  it('retries a conflict quietly', async () => {
    const { calls, client, errors, metric } = await start((_key, call) => {
      if (call === 1) throw newModifiedConflict(CONFIG_MAPS, 'a')
      return DONE
    })
    await client.create(CONFIG_MAPS, configMap('a'))
    await eventually(() => expect(calls).toHaveLength(2))
    expect(errors).toEqual([])
    expect(await metric('controller_runtime_reconcile_total', 'requeue')).toBe(1)
  })

  it('waits quietly as long as a busy server asks', async () => {
    const clock = new FakeClock()
    const busyOnce = (_key: ObjectKey, call: number): Result => {
      if (call === 1) throw newTooManyRequests('busy', 1)
      return DONE
    }
    const { calls, client, errors, metric } = await start(busyOnce, [], clock)
    await client.create(CONFIG_MAPS, configMap('a'))
    await eventually(() => expect(calls).toHaveLength(1))
    await clock.advanceInSteps(999, 111)
    expect(calls).toHaveLength(1)
    await clock.advanceInSteps(10, 1)
    await eventually(() => expect(calls).toHaveLength(2))
    expect(errors).toEqual([])
    expect(await metric('controller_runtime_reconcile_total', 'requeue')).toBe(1)
  })

  it('waits quietly as long as a busy server asks', async () => {
    const times: number[] = []
    const { calls, client, errors, metric } = await start((_key, call) => {
      times.push(performance.now())
      if (call === 1) throw newTooManyRequests('busy', 1)
      return DONE
    })
    await client.create(CONFIG_MAPS, configMap('a'))
    await eventually(() => expect(calls).toHaveLength(2))
    const [first = 0, second = 0] = times
    // A lower bound: timers fire late, never early (but for rounding).
    expect(second - first).toBeGreaterThan(990)
    expect(errors).toEqual([])
    expect(await metric('controller_runtime_reconcile_total', 'requeue')).toBe(1)
  })

  it('takes NotFound of the object itself for success, of another for a failure', async () => {
    const { calls, client, errors } = await start((key, call) => {
      if (key.name === 'own') throw newNotFound(CONFIG_MAPS, 'own')
      if (call === 2) throw newNotFound(CONFIG_MAPS, 'another')
      return DONE
    })
    await client.create(CONFIG_MAPS, configMap('own'))
    await eventually(() => expect(calls).toHaveLength(1))
    await client.create(CONFIG_MAPS, configMap('b'))
    await eventually(() => expect(calls).toEqual(['default/own', 'default/b', 'default/b']))
    expect(errors).toHaveLength(1)
  })

  it('does nothing for an object that the API says is gone until the cache has another version of it', async () => {
    const mapped = watching(SECRETS, () => [{ namespace: 'default', name: 'own' }])
    const { calls, client } = await start(
      ({ name }, call) => {
        if (call === 1) throw newNotFound(CONFIG_MAPS, name)
        return DONE
      },
      [mapped],
    )
    const key = { namespace: 'default', name: 'own' }
    await client.create(CONFIG_MAPS, configMap('own'))
    await eventually(() => expect(calls).toHaveLength(1))
    await client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'default', name: 's' } })
    await client.create(CONFIG_MAPS, configMap('sentinel'))
    await eventually(() => expect(calls).toEqual(['default/own', 'default/sentinel']))
    await client.patch(CONFIG_MAPS, key, { type: 'merge', body: { data: { a: 'b' } } })
    await eventually(() => expect(calls).toEqual(['default/own', 'default/sentinel', 'default/own']))
  })

  it('does not retry a terminal error', async () => {
    const { calls, client, errors } = await start(({ name }) => {
      if (name === 'bad') throw new TerminalError('never')
      return DONE
    })
    await client.create(CONFIG_MAPS, configMap('bad'))
    await eventually(() => expect(errors).toEqual(['reconcile failed for good']))
    await client.create(CONFIG_MAPS, configMap('next'))
    await eventually(() => expect(calls).toEqual(['default/bad', 'default/next']))
  })
})
