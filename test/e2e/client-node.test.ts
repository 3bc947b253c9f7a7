/** @kubernetes/client-node, unmodified: informers over changes, crashes and compactions; the object API; exec. */
import { Writable } from 'node:stream'
import { join } from 'node:path'
import type { Informer, KubernetesObject, ObjectCache, V1ConfigMap, V1Status } from '@kubernetes/client-node'
import { CoreV1Api, Exec, KubeConfig, KubernetesObjectApi, makeInformer, PatchStrategy } from '@kubernetes/client-node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { clientFromKubeconfig } from '#cli/kubeconfig.ts'
import { openSqliteStorage } from '#apiserver/storage/sqlite/storage.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { eventually } from '#test/support/eventually.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { createUsableNamespace } from '#test/support/usable-namespace.ts'

const RETRY_MS = 50
const WRITERS = 16
const WAIT_MS = 30_000

let server: ServerProcess
let config: KubeConfig

beforeAll(async () => {
  server = await startServerProcess()
  config = new KubeConfig()
  config.loadFromFile(server.kubeconfig)
})

afterAll(() => server.dispose())

const core = (): CoreV1Api => config.makeApiClient(CoreV1Api)

async function newNamespace(name: string): Promise<string> {
  await core().createNamespace({ body: { metadata: { name } } })
  return name
}

const configMap = (namespace: string, name: string, data: Record<string, string> = {}) => ({
  namespace,
  body: { metadata: { name }, data },
})

/** Runs the tasks with a bounded number at a time. */
async function inParallel(tasks: readonly (() => Promise<unknown>)[]): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) await task()
  }
  await Promise.all(Array.from({ length: WRITERS }, work))
}

const versionOf = ({ metadata }: KubernetesObject): number => Number(metadata?.resourceVersion)

/** An informer used as its documentation says, and everything it told. */
class Follower {
  readonly informer: Informer<V1ConfigMap> & ObjectCache<V1ConfigMap>
  /** By UID, kept by the callbacks alone. */
  readonly seen = new Map<string, V1ConfigMap>()
  readonly counts = { add: 0, update: 0, delete: 0 }
  /** What an informer must never say: added twice, changed or deleted unknown, gone back in time. */
  readonly contradictions: string[] = []
  #isStopped = false

