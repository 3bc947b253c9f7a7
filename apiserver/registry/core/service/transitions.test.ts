/**
 * What a service holds after it was created, changed and deleted.
 * Re-derived from upstream's pkg/registry/core/service/storage/storage_test.go (TestFeature*, TestUpdatePatchAllocatedValues,
 * TestCreateInitNodePorts, TestUpdateDryRun, TestDeleteWithFinalizer).
 */
import { describe, expect, it } from 'vitest'
import type { ServicePort, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import { CIDRS, ServiceStore } from '#test/support/service-store.ts'

const base = { selector: { k: 'v' }, sessionAffinity: 'None', ports: [{ port: 93, targetPort: 76, protocol: 'TCP' }] }
const inner = { ...base, internalTrafficPolicy: 'Cluster' }
const outer = { ...inner, externalTrafficPolicy: 'Cluster' }
const KINDS = {
  ExternalName: { ...base, type: 'ExternalName', externalName: 'example.com' },
  ClusterIP: { ...inner, type: 'ClusterIP' },
  Headless: { ...inner, type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'] },
  NodePort: { ...outer, type: 'NodePort' },
  LoadBalancer: { ...outer, type: 'LoadBalancer', allocateLoadBalancerNodePorts: true },
} satisfies Record<string, ServiceSpec>
type Kind = keyof typeof KINDS

const local = (spec: ServiceSpec): ServiceSpec => ({ ...KINDS.LoadBalancer, externalTrafficPolicy: 'Local', ...spec })

function held(spec: ServiceSpec): (string | number)[] {
  const ips = (spec.clusterIPs ?? []).filter((ip) => ip !== 'None')
  const ports = [...(spec.ports ?? []).map(({ nodePort = 0 }) => nodePort), spec.healthCheckNodePort ?? 0]
  return [...ips, ...ports.filter((port) => port !== 0)]
}

const kindsOf = (spec: ServiceSpec): string =>
  [spec.clusterIPs ? 'ip' : '', spec.ports?.[0]?.nodePort ? 'port' : '', spec.healthCheckNodePort ? 'health' : '']
    .filter((part) => part !== '')
    .join('+') || 'nothing'

function expectHeld(store: ServiceStore, spec: ServiceSpec, before?: ServiceSpec): void {
  for (const value of held(spec)) expect(store.isHeld(value), `${value} is held`).toBe(true)
  const now = held(spec)
  for (const value of before === undefined ? [] : held(before)) {
    if (!now.includes(value)) expect(store.isHeld(value), `${value} is free`).toBe(false)
  }
}

describe('types', () => {
  it.each<[Kind, Kind, string]>([
    ['ExternalName', 'ClusterIP', 'ip'],
    ['ExternalName', 'Headless', 'ip'],
    ['ExternalName', 'NodePort', 'ip+port'],
    ['ExternalName', 'LoadBalancer', 'ip+port'],
    ['ClusterIP', 'ExternalName', 'nothing'],
    ['ClusterIP', 'Headless', 'refused'],
    ['ClusterIP', 'NodePort', 'ip+port'],
    ['ClusterIP', 'LoadBalancer', 'ip+port'],
    ['Headless', 'ExternalName', 'nothing'],
    ['Headless', 'NodePort', 'refused'],
    ['Headless', 'LoadBalancer', 'refused'],
    ['NodePort', 'ExternalName', 'nothing'],
    ['NodePort', 'ClusterIP', 'ip'],
    ['NodePort', 'Headless', 'refused'],
    ['NodePort', 'LoadBalancer', 'ip+port'],
    ['LoadBalancer', 'ExternalName', 'nothing'],
    ['LoadBalancer', 'ClusterIP', 'ip'],
    ['LoadBalancer', 'Headless', 'refused'],
    ['LoadBalancer', 'NodePort', 'ip+port'],
  ])('%s to %s: %s', (from, to, expected) => {
    const store = new ServiceStore(CIDRS[46])
    const before = store.create('s', KINDS[from])
    expectHeld(store, before)
    if (expected === 'refused') {
      expect(() => store.update('s', KINDS[to])).toThrow(/invalid/)
      expectHeld(store, before)
      return
    }
    const dry = store.update('s', KINDS[to], true)
    expect(kindsOf(dry)).toBe(expected)
    expectHeld(store, before)
    const after = store.update('s', KINDS[to])
    expect(kindsOf(after)).toBe(expected)
    expectHeld(store, after, before)
    store.delete('s')
    for (const value of held(after)) expect(store.isHeld(value)).toBe(false)
  })
})

it('knows the address that an old client sends without the list', () => {
  const store = new ServiceStore(CIDRS[4])
  store.create('s', KINDS.Headless)
  const after = store.update('s', { ...KINDS.ExternalName, clusterIP: 'None' })
  expect(after).not.toHaveProperty('clusterIP')
  expect(after).not.toHaveProperty('clusterIPs')
})

const port = (name: string, number: number, nodePort?: number, protocol = 'TCP'): ServicePort => ({
  name,
  port: number,
  targetPort: number,
  protocol,
  ...(nodePort === undefined ? {} : { nodePort }),
})

describe('node ports of a new service', () => {
  it.each<[string, ServiceSpec, (number | 'any' | 'none' | 'same')[] | RegExp]>([
    ['none asked for', KINDS.NodePort, ['any']],
    [
      'one number, two protocols',
      { ...KINDS.NodePort, ports: [port('p', 53), port('q', 53, undefined, 'UDP')] },
      ['any', 'same'],
    ],
    [
      'one number, one of them asked for',
      { ...KINDS.NodePort, ports: [port('p', 53), port('q', 53, 30053, 'UDP')] },
      [30053, 30053],
    ],
    [
      'one number, two asked for',
      { ...KINDS.NodePort, ports: [port('p', 53, 30001), port('q', 53, 30002, 'UDP')] },
      [30001, 30002],
    ],
    [
      'the same twice, one number',
      { ...KINDS.NodePort, ports: [port('p', 53, 30053), port('q', 53, 30053, 'UDP')] },
      [30053, 30053],
    ],
    [
      'the same twice, two numbers',
      { ...KINDS.NodePort, ports: [port('p', 80, 30080), port('q', 443, 30080)] },
      /Duplicate value/,
    ],
    [
      'the same twice, two numbers and protocols',
      { ...KINDS.NodePort, ports: [port('p', 93, 30093), port('q', 76, 30093, 'UDP')] },
      /provided port is already allocated/,
    ],
    [
      'not of this type',
      { ...KINDS.ClusterIP, ports: [port('p', 80, 30080)] },
      /may not be used when `type` is 'ClusterIP'/,
    ],
    ['not allocated', { ...KINDS.LoadBalancer, allocateLoadBalancerNodePorts: false }, ['none']],
    [
      'not allocated but asked for',
      { ...KINDS.LoadBalancer, allocateLoadBalancerNodePorts: false, ports: [port('p', 80, 30080), port('q', 81)] },
      [30080, 'none'],
    ],
  ])('%s', (_name, spec, expected) => {
    const store = new ServiceStore(CIDRS[4])
    if (expected instanceof RegExp) {
      expect(() => store.create('s', spec)).toThrow(expected)
      expect(store.isHeld(30080)).toBe(false)
      expect(store.isHeld(30093)).toBe(false)
      return
    }
    const made = store.create('s', spec)
    const got = (made.ports ?? []).map(({ nodePort }) => nodePort)
    expected.forEach((value, i) => {
      if (value === 'any') expect(got[i]).toBeGreaterThanOrEqual(30000)
      else expect(got[i]).toBe(value === 'none' ? undefined : value === 'same' ? got[0] : value)
    })
    expectHeld(store, made)
  })
})

const both = [port('p', 867, 30093), port('q', 5309, 30076)]
const stored = local({ healthCheckNodePort: 30118, clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ports: both })

describe('an update without allocated values', () => {
  it.each<[string, Partial<ServiceSpec>, (number | 'other')[] | RegExp]>([
    ['keeps them', { ports: [port('p', 867), port('q', 5309)] }, [30093, 30076]],
    ['keeps the one left out', { ports: [port('p', 867, 30093), port('q', 5309)] }, [30093, 30076]],
    ['keeps them by name', { ports: [port('q', 5309), port('p', 867)] }, [30076, 30093]],
    ['keeps them for other numbers', { ports: [port('p', 8080), port('q', 8443)] }, [30093, 30076]],
    ['does not give one to two ports', { ports: [port('p', 867, 30076), port('q', 5309)] }, [30076, 'other']],
    [
      'cannot use the health check port',
      { ports: [port('p', 867, 30118), port('q', 5309)] },
      /provided port is already allocated/,
    ],
    ['cannot change the health check port', { ports: both, healthCheckNodePort: 30111 }, /field is immutable/],
    ['cannot have another address', { ports: both, clusterIP: '10.0.0.2' }, /may not change once set/],
    ['cannot become without an address', { ports: both, clusterIP: 'None' }, /may not be set to 'None'/],
    ['cannot be without ports', { ports: [] }, /spec.ports: Required value/],
  ])('%s', (_name, change, expected) => {
    const store = new ServiceStore(CIDRS[4])
    const before = store.create('s', stored)
    if (expected instanceof RegExp) {
      expect(() => store.update('s', local(change))).toThrow(expected)
      expectHeld(store, before)
      return
    }
    const after = store.update('s', local(change))
    const ports = (after.ports ?? []).map(({ nodePort }) => nodePort)
    const known = ports.map((value) => (value === 30093 || value === 30076 ? value : 'other'))
    expect(known).toEqual(expected)
    expect(after).toMatchObject({ clusterIPs: ['10.0.0.1'], healthCheckNodePort: 30118 })
    expectHeld(store, after, before)
  })

  it('leaves the node ports of a balancer that allocates none to the client', () => {
    const spec: ServiceSpec = { ...KINDS.LoadBalancer, allocateLoadBalancerNodePorts: false }
    const store = new ServiceStore(CIDRS[4])
    const before = store.create('s', { ...spec, ports: both })
    const after = store.update('s', { ...spec, ports: [port('p', 867, 30093), port('q', 5309)] })
    expect(after.ports?.map(({ nodePort }) => nodePort)).toEqual([30093, undefined])
    expectHeld(store, after, before)
  })
})

describe('the health check port', () => {
  const cluster = KINDS.LoadBalancer
  it.each<[string, ServiceSpec, ServiceSpec, number | 'any' | 'none']>([
    ['comes with the policy Local', cluster, local({}), 'any'],
    ['is the one named', cluster, local({ healthCheckNodePort: 30000 }), 30000],
    ['goes with the policy Local', local({}), cluster, 'none'],
    ['goes when it was named', local({ healthCheckNodePort: 30000 }), cluster, 'none'],
    ['is not for node ports', KINDS.NodePort, { ...KINDS.NodePort, externalTrafficPolicy: 'Local' }, 'none'],
  ])('%s', (_name, from, to, expected) => {
    const store = new ServiceStore(CIDRS[4])
    const before = store.create('s', from)
    const after = store.update('s', to)
    if (expected === 'any') expect(after.healthCheckNodePort).toBeGreaterThanOrEqual(30000)
    else expect(after.healthCheckNodePort).toBe(expected === 'none' ? undefined : expected)
    expectHeld(store, after, before)
  })

  it.each<[string, ServiceSpec]>([
    ['ExternalName', { ...KINDS.ExternalName, healthCheckNodePort: 30000 }],
    ['ClusterIP', { ...KINDS.ClusterIP, healthCheckNodePort: 30000 }],
    ['NodePort', { ...KINDS.NodePort, externalTrafficPolicy: 'Local', healthCheckNodePort: 30000 }],
    ['LoadBalancer', { ...cluster, healthCheckNodePort: 30000 }],
    ['LoadBalancer, negative', local({ healthCheckNodePort: -1 })],
    ['ExternalName with a policy', { ...KINDS.ExternalName, externalTrafficPolicy: 'Cluster' }],
    ['ClusterIP with a policy', { ...KINDS.ClusterIP, externalTrafficPolicy: 'Local' }],
  ])('is refused: %s', (_name, spec) => {
    const store = new ServiceStore(CIDRS[4])
    expect(() => store.create('s', spec)).toThrow(/spec\.(healthCheckNodePort|externalTrafficPolicy): Invalid value/)
    expect(store.isHeld(30000)).toBe(false)
  })
})
