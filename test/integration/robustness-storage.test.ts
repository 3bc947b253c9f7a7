/** What the server says and does when its storage fails under it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import type { ApiServer } from '#apiserver/server/interfaces.ts'
import { openSqliteStorage } from '#apiserver/storage/sqlite/storage.ts'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'

async function statusOf(server: ApiServer, path: string): Promise<number> {
  const { status } = await server.dispatch({
    method: 'GET',
    path,
    query: '',
    headers: {},
    body: undefined,
    remoteAddress: '',
    peerCertificate: undefined,
    user: undefined,
    signal: new AbortController().signal,
  })
  return status
}

it('is neither live nor ready once the writer thread is gone, refuses writes and goes on reading', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-writer-death-'))
  const workers: Worker[] = []
  const remember = (worker: Worker): void => void workers.push(worker)
  process.on('worker', remember)
  const storage = await openSqliteStorage({ path: join(directory, 'state.db'), clock: systemClock })
  process.off('worker', remember)
  const plane = await startTestControlPlane({ storage })
  onTestFinished(async () => {
    await plane.stop()
    await storage.close()
    rmSync(directory, { recursive: true })
  })
  const create = (name: string) =>
    plane.client.create(CONFIG_MAPS, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default' },
    })
  await create('before')
  await eventually(async () => expect(await statusOf(plane.server, '/readyz')).toBe(200))

  await Promise.all(workers.map((worker) => worker.terminate()))

  for (const path of ['/readyz', '/livez', '/healthz']) expect(await statusOf(plane.server, path)).toBe(500)
  await expect(create('after')).rejects.toMatchObject({
    status: { code: 500, reason: 'ServerTimeout', message: expect.stringContaining('the writer thread has ended') },
  })
  const { items } = await plane.client.list(CONFIG_MAPS, { namespace: 'default' })
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['before'])
})
