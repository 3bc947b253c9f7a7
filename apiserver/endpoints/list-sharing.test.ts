import { afterEach, beforeEach, expect, it } from 'vitest'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import { ADMIN } from '#test/contract/resource-server.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'

let plane: TestControlPlane
beforeEach(async () => {
  plane = await startTestControlPlane()
  const names = Array.from({ length: 80 }, (_, index) => `c${String(index).padStart(2, '0')}`)
  await Promise.all(names.map((name) => create(name, { half: Number(name.slice(1)) % 2 === 0 ? 'even' : 'odd' })))
})
afterEach(() => plane.stop())

const create = (name: string, labels: Record<string, string>) =>
  plane.client.create(CONFIG_MAPS, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', labels },
    data: { pad: 'x'.repeat(2_000) },
  })

async function listBytes(query = ''): Promise<Buffer> {
  const response = await plane.server.dispatch({
    method: 'GET',
    path: '/api/v1/namespaces/default/configmaps',
    query,
    headers: {},
    body: undefined,
    remoteAddress: '',
    peerCertificate: undefined,
    user: ADMIN,
    signal: new AbortController().signal,
  })
  if (response.body.type !== 'bytes') throw new Error('expected bytes')
  const [bytes] = response.body.chunks
  if (bytes === undefined) throw new Error('expected one chunk')
  return bytes
}

it('gives lists of the same objects at the same revision one buffer', async () => {
  expect(await listBytes()).toBe(await listBytes())
})

it('makes a new one after a write', async () => {
  const before = await listBytes()
  await create('more', {})
  const after = await listBytes()
  expect(after).not.toBe(before)
  expect(JSON.parse(after.toString()).items.length).toBe(JSON.parse(before.toString()).items.length + 1)
})

it('does not confuse selections of equal size', async () => {
  const names = async (half: string): Promise<string[]> =>
    JSON.parse((await listBytes(`labelSelector=half%3D${half}`)).toString()).items.map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    )
  const [even, odd] = [await names('even'), await names('odd')]
  expect([even.length, odd.length]).toEqual([40, 40])
  expect(even.filter((name) => odd.includes(name))).toEqual([])
})
