import { describe, expect, it } from 'vitest'
import type { Endpoints, EndpointSubset } from '#machinery/api/core/v1/types.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { planMirror } from './mirrored-slices.ts'

const http = [{ name: 'http', port: 80, protocol: 'TCP' }]
const dns = [{ name: 'dns', port: 53, protocol: 'UDP' }]
const addresses = (count: number) => Array.from({ length: count }, (_, i) => ({ ip: `10.0.${i >> 8}.${i & 255}` }))
const endpoints = (...subsets: EndpointSubset[]): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { namespace: 'default', name: 'db', uid: 'u' },
  subsets,
})
const written = ({ create, update }: { create: readonly EndpointSlice[]; update: readonly EndpointSlice[] }) =>
  [...create, ...update].map((slice, i) => ({ ...slice, metadata: { ...slice.metadata, name: `s${i}` } }))
const sizes = (plan: ReturnType<typeof planMirror>) => [plan.create.length, plan.update.length, plan.remove.length]

describe('planMirror', () => {
  it('makes a slice for each family and set of ports', () => {
    const plan = planMirror(
      endpoints(
        { addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], ports: http },
        { addresses: [{ ip: '10.0.0.1' }], ports: dns },
      ),
      [],
    )
    expect(plan.create.map(({ addressType, ports }) => `${addressType} ${ports?.[0]?.name}`)).toEqual([
      'IPv4 dns',
      'IPv4 http',
      'IPv6 http',
    ])
  })
  it('takes subsets for what they say together, however they were cut', () => {
    const plan = planMirror(
      endpoints(
        { addresses: addresses(2), ports: http },
        { addresses: [{ ip: '10.0.0.0' }], ports: dns },
        { addresses: [{ ip: '10.0.0.1' }], ports: dns },
      ),
      [],
    )
    expect(plan.create.map(({ ports }) => ports?.map(({ name }) => name))).toEqual([['dns', 'http']])
    const contradicting = endpoints(
      { notReadyAddresses: [{ ip: '10.0.0.1' }], ports: http },
      { addresses: [{ ip: '10.0.0.1' }], ports: http },
    )
    expect(planMirror(contradicting, []).create[0]?.endpoints).toEqual([
      { addresses: ['10.0.0.1'], conditions: { ready: false } },
    ])
  })
  it('takes over the slices of earlier Endpoints of the name', () => {
    const subset = { addresses: addresses(1), ports: http }
    const before = written(planMirror(endpoints(subset), []))
    const again = { ...endpoints(subset), metadata: { namespace: 'default', name: 'db', uid: 'v' } }
    expect(planMirror(again, before).update[0]?.metadata.ownerReferences?.[0]?.uid).toBe('v')
  })
  it('leaves what is right, changes what is not, recycles what is spare', () => {
    const before = written(planMirror(endpoints({ addresses: addresses(2), ports: http }), []))
    expect(sizes(planMirror(endpoints({ addresses: addresses(2), ports: http }), before))).toEqual([0, 0, 0])
    const notReady = endpoints({ addresses: addresses(1), notReadyAddresses: [{ ip: '10.0.0.1' }], ports: http })
    expect(planMirror(notReady, before).update[0]?.endpoints?.map(({ conditions }) => conditions?.ready)).toEqual([
      true,
      false,
    ])
    expect(sizes(planMirror(endpoints({ addresses: addresses(2), ports: dns }), before))).toEqual([0, 1, 0])
    expect(sizes(planMirror(endpoints(), before))).toEqual([0, 0, 1])
  })
  it('stops at 1,000 addresses and counts what it leaves out', () => {
    const plan = planMirror(endpoints({ addresses: [{ ip: '1.no' }, ...addresses(1_001)], ports: http }), [])
    expect(plan.create.map(({ endpoints }) => endpoints?.length)).toEqual([1_000])
    expect(plan).toMatchObject({ invalid: 1, skipped: 2 })
  })
})
