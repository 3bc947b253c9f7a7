/** Load balancers of Services against a real control plane with Nodes that are only written down. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { endpointSliceController } from '#controllers/endpointslice/reconciler.ts'
import { LOAD_BALANCER_CLASS, serviceLbController } from '#controllers/servicelb/reconciler.ts'
import { EVENTS, NODES, SERVICE_ACCOUNTS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Service } from '#machinery/api/core/v1/types.gen.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { joinNode, newService, runPod } from '#test/support/service-world.ts'

const namespace = 'default'
const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup'
const key = (name: string) => ({ namespace, name })
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [endpointSliceController, serviceLbController] })
  await plane.client.create(SERVICE_ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace },
  })
})
afterEach(() => plane.stop())

const join = (name: string, ip: string) =>
  joinNode(plane.client, name, { addresses: [{ type: 'InternalIP', address: ip }] })
const balanced = (name: string, spec: Service['spec'] = {}) =>
  plane.client.create(SERVICES, newService(name, { type: 'LoadBalancer', ...spec }))
const service = (name: string) => plane.client.get(SERVICES, key(name))
const ips = async (name: string) => (await service(name)).status?.loadBalancer?.ingress?.map(({ ip }) => ip) ?? []
const label = (node: string, labels: Record<string, string | null>) =>
  plane.client.patch(NODES, { name: node }, { type: 'merge', body: { metadata: { labels } } })
const reasons = async (name: string) => {
  const { items } = await plane.client.list(EVENTS, { namespace })
  return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason }) => reason)
}

describe('a Service of type LoadBalancer', () => {
  it('gets the addresses of ready nodes, and follows them', async () => {
    await balanced('web')
    await eventually(async () => expect(await reasons('web')).toContain('UnAvailableLoadBalancer'))
    await join('n1', '192.0.2.1')
    await join('n2', '192.0.2.2')
    await eventually(async () =>
      expect(await service('web')).toMatchObject({
        metadata: { finalizers: [FINALIZER] },
        status: {
          loadBalancer: {
            ingress: [
              { ip: '192.0.2.1', ipMode: 'VIP' },
              { ip: '192.0.2.2', ipMode: 'VIP' },
            ],
          },
        },
      }),
    )
    await label('n1', { 'node.kubernetes.io/exclude-from-external-load-balancers': 'true' })
    await eventually(async () => expect(await ips('web')).toEqual(['192.0.2.2']))
    await label('n1', { 'node.kubernetes.io/exclude-from-external-load-balancers': null })
    await label('n1', { 'svccontroller.k3s.cattle.io/enablelb': 'true' })
    await eventually(async () => expect(await ips('web')).toEqual(['192.0.2.1']))
    await label('n1', { 'svccontroller.k3s.cattle.io/enablelb': null })
    await eventually(async () => {
      expect(await ips('web')).toEqual(['192.0.2.1', '192.0.2.2'])
      expect(await reasons('web')).toEqual(
        expect.arrayContaining(['EnsuringLoadBalancer', 'EnsuredLoadBalancer', 'UpdatedLoadBalancer']),
      )
    })
  })

  it('is told when another has its port, and gets it when that one goes', async () => {
    await join('n1', '192.0.2.1')
    await balanced('web')
    await eventually(async () => expect(await ips('web')).toEqual(['192.0.2.1']))
    await balanced('late')
    await eventually(async () => {
      const { status } = await service('late')
      expect(status?.loadBalancer).toEqual({})
      expect(status?.conditions).toMatchObject([
        {
          type: 'LoadBalancerPortConflict',
          status: 'True',
          reason: 'PortTaken',
          message: 'TCP port 80 is taken by default/web on 1 of 1 nodes',
        },
      ])
      expect(await reasons('late')).toContain('LoadBalancerPortConflict')
    })
    expect(await ips('web')).toEqual(['192.0.2.1'])
    await plane.client.delete(SERVICES, key('web'))
    await eventually(async () => {
      expect(await ips('late')).toEqual(['192.0.2.1'])
      expect((await service('late')).status?.conditions).toMatchObject([{ status: 'False', reason: 'PortsFree' }])
    })
  })

  it('with externalTrafficPolicy Local has only nodes with a ready endpoint', async () => {
    await join('n1', '192.0.2.1')
    await join('n2', '192.0.2.2')
    await balanced('web', { externalTrafficPolicy: 'Local' })
    await runPod(plane.client, 'web-0', { labels: { app: 'web' }, ips: ['10.0.0.1'], node: 'n2' })
    await runPod(plane.client, 'web-1', { labels: { app: 'web' }, ips: ['10.0.0.2'], node: 'n1', isReady: false })
    await eventually(async () => expect(await ips('web')).toEqual(['192.0.2.2']))
  })

  it('gives everything back when it is one no more, and when it is deleted', async () => {
    await join('n1', '192.0.2.1')
    await balanced('web')
    await eventually(async () => expect(await ips('web')).toEqual(['192.0.2.1']))
    await plane.client.patch(SERVICES, key('web'), { type: 'merge', body: { spec: { type: 'ClusterIP' } } })
    await eventually(async () => {
      const { metadata, status } = await service('web')
      expect(metadata.finalizers ?? []).toEqual([])
      expect(status?.loadBalancer).toEqual({})
      expect(await reasons('web')).toContain('DeletedLoadBalancer')
    })
    await balanced('other')
    await eventually(async () => expect((await service('other')).metadata.finalizers).toEqual([FINALIZER]))
    await plane.client.delete(SERVICES, key('other'))
    await eventually(() => expect(service('other')).rejects.toSatisfy(isNotFound))
  })

  it('of another class is left alone, of ours is served', async () => {
    await join('n1', '192.0.2.1')
    await balanced('foreign', { loadBalancerClass: 'example.com/lb' })
    await balanced('ours', { loadBalancerClass: LOAD_BALANCER_CLASS })
    await eventually(async () => expect(await ips('ours')).toEqual(['192.0.2.1']))
    expect((await service('foreign')).metadata.finalizers).toBeUndefined()
    expect(await ips('foreign')).toEqual([])
  })
})
