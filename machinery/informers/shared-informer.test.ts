/** Informers against a real in-process API server: nothing missed, nothing twice, whatever happens in between. */
import { afterEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { newServiceUnavailable } from '#machinery/meta/errors.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { SharedInformerFactory } from './factory.ts'

const NAMESPACE = 'default'
const cleanups: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const newStorage = (): MemoryStorage => new MemoryStorage({ clock: systemClock })

async function startPlane(storage: MemoryStorage): Promise<TestControlPlane> {
  const plane = await startTestControlPlane({ storage })
  cleanups.push(() => plane.stop())
  return plane
}

/** A client of whichever server is running now; between two servers it is refused. */
function switchableClient(): { client: Client; use(plane: TestControlPlane | undefined): void } {
  let current: Client | undefined
  const target = (): Client => {
    if (current === undefined) throw newServiceUnavailable('restarting')
    return current
  }
  const client = new Proxy({} as Client, {
    get: (_target, property) => Reflect.get(target(), property) as unknown,
  })
  return {
    client,
    use(plane) {
      current = plane?.client
    },
  }
}

interface Watched {
  /** What the handler believes there is: name → value. */
  readonly known: Map<string, string>
  readonly mistakes: string[]
  readonly factory: SharedInformerFactory
}

function watch(client: Client): Watched {
  const known = new Map<string, string>()
  const mistakes: string[] = []
  // Waits of a second would only make the test slow: they are tested by their own.
  const clock = { ...systemClock, setTimeout: (run: () => void, ms: number) => systemClock.setTimeout(run, ms / 50) }
  const factory = new SharedInformerFactory({ client, clock, random: systemRandom, logger: discardLogger })
  const informer = factory.informer(CONFIG_MAPS, { namespace: NAMESPACE })
  const value = ({ data }: { readonly data?: Readonly<Record<string, string>> }): string => data?.['value'] ?? ''
  informer.addHandler({
    onAdd(map) {
      const name = map.metadata.name ?? ''
      if (known.has(name)) mistakes.push(`added twice: ${name}`)
      known.set(name, value(map))
    },
    onUpdate(old, map) {
      const name = map.metadata.name ?? ''
      if (known.get(name) !== value(old)) mistakes.push(`update of ${name} from ${value(old)}, not ${known.get(name)}`)
      if (informer.lister.get({ namespace: NAMESPACE, name }) !== map) mistakes.push(`store behind handler: ${name}`)
      known.set(name, value(map))
    },
    onDelete(map) {
      if (!known.delete(map.metadata.name ?? '')) mistakes.push(`deleted unknown ${map.metadata.name}`)
    },
  })
  const stop = new AbortController()
  factory.start(stop.signal)
  cleanups.push(async () => {
    stop.abort()
    await factory.stopped()
  })
  return { known, mistakes, factory }
}

function configMap(name: string, value: string): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: NAMESPACE, name }, data: { value } }
}

/** Creates, updates and deletes in a fixed disorder. */
async function change(client: Client, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    const name = `map-${(i * 31) % 97}`
    const key = { namespace: NAMESPACE, name }
    const found = await client.get(CONFIG_MAPS, key).catch(() => undefined)
    if (found === undefined) await client.create(CONFIG_MAPS, configMap(name, String(i)))
    else if (i % 3 === 0) await client.delete(CONFIG_MAPS, key)
    else await client.update(CONFIG_MAPS, configMap(name, String(i)))
  }
}

async function expectCaughtUp(client: Client, { known, mistakes, factory }: Watched): Promise<void> {
  const { items } = await client.list(CONFIG_MAPS, { namespace: NAMESPACE })
  const wanted = new Map(items.map(({ metadata, data }) => [metadata.name ?? '', data?.['value'] ?? '']))
  await eventually(() => expect(Object.fromEntries(known)).toEqual(Object.fromEntries(wanted)))
  expect(factory.informer(CONFIG_MAPS, { namespace: NAMESPACE }).lister.size).toBe(wanted.size)
  expect(mistakes).toEqual([])
}

describe('SharedInformer', () => {
  it('follows a thousand changes', async () => {
    const plane = await startPlane(newStorage())
    const client = plane.client
    await change(client, 0, 50)
    const watched = watch(client)
    await watched.factory.synced()
    expect(watched.known.size).toBeGreaterThan(0)
    await change(client, 50, 1_050)
    await expectCaughtUp(client, watched)
  })

  it('goes on after a server restart, with changes it has not seen and a compaction', async () => {
    const storage = newStorage()
    const { client, use } = switchableClient()
    const first = await startPlane(storage)
    use(first)
    const watched = watch(client)
    await watched.factory.synced()
    await change(client, 0, 200)
    await expectCaughtUp(client, watched)

    use(undefined)
    await first.stop()
    const second = await startPlane(storage)
    await change(second.client, 200, 400)
    await storage.compact(await storage.currentRevision())
    use(second)
    await expectCaughtUp(client, watched)
    await change(client, 400, 600)
    await expectCaughtUp(client, watched)
  })

  it('starts anew when the server has lost its past', async () => {
    const { client, use } = switchableClient()
    const first = await startPlane(newStorage())
    use(first)
    const watched = watch(client)
    await watched.factory.synced()
    await change(client, 0, 300)
    await expectCaughtUp(client, watched)

    use(undefined)
    await first.stop()
    const second = await startPlane(newStorage())
    await change(second.client, 0, 10)
    use(second)
    await expectCaughtUp(client, watched)
  })

  it('tells a late handler of what is there, and a removed one of nothing', async () => {
    const plane = await startPlane(newStorage())
    const client = plane.client
    await client.create(CONFIG_MAPS, configMap('a', '1'))
    const { factory } = watch(client)
    await factory.synced()
    const seen: string[] = []
    const informer = factory.informer(CONFIG_MAPS, { namespace: NAMESPACE })
    const remove = informer.addHandler({
      onAdd: ({ metadata }, isInitial) => seen.push(`${metadata.name} ${isInitial}`),
    })
    expect(seen).toEqual(['a false'])
    remove()
    await client.create(CONFIG_MAPS, configMap('b', '1'))
    await eventually(() => expect(informer.lister.size).toBe(2))
    expect(seen).toEqual(['a false'])
  })
})
