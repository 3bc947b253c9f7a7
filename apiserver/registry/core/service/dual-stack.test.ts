/** Services of clusters with one and with two IP families, through the API server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ENDPOINTS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Service, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import { familyOf } from '#machinery/meta/ip-address.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'

let single: TestControlPlane
let dual: TestControlPlane
beforeAll(async () => {
  single = await startTestControlPlane()
  dual = await startTestControlPlane({ serviceCidr: '10.43.0.0/16,fd00:43::/112' })
})
afterAll(async () => {
  await single.stop()
  await dual.stop()
})

let count = 0
function service(spec: ServiceSpec): Service {
  const metadata = { namespace: 'default', name: `s${count++}` }
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80 }], selector: { a: 'b' }, ...spec } }
}

const families = ({ spec }: DeepReadonly<Service>) => ({
  policy: spec.ipFamilyPolicy,
  families: spec.ipFamilies,
  ips: (spec.clusterIPs ?? []).map((ip) => (ip === 'None' ? ip : familyOf(ip))),
})

const SINGLE = { policy: 'SingleStack', families: ['IPv4'], ips: ['IPv4'] }
const both = (policy: string) => ({ policy, families: ['IPv4', 'IPv6'], ips: ['IPv4', 'IPv6'] })

describe('create', () => {
  it.each<[string, ServiceSpec, object, object | RegExp]>([
    ['no policy', {}, SINGLE, SINGLE],
    [
      'PreferDualStack',
      { ipFamilyPolicy: 'PreferDualStack' },
      both('PreferDualStack'),
      { ...SINGLE, policy: 'PreferDualStack' },
    ],
    [
      'RequireDualStack',
      { ipFamilyPolicy: 'RequireDualStack' },
      both('RequireDualStack'),
      /this cluster is not configured for dual-stack services/,
    ],
    [
      'IPv6',
      { ipFamilies: ['IPv6'] },
      { policy: 'SingleStack', families: ['IPv6'], ips: ['IPv6'] },
      /spec.ipFamilies\[0\]: Invalid value: "IPv6": not configured on this cluster/,
    ],
    ['headless with selector', { clusterIP: 'None' }, { ...SINGLE, ips: ['None'] }, { ...SINGLE, ips: ['None'] }],
    [
      'headless without selector',
      { clusterIP: 'None', selector: {} },
      { ...both('RequireDualStack'), ips: ['None'] },
      { ...both('RequireDualStack'), ips: ['None'] },
    ],
  ])('%s', async (_name, spec, onDual, onSingle) => {
    expect(families(await dual.client.create(SERVICES, service(spec)))).toEqual(onDual)
    const created = single.client.create(SERVICES, service(spec))
    if (onSingle instanceof RegExp) await expect(created).rejects.toThrow(onSingle)
    else expect(families(await created)).toEqual(onSingle)
  })

  it('takes the addresses the client names, in its order', async () => {
    const clusterIPs = ['fd00:43::77', '10.43.0.77']
    const spec: ServiceSpec = { clusterIP: 'fd00:43::77', clusterIPs, ipFamilyPolicy: 'RequireDualStack' }
    const created = await dual.client.create(SERVICES, service(spec))
    expect(created.spec).toMatchObject({ clusterIPs, ipFamilies: ['IPv6', 'IPv4'] })
    await expect(dual.client.create(SERVICES, service({ clusterIP: '10.43.0.77' }))).rejects.toThrow(
      /failed to allocate IP 10.43.0.77: provided IP is already allocated/,
    )
  })

  it('in a dry run takes nothing', async () => {
    const dry = service({ type: 'NodePort', ports: [{ port: 80 }] })
    const answer = await dual.client.create(SERVICES, dry, { dryRun: true })
    expect(answer.spec).toMatchObject({ clusterIP: '10.43.0.0', ports: [{ nodePort: 32769 }] })
    const clusterIP = '10.43.0.99'
    await dual.client.create(SERVICES, service({ clusterIP }), { dryRun: true })
    expect((await dual.client.create(SERVICES, service({ clusterIP }))).spec.clusterIP).toBe(clusterIP)
  })
})

describe('update', () => {
  async function change(from: ServiceSpec, patch: ServiceSpec | Record<string, unknown>) {
    const created = await dual.client.create(SERVICES, service(from))
    const key = { namespace: 'default', name: created.metadata.name ?? '' }
    const body = { spec: patch }
    return { created, changed: await dual.client.patch(SERVICES, key, { type: 'merge', body }), key }
  }

  it('upgrades, keeping the first address, and downgrades, freeing the second', async () => {
    const { created, changed, key } = await change({}, { ipFamilyPolicy: 'PreferDualStack' })
    expect(families(changed)).toEqual(both('PreferDualStack'))
    expect(changed.spec.clusterIP).toBe(created.spec.clusterIP)
    const body = { spec: { ipFamilyPolicy: 'SingleStack' } }
    const back = await dual.client.patch(SERVICES, key, { type: 'merge', body })
    expect(families(back)).toEqual(SINGLE)
    const freed = changed.spec.clusterIPs?.[1] ?? ''
    const next = await dual.client.create(SERVICES, service({ clusterIP: freed }))
    expect(next.spec.clusterIPs).toEqual([freed])
  })

  it('to ExternalName gives the address and the node ports back', async () => {
    const from: ServiceSpec = { type: 'NodePort', clusterIP: '10.43.0.111', ports: [{ port: 80, nodePort: 30111 }] }
    const { changed } = await change(from, { type: 'ExternalName', externalName: 'a.b' })
    expect(changed.spec).not.toHaveProperty('clusterIP')
    expect(changed.spec).not.toHaveProperty('ipFamilies')
    expect(changed.spec.ports?.[0]?.nodePort).toBeUndefined()
    expect((await dual.client.create(SERVICES, service(from))).spec.clusterIP).toBe('10.43.0.111')
  })

  it('frees a port only when the write went through', async () => {
    const from: ServiceSpec = { type: 'NodePort', ports: [{ port: 80, nodePort: 30222 }] }
    const created = await dual.client.create(SERVICES, service(from))
    const { name = '' } = created.metadata
    const stale = { ...created, metadata: { ...created.metadata, resourceVersion: '1' } }
    const clusterIpType = { ...stale, spec: { ...stale.spec, type: 'ClusterIP' } }
    await expect(dual.client.update(SERVICES, clusterIpType)).rejects.toThrow(/modified/)
    await expect(dual.client.create(SERVICES, service(from))).rejects.toThrow(/provided port is already allocated/)
    await dual.client.patch(
      SERVICES,
      { namespace: 'default', name },
      { type: 'merge', body: { spec: { type: 'ClusterIP' } } },
    )
    await dual.client.create(SERVICES, service(from))
  })

  it('shares one node port between the protocols of a port', async () => {
    const ports = [
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'udp', port: 53, protocol: 'UDP' },
    ]
    const { spec } = await dual.client.create(SERVICES, service({ type: 'NodePort', ports }))
    expect(spec.ports?.[0]?.nodePort).toBe(spec.ports?.[1]?.nodePort)
  })

  it('gives a health check port to balanced services with local traffic and keeps it over a replace', async () => {
    const spec: ServiceSpec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }
    const made = service(spec)
    const created = await dual.client.create(SERVICES, made)
    expect(created.spec.healthCheckNodePort).toBeGreaterThan(30000)
    const replaced = await dual.client.update(SERVICES, made)
    expect(replaced.spec).toEqual(created.spec)
  })
})

describe('delete', () => {
  it('takes the Endpoints of the name with it', async () => {
    const { metadata } = await dual.client.create(SERVICES, service({ selector: {} }))
    const key = { namespace: 'default', name: metadata.name ?? '' }
    const subsets = [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 80 }] }]
    await dual.client.create(ENDPOINTS, { apiVersion: 'v1', kind: 'Endpoints', metadata: { ...key }, subsets })
    await dual.client.delete(SERVICES, key, { dryRun: true })
    expect(await dual.client.get(ENDPOINTS, key)).toMatchObject({ subsets })
    await dual.client.delete(SERVICES, key)
    await expect(dual.client.get(ENDPOINTS, key)).rejects.toThrow(/not found/)
  })

  it('by the last finalizer frees what was stored, whatever the update says', async () => {
    const clusterIP = '10.43.0.123'
    const made = service({ clusterIP })
    const { metadata } = await dual.client.create(SERVICES, {
      ...made,
      metadata: { ...made.metadata, finalizers: ['example.com/test'] },
    })
    const key = { namespace: 'default', name: metadata.name ?? '' }
    await dual.client.delete(SERVICES, key)
    await expect(dual.client.create(SERVICES, service({ clusterIP }))).rejects.toThrow(/already allocated/)
    const body = { metadata: { finalizers: [] }, spec: { type: 'ExternalName', externalName: 'a.b' } }
    await dual.client.patch(SERVICES, key, { type: 'merge', body })
    expect((await dual.client.create(SERVICES, service({ clusterIP }))).spec.clusterIP).toBe(clusterIP)
  })
})