  constructor(namespace: string) {
    const list = () => core().listNamespacedConfigMap({ namespace })
    this.informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list)
    this.informer.on('add', (object) => this.#told('add', object))
    this.informer.on('update', (object) => this.#told('update', object))
    this.informer.on('delete', (object) => this.#told('delete', object))
    this.informer.on('error', () => {
      if (!this.#isStopped) setTimeout(() => void this.informer.start(), RETRY_MS)
    })
  }

  async start(): Promise<void> {
    this.#isStopped = false
    await this.informer.start()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.informer.stop()
  }

  #told(verb: 'add' | 'update' | 'delete', object: V1ConfigMap): void {
    const uid = object.metadata?.uid ?? ''
    const before = this.seen.get(uid)
    this.counts[verb]++
    const name = `${verb} ${object.metadata?.name ?? ''}`
    if (verb === 'add' ? before !== undefined : before === undefined) this.contradictions.push(name)
    if (before !== undefined && verb === 'update' && versionOf(object) <= versionOf(before))
      this.contradictions.push(`${name} went back`)
    if (verb === 'delete') this.seen.delete(uid)
    else this.seen.set(uid, object)
  }

  /** By name: UID and version of what the callbacks left. */
  state(): Record<string, string> {
    return stateOf([...this.seen.values()])
  }
}

function stateOf(objects: readonly V1ConfigMap[]): Record<string, string> {
  const entries = objects.map(({ metadata }) => [
    metadata?.name ?? '',
    `${metadata?.uid ?? ''} ${metadata?.resourceVersion ?? ''}`,
  ])
  return Object.fromEntries(entries) as Record<string, string>
}

const truth = async (namespace: string): Promise<Record<string, string>> =>
  stateOf((await core().listNamespacedConfigMap({ namespace })).items)

/** The callbacks, the informer's own cache and the server say the same. */
async function agrees(follower: Follower, namespace: string): Promise<void> {
  await eventually(async () => {
    const expected = await truth(namespace)
    expect(follower.state()).toEqual(expected)
    expect(stateOf([...follower.informer.list()])).toEqual(expected)
  }, WAIT_MS)
  expect(follower.contradictions).toEqual([])
}

describe('an informer of client-node', () => {
  let follower: Follower

  afterEach(() => follower.stop())

  it('hears each of 1,000 changes once', async () => {
    const namespace = await newNamespace('thousand')
    follower = new Follower(namespace)
    await follower.start()
    // The controllers' own: the root certificate of the namespace.
    await eventually(() => expect(follower.counts.add).toBe(1))
    const names = Array.from({ length: 400 }, (_, i) => `m${i}`)
    await inParallel(names.map((name) => () => core().createNamespacedConfigMap(configMap(namespace, name))))
    await inParallel(
      names.map(
        (name) => () => core().replaceNamespacedConfigMap({ name, ...configMap(namespace, name, { changed: 'yes' }) }),
      ),
    )
    await inParallel(names.slice(0, 200).map((name) => () => core().deleteNamespacedConfigMap({ namespace, name })))
    await agrees(follower, namespace)
    expect(follower.counts).toEqual({ add: 401, update: 400, delete: 200 })
  })

  it('goes on after the server was killed and started again, while others write', async () => {
    const namespace = await newNamespace('killed')
    follower = new Follower(namespace)
    await follower.start()
    const acknowledged: string[] = []
    const names = Array.from({ length: 300 }, (_, i) => `m${i}`)
    const writing = inParallel(
      names.map((name) => async () => {
        // Writers that try until they are told it is done, or that it is done already.
        await eventually(async () => {
          await core()
            .createNamespacedConfigMap(configMap(namespace, name))
            .catch((err: { code?: number }) => {
              if (err.code !== 409) throw err
            })
        }, WAIT_MS)
        acknowledged.push(name)
      }),
    )
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(50))
    await server.restart('SIGKILL')
    await writing
    await agrees(follower, namespace)
    expect(Object.keys(follower.state()).filter((name) => name.startsWith('m'))).toHaveLength(300)
    expect(follower.counts.delete).toBe(0)
  })

  it('lists anew when what it knew has been compacted meanwhile', async () => {
    const namespace = await newNamespace('compacted')
    follower = new Follower(namespace)
    const names = Array.from({ length: 30 }, (_, i) => `m${i}`)
    await inParallel(names.map((name) => () => core().createNamespacedConfigMap(configMap(namespace, name))))
    await follower.start()
    await agrees(follower, namespace)
    await follower.stop()
    const { counts } = follower
    const before = { ...counts }

    await inParallel(names.slice(0, 10).map((name) => () => core().deleteNamespacedConfigMap({ namespace, name })))
    await core().createNamespacedConfigMap(configMap(namespace, 'new'))
    await server.stop()
    const storage = await openSqliteStorage({
      path: join(server.dataDir, 'server', 'db', 'state.db'),
      clock: systemClock,
      logger: discardLogger,
    })
    await storage.compact(await storage.currentRevision())
    await storage.close()
    await server.start(server.port)

    await follower.start()
    await agrees(follower, namespace)
    expect(counts).toEqual({ add: before.add + 1, update: before.update, delete: before.delete + 10 })
    // And it is live again.
    await core().createNamespacedConfigMap(configMap(namespace, 'later'))
    await agrees(follower, namespace)
    expect(counts.add).toBe(before.add + 2)
  })
})

describe('client-node', () => {
  it('creates, reads, lists, patches, replaces and deletes any object', async () => {
    const namespace = await newNamespace('objects')
    const api = KubernetesObjectApi.makeApiClient(config)
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'one' }] } },
      },
    }
    expect(await api.create(deployment)).toMatchObject({ spec: { replicas: 1 } })
    const container = { name: 'c', image: 'two' }
    const change = { ...deployment, spec: { template: { spec: { containers: [container] } } } }
    const strategic = PatchStrategy.StrategicMergePatch
    await api.patch(change, undefined, undefined, undefined, undefined, strategic)
    const read = await api.read({ ...deployment, metadata: { name: 'web', namespace } })
    expect(read).toMatchObject({ spec: { template: { spec: { containers: [container] } } } })
    await api.patch(
      { ...deployment, spec: { replicas: 3 } },
      undefined,
      undefined,
      undefined,
      undefined,
      PatchStrategy.MergePatch,
    )
    const replaced = await api.replace({ ...deployment, spec: { ...deployment.spec, replicas: 5 } })
    expect(replaced).toMatchObject({ spec: { replicas: 5 } })
    const { items } = await api.list('apps/v1', 'Deployment', namespace)
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['web'])
    await api.delete(deployment)
    await expect(api.read(deployment)).rejects.toMatchObject({ code: 404 })
    const missing: unknown = await api.read(deployment).catch((err: unknown) => err)
    expect(String((missing as { body: unknown }).body)).toContain('deployments.apps \\"web\\" not found')
  })

  it('is told that exec is not supported, at once', async () => {
    const namespace = 'exec'
    await createUsableNamespace(clientFromKubeconfig(server.kubeconfig), namespace)
    await core().createNamespacedPod({
      namespace,
      body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    })
    const statuses: V1Status[] = []
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
    const executing = new Exec(config).exec(namespace, 'p', 'c', ['true'], nowhere, nowhere, null, false, (status) => {
      statuses.push(status)
    })
    // It rejects with the WebSocket library's event, which carries the HTTP status.
    await expect(executing).rejects.toMatchObject({
      message: expect.stringMatching(/server response: [45]\d\d/) as unknown,
    })
    expect(statuses).toEqual([])
  })
})
