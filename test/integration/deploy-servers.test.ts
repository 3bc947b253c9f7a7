/** Several servers of one datastore, each with its own manifests folder: what their files make together. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ManifestDirectory } from '#controllers/deploy/manifest-directory.ts'
import { deployController } from '#controllers/deploy/reconciler.ts'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import { ADDONS } from '#machinery/api/k3s/v1/resources.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { runOperator } from '#sdk'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'

interface TestServer {
  readonly folder: string
  stop(): Promise<void>
}

const members = new Set(['one', 'two'])
let plane: TestControlPlane
let root: string
let one: TestServer
let two: TestServer

beforeEach(async () => {
  members.clear()
  for (const name of ['one', 'two']) members.add(name)
  root = mkdtempSync(join(tmpdir(), 'knarr-servers-'))
  plane = await startTestControlPlane()
  one = await startServer('one')
  two = await startServer('two')
})
afterEach(async () => {
  await Promise.all([one.stop(), two.stop()])
  await plane.stop()
  rmSync(root, { recursive: true, force: true })
})

async function startServer(nodeName: string): Promise<TestServer> {
  const folder = join(root, nodeName)
  mkdirSync(folder, { recursive: true })
  const directory = new ManifestDirectory({
    path: folder,
    disabled: [],
    clock: systemClock,
    logger: discardLogger,
  })
  const stop = new AbortController()
  await directory.start(stop.signal)
  const controllers = [deployController({ directory, prunePolicy: 'on-delete', nodeName, members: () => members })]
  const running = runOperator({ controllers, client: plane.client }, stop.signal)
  return {
    folder,
    async stop() {
      stop.abort()
      await running
    },
  }
}

const manifest = (name: string, colour: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { colour } })

/** `age` in seconds: the newest version of a file counts. */
function drop(server: TestServer, file: string, content: string, age = 0): void {
  const path = join(server.folder, file)
  writeFileSync(path, content)
  const seconds = 1_800_000_000 - age
  utimesSync(path, seconds, seconds)
}

const colourOf = async (name: string): Promise<string | undefined> =>
  (await plane.client.get(CONFIG_MAPS, { namespace: 'default', name }).catch(undefinedIfNotFound))?.data?.['colour']

const addon = (name: string) => plane.client.get(ADDONS, { namespace: 'kube-system', name }).catch(undefinedIfNotFound)

const checksumOf = (content: string): string => createHash('sha256').update(content).digest('hex')

async function consistency(name: string): Promise<{ status: string | undefined; message: string | undefined }> {
  const condition = (await addon(name))?.status?.conditions?.find(({ type }) => type === 'Consistent')
  return { status: condition?.status, message: condition?.message }
}

it('adds up the files of all servers and deletes nothing another server holds', async () => {
  drop(one, 'only-one.yaml', manifest('a', 'red'))
  drop(two, 'only-two.yaml', manifest('b', 'blue'))
  await eventually(async () => {
    expect(await colourOf('a')).toBe('red')
    expect(await colourOf('b')).toBe('blue')
    expect((await addon('only-two'))?.status?.servers).toEqual([
      {
        name: 'two',
        source: join(two.folder, 'only-two.yaml'),
        checksum: checksumOf(manifest('b', 'blue')),
        modifiedTime: '2027-01-15T08:00:00.000Z',
      },
    ])
  })
  await one.stop()
  one = await startServer('one') // Its first listing does not have the other's file.
  drop(one, 'later.yaml', manifest('c', 'green'))
  await eventually(async () => expect(await colourOf('c')).toBe('green'))
  expect(await colourOf('b')).toBe('blue')
})

it('applies the newest version of a file that servers have differently, and says who differs', async () => {
  drop(one, 'app.yaml', manifest('app', 'old'), 60)
  await eventually(async () => expect(await colourOf('app')).toBe('old'))
  drop(two, 'app.yaml', manifest('app', 'new'))
  await eventually(async () => {
    expect(await colourOf('app')).toBe('new')
    const { metadata } = await plane.client.get(CONFIG_MAPS, { namespace: 'default', name: 'app' })
    expect(metadata.managedFields?.map(({ manager }) => manager)).toEqual(['deploy@two'])
    const { status, message } = await consistency('app')
    expect(status).toBe('False')
    expect(message).toContain(`one has ${checksumOf(manifest('app', 'old')).slice(0, 12)}`)
  })
  await one.stop()
  one = await startServer('one') // A restart applies everything once, but not what is older than another's.
  drop(one, 'other.yaml', manifest('other', 'x'))
  await eventually(async () => expect(await colourOf('other')).toBe('x'))
  expect(await colourOf('app')).toBe('new')
  drop(one, 'app.yaml', manifest('app', 'new'), 30)
  await eventually(async () => expect((await consistency('app')).status).toBe('True'))
})

it('prunes a file when the last server that had it has lost it', async () => {
  for (const server of [one, two]) drop(server, 'app.yaml', manifest('app', 'red'))
  await eventually(async () => expect((await addon('app'))?.status?.servers).toHaveLength(2))
  rmSync(join(one.folder, 'app.yaml'))
  await eventually(async () => expect((await addon('app'))?.status?.servers?.map(({ name }) => name)).toEqual(['two']))
  expect(await colourOf('app')).toBe('red')
  rmSync(join(two.folder, 'app.yaml'))
  await eventually(async () => {
    expect(await colourOf('app')).toBeUndefined()
    expect(await addon('app')).toBeUndefined()
  })
})

it('keeps what a server that is down has put there, until it leaves the cluster', async () => {
  drop(two, 'app.yaml', manifest('app', 'red'))
  await eventually(async () => expect(await colourOf('app')).toBe('red'))
  await two.stop()
  await one.stop()
  one = await startServer('one')
  drop(one, 'other.yaml', manifest('other', 'x'))
  await eventually(async () => expect(await colourOf('other')).toBe('x'))
  expect(await colourOf('app')).toBe('red')
  members.delete('two')
  await one.stop()
  one = await startServer('one')
  await eventually(async () => expect(await addon('app')).toBeUndefined())
  expect(await colourOf('app')).toBeUndefined()
})
