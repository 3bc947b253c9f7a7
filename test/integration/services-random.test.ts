/**
 * Random changes of Pods and Services; afterwards Endpoints and slices say what a naive reading of the Pods says, with no slice
 * too full. The seed is in the name of the test.
 */
import { expect, it } from 'vitest'
import { endpointsController } from '#controllers/endpoints/reconciler.ts'
import { endpointSliceController } from '#controllers/endpointslice/reconciler.ts'
import { ENDPOINTS, PODS, SERVICE_ACCOUNTS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { seededRandom } from '#test/support/random-object.ts'
import { joinNode, newService, runPod } from '#test/support/service-world.ts'

const namespace = 'default'
const APPS = ['a', 'b', 'c']
const PODS_MAX = 130
const CHANGES = 400

type Choose = <T>(values: readonly T[]) => T

it.each([1, 2, 3])('endpoints are what the Pods are, seed %i', { timeout: 60_000 }, async (seed) => {
  const random = seededRandom(seed)
  const choose: Choose = (values) => values[Math.floor(random() * values.length)] as never
  const plane = await startTestControlPlane({ controllers: [endpointsController, endpointSliceController] })
  try {
    const { client } = plane
    await client.create(SERVICE_ACCOUNTS, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace },
    })
    await joinNode(client, 'n1')
    for (const app of APPS) await client.create(SERVICES, newService(app, {}))
    const alive = new Set<string>()
    for (let i = 0; i < CHANGES; i++) await change(client, choose, alive, i)
    await eventually(() => expectModel(client), 20_000)
  } finally {
    await plane.stop()
  }
})

async function change(client: Client, choose: Choose, alive: Set<string>, i: number): Promise<void> {
  const name = alive.size === 0 ? '' : choose([...alive])
  const kind = choose(['create', 'create', 'ready', 'label', 'delete', 'end', 'service'] as const)
  if (kind === 'create' || name === '') {
    if (alive.size >= PODS_MAX) return
    alive.add(`p${i}`)
    const ips = [`10.1.${i >> 8}.${i & 255}`]
    await runPod(client, `p${i}`, {
      labels: { app: choose(['a', 'a', 'a', 'b', 'x']) },
      ips,
      isReady: choose([true, false]),
    })
  } else if (kind === 'service') {
    const spec = choose([
      { publishNotReadyAddresses: choose([true, false]) },
      { ports: [{ name: 'p', port: 80, protocol: 'TCP', targetPort: choose([8080, 9090]) }] },
      { selector: { app: choose(['a', 'b', 'c']) } },
    ])
    await client.patch(SERVICES, { namespace, name: choose(APPS) }, { type: 'merge', body: { spec } })
  } else if (kind === 'delete') {
    alive.delete(name)
    await client.delete(PODS, { namespace, name }, { gracePeriodSeconds: 0 })
  } else if (kind === 'label') {
    const body = { metadata: { labels: { app: choose(['a', 'b', 'c', 'x']) } } }
    await client.patch(PODS, { namespace, name }, { type: 'merge', body })
  } else {
    const conditions = [
      { type: 'Ready', status: choose(['True', 'False']), lastTransitionTime: '2026-01-01T00:00:00Z' },
    ]
    const status = kind === 'end' ? { phase: 'Succeeded' } : { conditions }
    await client.patch(PODS, { namespace, name }, { type: 'merge', body: { status } }, { subresource: 'status' })
  }
}

async function expectModel(client: Client): Promise<void> {
  const { items: services } = await client.list(SERVICES, { namespace })
  const { items: pods } = await client.list(PODS, { namespace })
  for (const service of services.filter(({ spec }) => spec?.selector !== undefined)) {
    const name = service.metadata.name ?? ''
    const expected = model(service, pods)
    const { subsets = [] } = await client.get(ENDPOINTS, { namespace, name })
    const inEndpoints = subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) => [
      ...addresses.map(({ ip }) => `${ip}:${ports[0]?.port} true`),
      ...notReadyAddresses.map(({ ip }) => `${ip}:${ports[0]?.port} false`),
    ])
    expect(inEndpoints.sort()).toEqual(expected)
    const labelSelector = `kubernetes.io/service-name=${name}`
    const { items: slices } = await client.list(ENDPOINT_SLICES, { namespace, labelSelector })
    const inSlices = slices.flatMap(({ endpoints = [], ports = [] }) =>
      endpoints.map(({ addresses, conditions }) => `${addresses[0]}:${ports[0]?.port} ${conditions?.ready}`),
    )
    expect(inSlices.sort()).toEqual(expected)
    for (const { endpoints = [] } of slices) expect(endpoints.length).toBeLessThanOrEqual(100)
    // One that is empty stands alone.
    expect(slices.filter(({ endpoints = [] }) => endpoints.length === 0)).toHaveLength(expected.length === 0 ? 1 : 0)
  }
}

/** `ip:port ready` of every endpoint. */
function model({ spec }: DeepReadonly<Service>, pods: readonly DeepReadonly<Pod>[]): string[] {
  const port = spec?.ports?.[0]?.targetPort
  return pods
    .filter(
      ({ metadata, status }) => metadata.labels?.['app'] === spec?.selector?.['app'] && status?.phase === 'Running',
    )
    .map(({ status }) => {
      const isReady = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
      return `${status?.podIP}:${port} ${isReady || spec?.publishNotReadyAddresses === true}`
    })
    .sort()
}
