/** IPAddress objects follow the Services; ServiceCIDRs are protected while addresses need them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Service, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import { IP_ADDRESSES, SERVICE_CIDRS } from '#machinery/api/networking/v1/resources.gen.ts'
import type { ServiceCIDR } from '#machinery/api/networking/v1/types.gen.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { serviceCidrController } from '../service-cidr/reconciler.ts'
import { serviceIpRepairController } from './reconciler.ts'

let plane: TestControlPlane
beforeAll(async () => {
  plane = await startTestControlPlane({ controllers: [serviceIpRepairController, serviceCidrController] })
})
afterAll(() => plane.stop())

async function createService(name: string, spec: ServiceSpec = {}): Promise<Service> {
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: { ports: [{ port: 80 }], ...spec },
  }
  return (await plane.client.create(SERVICES, service)) as unknown as Service
}

const parentOf = async (ip: string): Promise<string | undefined> =>
  (await plane.client.get(IP_ADDRESSES, { name: ip }).catch(undefinedIfNotFound))?.spec.parentRef?.name

describe('IPAddress objects', () => {
  it('appear with a cluster IP, come back when deleted, and go with it', async () => {
    const { clusterIP: ip = '' } = (await createService('web')).spec
    await eventually(async () => expect(await parentOf(ip)).toBe('web'))
    await plane.client.delete(IP_ADDRESSES, { name: ip })
    await eventually(async () => expect(await parentOf(ip)).toBe('web'))
    await plane.client.delete(SERVICES, { namespace: 'default', name: 'web' })
    await eventually(async () => expect(await parentOf(ip)).toBeUndefined())
  })

  it('name the service that has the address now', async () => {
    const clusterIP = '10.43.9.9'
    await createService('first', { clusterIP })
    await eventually(async () => expect(await parentOf(clusterIP)).toBe('first'))
    await plane.client.delete(SERVICES, { namespace: 'default', name: 'first' })
    await createService('second', { clusterIP })
    await eventually(async () => expect(await parentOf(clusterIP)).toBe('second'))
  })

  it('made by others block their address', async () => {
    const parentRef = { group: 'gateway.networking.k8s.io', resource: 'gateways', namespace: 'default', name: 'g' }
    const metadata = { name: '10.43.9.10' }
    await plane.client.create(IP_ADDRESSES, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata,
      spec: { parentRef },
    })
    await expect(createService('blocked', { clusterIP: '10.43.9.10' })).rejects.toThrow(/already allocated/)
  })
})

describe('ServiceCIDRs', () => {
  it('give addresses when ready and stay while one is in use', async () => {
    const cidr: ServiceCIDR = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'more' },
      spec: { cidrs: ['192.168.7.0/24'] },
    }
    await plane.client.create(SERVICE_CIDRS, cidr)
    const read = () => plane.client.get(SERVICE_CIDRS, { name: 'more' })
    await eventually(async () => {
      const { metadata, status } = await read()
      expect(metadata.finalizers).toEqual(['networking.k8s.io/service-cidr-finalizer'])
      expect(status?.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'True' })
    })
    await createService('far', { clusterIP: '192.168.7.7' })
    await plane.client.delete(SERVICE_CIDRS, { name: 'more' })
    await eventually(async () => expect((await read()).status?.conditions?.[0]?.reason).toBe('Terminating'))
    await expect(createService('late', { clusterIP: '192.168.7.8' })).rejects.toThrow(
      /does not match the current range/,
    )
  })
})
