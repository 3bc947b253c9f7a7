/** Endpoints and EndpointSlices of Services against a real control plane; Pods are run by hand. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { endpointsController } from '#controllers/endpoints/reconciler.ts'
import { endpointSliceController } from '#controllers/endpointslice/reconciler.ts'
import { endpointSliceMirroringController } from '#controllers/endpointslicemirroring/reconciler.ts'
import {
  ENDPOINTS,
  EVENTS,
  NODES,
  PODS,
  RESOURCE_QUOTAS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { Endpoints } from '#machinery/api/core/v1/types.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { joinNode, newService, runPod } from '#test/support/service-world.ts'

const namespace = 'default'
const key = (name: string) => ({ namespace, name })
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane({
    controllers: [endpointsController, endpointSliceController, endpointSliceMirroringController],
    serviceCidr: '10.43.0.0/16,fd00:43::/112',
  })
  await plane.client.create(SERVICE_ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace },
  })
  await joinNode(plane.client, 'n1', { labels: { 'topology.kubernetes.io/zone': 'a' } })
})
afterEach(() => plane.stop())

async function slicesOf(name: string): Promise<DeepReadonly<EndpointSlice>[]> {
  const labelSelector = `kubernetes.io/service-name=${name}`
  const { items } = await plane.client.list(ENDPOINT_SLICES, { namespace, labelSelector })
  return [...items].sort((a, b) => (a.addressType < b.addressType ? -1 : 1))
}

describe('a Service with a selector', () => {
  it('has the addresses of its Pods, ready or not, in Endpoints and slices', async () => {
    await plane.client.create(SERVICES, newService('web', {}, { labels: { team: 'a' } }))
    await runPod(plane.client, 'web-0', { labels: { app: 'web' }, ips: ['10.0.0.2'] })
    await runPod(plane.client, 'web-1', { labels: { app: 'web' }, ips: ['10.0.0.1'], isReady: false })
    await runPod(plane.client, 'other', { labels: { app: 'other' }, ips: ['10.0.0.3'] })
    await eventually(async () => {
      expect(await plane.client.get(ENDPOINTS, key('web'))).toMatchObject({
        metadata: {
          labels: { team: 'a', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
          annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': expect.any(String) },
        },
        subsets: [
          {
            addresses: [{ ip: '10.0.0.2', nodeName: 'n1', targetRef: { kind: 'Pod', name: 'web-0', namespace } }],
            notReadyAddresses: [{ ip: '10.0.0.1' }],
            ports: [{ port: 8080, protocol: 'TCP' }],
          },
        ],
      })
      const [slice, ...more] = await slicesOf('web')
      expect(more).toEqual([])
      expect(slice).toMatchObject({
        metadata: {
          labels: { team: 'a', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' },
          ownerReferences: [{ kind: 'Service', name: 'web', controller: true, blockOwnerDeletion: true }],
        },
        addressType: 'IPv4',
        ports: [{ name: '', port: 8080, protocol: 'TCP' }],
      })
      const endpoints = slice?.endpoints?.map(({ addresses, conditions, zone }) => ({ addresses, conditions, zone }))
      expect(endpoints).toHaveLength(2)
      expect(endpoints).toContainEqual({
        addresses: ['10.0.0.1'],
        conditions: { ready: false, serving: false, terminating: false },
        zone: 'a',
      })
    })
  })

  it('follows Pods that become ready, change labels and end', async () => {
    await plane.client.create(SERVICES, newService('web', {}))
    await runPod(plane.client, 'web-0', { labels: { app: 'web' }, ips: ['10.0.0.2'], isReady: false })
    const addresses = async () => (await plane.client.get(ENDPOINTS, key('web'))).subsets ?? []
    await eventually(async () => expect(await addresses()).toMatchObject([{ notReadyAddresses: [{}] }]))
    const status = { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-02T00:00:00Z' }] }
    await plane.client.patch(PODS, key('web-0'), { type: 'merge', body: { status } }, { subresource: 'status' })
    await eventually(async () => expect(await addresses()).toMatchObject([{ addresses: [{ ip: '10.0.0.2' }] }]))
    await plane.client.patch(PODS, key('web-0'), { type: 'merge', body: { metadata: { labels: { app: 'no' } } } })
    await eventually(async () => {
      expect(await addresses()).toEqual([])
      expect((await slicesOf('web')).map(({ endpoints }) => endpoints ?? [])).toEqual([[]])
    })
    await plane.client.patch(PODS, key('web-0'), { type: 'merge', body: { metadata: { labels: { app: 'web' } } } })
    await eventually(async () => expect(await addresses()).toMatchObject([{ addresses: [{ ip: '10.0.0.2' }] }]))
    const failed = { status: { phase: 'Failed' } }
    await plane.client.patch(PODS, key('web-0'), { type: 'merge', body: failed }, { subresource: 'status' })
    await eventually(async () => expect(await addresses()).toEqual([]))
  })

  it('keeps a terminating Pod in its slice, not in its Endpoints', async () => {
    await plane.client.create(SERVICES, newService('web', {}))
    await runPod(plane.client, 'web-0', { labels: { app: 'web' }, ips: ['10.0.0.2'] })
    await plane.client.delete(PODS, key('web-0'), { gracePeriodSeconds: 60 })
    await eventually(async () => {
      expect((await plane.client.get(ENDPOINTS, key('web'))).subsets ?? []).toEqual([])
      const [slice] = await slicesOf('web')
      expect(slice?.endpoints?.[0]?.conditions).toEqual({ ready: false, serving: true, terminating: true })
    })
  })

  it('has slices of both families', async () => {
    await plane.client.create(SERVICES, newService('web', { ipFamilyPolicy: 'RequireDualStack' }))
    await runPod(plane.client, 'web-0', { labels: { app: 'web' }, ips: ['10.0.0.2', 'fd00::2'] })
    await eventually(async () => {
      const slices = await slicesOf('web')
      expect(slices.map(({ addressType }) => addressType)).toEqual(['IPv4', 'IPv6'])
      expect(slices.map(({ endpoints }) => endpoints?.[0]?.addresses)).toEqual([['10.0.0.2'], ['fd00::2']])
    })
  })

  it('writes the slices of one family though those of the other are refused, and says why', async () => {
    await plane.client.create(SERVICES, newService('web', { ipFamilyPolicy: 'RequireDualStack' }))
    await runPod(plane.client, 'web-0', { labels: { app: 'web' }, ips: ['10.0.0.2', 'fd00::2'] })
    const [first] = await eventually(async () => {
      const slices = await slicesOf('web')
      expect(slices.map(({ endpoints = [] }) => endpoints.length)).toEqual([1, 1])
      return slices
    })
    await plane.client.create(RESOURCE_QUOTAS, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'few', namespace },
      spec: { hard: { 'count/endpointslices.discovery.k8s.io': '1' } },
    })
    await plane.client.delete(ENDPOINT_SLICES, key(first?.metadata.name ?? ''))
    await runPod(plane.client, 'web-1', { labels: { app: 'web' }, ips: ['10.0.0.3', 'fd00::3'] })
    await eventually(async () => {
      const slices = await slicesOf('web')
      expect(slices.map(({ addressType, endpoints = [] }) => [addressType, endpoints.length])).toEqual([['IPv6', 2]])
      const { items } = await plane.client.list(EVENTS, { namespace })
      expect(items.map(({ message = '' }) => message)).toContainEqual(
        expect.stringMatching(
          /^Error updating Endpoint Slices for Service default\/web: failed to create EndpointSlice for Service default\/web: .*exceeded quota/,
        ),
      )
    })
  })

  it('resolves named ports per Pod, so that Pods with other ports have another subset and slice', async () => {
    const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 'http' }]
    await plane.client.create(SERVICES, newService('web', { ports, clusterIP: 'None' }))
    const listening = (containerPort: number) => ({
      containers: [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort, protocol: 'TCP' }] }],
      hostname: `h${containerPort}`,
      subdomain: 'web',
    })
    await runPod(plane.client, 'a', { labels: { app: 'web' }, ips: ['10.0.0.1'], spec: listening(1) })
    await runPod(plane.client, 'b', { labels: { app: 'web' }, ips: ['10.0.0.2'], spec: listening(2) })
    await runPod(plane.client, 'c', { labels: { app: 'web' }, ips: ['10.0.0.3'] })
    await eventually(async () => {
      const { subsets, metadata } = await plane.client.get(ENDPOINTS, key('web'))
      expect(metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '')
      expect(subsets).toMatchObject([
        { addresses: [{ ip: '10.0.0.1', hostname: 'h1' }], ports: [{ name: 'http', port: 1 }] },
        { addresses: [{ ip: '10.0.0.2', hostname: 'h2' }], ports: [{ name: 'http', port: 2 }] },
      ])
      expect(await slicesOf('web')).toHaveLength(3)
    })
  })

  it('takes its Endpoints along when deleted, and makes them again when they are', async () => {
    await plane.client.create(SERVICES, newService('web', {}))
    const endpoints = await eventually(() => plane.client.get(ENDPOINTS, key('web')))
    await plane.client.delete(ENDPOINTS, key('web'))
    await eventually(async () =>
      expect((await plane.client.get(ENDPOINTS, key('web'))).metadata.uid).not.toBe(endpoints.metadata.uid),
    )
    await plane.client.delete(SERVICES, key('web'))
    await eventually(() => expect(plane.client.get(ENDPOINTS, key('web'))).rejects.toSatisfy(isNotFound))
  })

  it('keeps what it had when its selector goes', async () => {
    await plane.client.create(SERVICES, newService('web', {}))
    await runPod(plane.client, 'web-0', { labels: { app: 'web' }, ips: ['10.0.0.2'] })
    await eventually(async () => expect((await plane.client.get(ENDPOINTS, key('web'))).subsets).toHaveLength(1))
    await plane.client.patch(SERVICES, key('web'), { type: 'merge', body: { spec: { selector: null } } })
    await runPod(plane.client, 'web-1', { labels: { app: 'web' }, ips: ['10.0.0.3'] })
    // The mirror shows that the change has been seen.
    await eventually(async () => expect(await slicesOf('web')).toHaveLength(2))
    expect((await plane.client.get(ENDPOINTS, key('web'))).subsets).toMatchObject([{ addresses: [{ ip: '10.0.0.2' }] }])
  })

  it('splits 101 endpoints into two slices and repairs a slice somebody deletes', async () => {
    await plane.client.create(SERVICES, newService('web', {}))
    const pods = Array.from({ length: 101 }, (_, i) => `web-${i}`)
    await Promise.all(
      pods.map((name, i) => runPod(plane.client, name, { labels: { app: 'web' }, ips: [`10.0.1.${i}`] })),
    )
    const whole = async () => {
      const slices = await slicesOf('web')
      expect(slices.reduce((sum, { endpoints = [] }) => sum + endpoints.length, 0)).toBe(101)
      expect(slices).toHaveLength(2)
      return slices
    }
    const [slice] = await eventually(whole)
    await plane.client.delete(ENDPOINT_SLICES, key(slice?.metadata.name ?? ''))
    await eventually(whole)
  })

  it('hints at zones when it prefers close endpoints, and in proportion to CPU when topology-mode is Auto', async () => {
    await joinNode(plane.client, 'n2', { labels: { 'topology.kubernetes.io/zone': 'b' } })
    await plane.client.create(SERVICES, newService('web', { trafficDistribution: 'PreferSameNode' }))
    for (const [i, node] of ['n1', 'n1', 'n1', 'n2'].entries())
      await runPod(plane.client, `web-${i}`, { labels: { app: 'web' }, ips: [`10.0.0.${i + 1}`], node })
    const hints = async () => {
      const [slice] = await slicesOf('web')
      const byPod = new Map(slice?.endpoints?.map(({ targetRef, hints }) => [targetRef?.name, hints]))
      return [0, 1, 2, 3].map((i) => byPod.get(`web-${i}`))
    }
    await eventually(async () => {
      expect((await hints())[0]).toEqual({ forZones: [{ name: 'a' }], forNodes: [{ name: 'n1' }] })
      expect((await hints())[3]).toEqual({ forZones: [{ name: 'b' }], forNodes: [{ name: 'n2' }] })
    })
    const annotate = (mode: string | null) =>
      plane.client.patch(SERVICES, key('web'), {
        type: 'merge',
        body: {
          metadata: { annotations: { 'service.kubernetes.io/topology-mode': mode } },
          spec: { trafficDistribution: null },
        },
      })
    await annotate('Auto')
    await eventually(async () => {
      const zones = (await hints()).map((hint) => hint?.forZones?.map(({ name }) => name).join())
      expect(zones.sort()).toEqual(['a', 'a', 'b', 'b'])
    })
    await annotate(null)
    await eventually(async () => {
      expect(await hints()).toEqual([undefined, undefined, undefined, undefined])
      const { items } = await plane.client.list(EVENTS, { namespace })
      const reasons = items.filter(({ involvedObject }) => involvedObject.name === 'web').map(({ reason }) => reason)
      expect(reasons).toEqual(expect.arrayContaining(['TopologyAwareHintsEnabled', 'TopologyAwareHintsDisabled']))
    })
  })

  it('leaves out Pods of a Node that is gone until it is back', async () => {
    await plane.client.create(SERVICES, newService('web', {}))
    await plane.client.delete(NODES, { name: 'n1' })
    await runPod(plane.client, 'web-0', { labels: { app: 'web' }, ips: ['10.0.0.2'] })
    await eventually(async () => {
      const { items } = await plane.client.list(EVENTS, { namespace })
      expect(items.map(({ message }) => message ?? '').join()).toContain('skipping Pod web-0 for Service default/web')
    })
    await joinNode(plane.client, 'n1')
    await eventually(async () =>
      expect((await slicesOf('web')).flatMap(({ endpoints = [] }) => endpoints)).toHaveLength(1),
    )
  })
})

describe('Endpoints written by hand', () => {
  const endpoints = (name: string, ips: readonly string[], metadata: Endpoints['metadata'] = {}): Endpoints => ({
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { namespace, name, ...metadata },
    subsets: [{ addresses: ips.map((ip) => ({ ip })), ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }],
  })
  const external = (name: string) => {
    const service = newService(name, {})
    delete service.spec?.selector
    return service
  }

  it('are mirrored for a Service without selector, followed, and cleaned up', async () => {
    await plane.client.create(SERVICES, external('db'))
    const annotations = { note: 'x', 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' }
    await plane.client.create(
      ENDPOINTS,
      endpoints('db', ['192.0.2.1', 'fd00::1'], { labels: { team: 'a' }, annotations }),
    )
    await eventually(async () => {
      const slices = await slicesOf('db')
      expect(slices.map(({ addressType }) => addressType)).toEqual(['IPv4', 'IPv6'])
      expect(slices[0]).toMatchObject({
        metadata: {
          labels: { team: 'a', 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' },
          ownerReferences: [{ kind: 'Endpoints', name: 'db' }],
        },
        endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
        ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      })
      expect(slices[0]?.metadata.annotations).toEqual({ note: 'x' })
    })
    await plane.client.update(ENDPOINTS, endpoints('db', ['192.0.2.2']))
    await eventually(async () => {
      const slices = await slicesOf('db')
      expect(slices.map(({ endpoints }) => endpoints?.map(({ addresses }) => addresses))).toEqual([[['192.0.2.2']]])
    })
    await plane.client.delete(ENDPOINTS, key('db'))
    await eventually(async () => expect(await slicesOf('db')).toEqual([]))
  })

  it('stay without a Service, and go unmirrored when they say so', async () => {
    await plane.client.create(ENDPOINTS, endpoints('lonely', ['192.0.2.1']))
    const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' }
    await plane.client.create(SERVICES, external('skipped'))
    await plane.client.create(ENDPOINTS, endpoints('skipped', ['192.0.2.1'], { labels }))
    await plane.client.create(SERVICES, external('mirrored'))
    await plane.client.create(ENDPOINTS, endpoints('mirrored', ['192.0.2.1']))
    await eventually(async () => expect(await slicesOf('mirrored')).toHaveLength(1))
    expect(await slicesOf('skipped')).toEqual([])
    expect(await plane.client.get(ENDPOINTS, key('lonely')).catch(undefinedIfNotFound)).toBeDefined()
  })
})
