/** Strangers at the API server: what they invent must not stay in it, and many at once must not lose a write. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ApiRequest } from '#apiserver/server/interfaces.ts'
import { CONFIG_MAPS, RESOURCE_QUOTAS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'

let plane: TestControlPlane

beforeAll(async () => {
  plane = await startTestControlPlane()
})

afterAll(() => plane.stop())

async function statusOf(method: string, path: string): Promise<number> {
  const [pathname = '', query = ''] = path.split('?')
  const request: ApiRequest = {
    method,
    path: pathname,
    query,
    headers: {},
    body: undefined,
    remoteAddress: '127.0.0.1',
    peerCertificate: undefined,
    user: undefined,
    signal: new AbortController().signal,
  }
  return (await plane.server.dispatch(request)).status
}

it('makes no metrics of methods, groups, versions and resources that strangers invent', async () => {
  // The server's own requests go on meanwhile; none of them is refused.
  const refusals = (text: string) => text.split('\n').filter((line) => line.includes('code="403"')).length
  const inventAll = async (suffix: string) => {
    expect(await statusOf(`BREW${suffix}`, '/api/v1/pods')).toBe(403)
    expect(await statusOf(`BREW${suffix}`, '/nowhere')).toBe(403)
    expect(await statusOf('GET', `/api/v1/thing${suffix}`)).toBe(403)
    expect(await statusOf('GET', `/apis/group${suffix}/v1/things`)).toBe(403)
    expect(await statusOf('GET', `/api/v${suffix}1/namespaces/x/pods/y/sub${suffix}`)).toBe(403)
  }
  await inventAll('')
  const before = refusals(await plane.metrics.metrics())
  expect(before).toBeGreaterThan(0)
  for (let i = 0; i < 50; i++) await inventAll(String(i))
  const after = await plane.metrics.metrics()
  expect(refusals(after)).toBe(before)
  expect(after).not.toMatch(/BREW|thing\d|group\d|sub\d|"v\d+1"/)
})

const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1' as const,
  kind: 'ConfigMap' as const,
  metadata: { name, namespace: 'default' },
  data,
})

it('loses none of 200 patches of one object at the same moment', async () => {
  await plane.client.create(CONFIG_MAPS, configMap('contended'))
  const key = { namespace: 'default', name: 'contended' }
  const names = Array.from({ length: 200 }, (_, i) => `k${i}`)
  await Promise.all(
    names.map((name) => plane.client.patch(CONFIG_MAPS, key, { type: 'merge', body: { data: { [name]: 'v' } } })),
  )
  const { data = {} } = await plane.client.get(CONFIG_MAPS, key)
  expect(Object.keys(data).sort()).toEqual([...names].sort())
})

it('gives no address and no port twice', async () => {
  const names = Array.from({ length: 100 }, (_, i) => `s${i}`)
  const services = await Promise.all(
    names.map((name) =>
      plane.client.create(SERVICES, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: 'default' },
        spec: { type: 'NodePort', ports: [{ port: 80 }] },
      }),
    ),
  )
  expect(new Set(services.map(({ spec }) => spec.clusterIP)).size).toBe(100)
  expect(new Set(services.map(({ spec }) => spec.ports?.[0]?.nodePort)).size).toBe(100)
})

it('lets creates at the same moment share a quota, not each have it', async () => {
  await plane.client.create(RESOURCE_QUOTAS, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'few', namespace: 'kube-public' },
    spec: { hard: { 'count/configmaps': '5' } },
  })
  const attempts = Array.from({ length: 40 }, (_, i) =>
    plane.client.create(CONFIG_MAPS, { ...configMap(`q${i}`), metadata: { name: `q${i}`, namespace: 'kube-public' } }),
  )
  const outcomes = await Promise.allSettled(attempts)
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
})
