import { describe, expect, it } from 'vitest'
import type { EndpointSubset, Service } from '#machinery/api/core/v1/types.gen.ts'
import { newPod, newService } from '#test/support/service-world.ts'
import { subsetsOf, truncate } from './subsets.ts'

const http = { name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }
const dns = { name: 'dns', port: 53, protocol: 'UDP', targetPort: 5353 }
const named = { name: 'n', port: 81, protocol: 'TCP', targetPort: 'web' }
const labels = { app: 'web' }
const container = (name: string, containerPort: number, protocol = 'TCP') => ({
  name: `c${containerPort}`,
  image: 'i',
  ports: [{ name, containerPort, protocol }],
})
const flat = (subsets: readonly EndpointSubset[]) =>
  subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) => ({
    ready: addresses.map(({ ip }) => ip),
    notReady: notReadyAddresses.map(({ ip }) => ip),
    ports: ports.map(({ name, port }) => `${name}:${port}`),
  }))

interface Row {
  readonly name: string
  readonly spec: Service['spec']
  readonly pods: Parameters<typeof newPod>[1][]
  readonly expected: ReturnType<typeof flat>
}

const ROWS: readonly Row[] = [
  { name: 'nobody', spec: { ports: [http] }, pods: [], expected: [] },
  {
    name: 'ports with the same addresses share a subset',
    spec: { ports: [http, dns] },
    pods: [
      { labels, ips: ['10.0.0.2'] },
      { labels, ips: ['10.0.0.1'] },
    ],
    expected: [{ ready: ['10.0.0.1', '10.0.0.2'], notReady: [], ports: ['dns:5353', 'http:8080'] }],
  },
  {
    name: 'not ready, unless that does not matter',
    spec: { ports: [http] },
    pods: [{ labels, ips: ['10.0.0.1'], isReady: false }],
    expected: [{ ready: [], notReady: ['10.0.0.1'], ports: ['http:8080'] }],
  },
  {
    name: 'publishNotReadyAddresses',
    spec: { ports: [http], publishNotReadyAddresses: true },
    pods: [{ labels, ips: ['10.0.0.1'], isReady: false }],
    expected: [{ ready: ['10.0.0.1'], notReady: [], ports: ['http:8080'] }],
  },
  {
    name: 'finished Pods and Pods without address are none',
    spec: { ports: [http] },
    pods: [{ labels, ips: ['10.0.0.1'], phase: 'Succeeded' }, { labels }],
    expected: [],
  },
  {
    name: 'a Service without families: those of its cluster IP',
    spec: { ports: [http], clusterIP: 'fd00::a' },
    pods: [{ labels, ips: ['10.0.0.1', 'fd00::1'] }],
    expected: [{ ready: ['fd00::1'], notReady: [], ports: ['http:8080'] }],
  },
  {
    name: 'a headless Service without families: that of the Pod',
    spec: { ports: [http], clusterIP: 'None' },
    pods: [{ labels, ips: ['fd00::1'] }],
    expected: [{ ready: ['fd00::1'], notReady: [], ports: ['http:8080'] }],
  },
  {
    name: 'a port only some Pods have makes subsets of its own',
    spec: { ports: [http, named] },
    pods: [
      { labels, ips: ['10.0.0.1'], spec: { containers: [container('web', 1)] } },
      { labels, ips: ['10.0.0.2'] },
    ],
    expected: [
      { ready: ['10.0.0.1', '10.0.0.2'], notReady: [], ports: ['http:8080'] },
      { ready: ['10.0.0.1'], notReady: [], ports: ['n:1'] },
    ],
  },
  {
    name: 'a named port of another protocol is not meant; one of a sidecar is',
    spec: { ports: [named] },
    pods: [
      { labels, ips: ['10.0.0.1'], spec: { containers: [container('web', 1, 'UDP')] } },
      {
        labels,
        ips: ['10.0.0.2'],
        spec: { initContainers: [container('web', 3), { ...container('web', 2), restartPolicy: 'Always' }] },
      },
    ],
    expected: [{ ready: ['10.0.0.2'], notReady: [], ports: ['n:2'] }],
  },
  {
    name: 'headless without ports',
    spec: { ports: [], clusterIP: 'None' },
    pods: [{ labels, ips: ['10.0.0.1'] }],
    expected: [{ ready: ['10.0.0.1'], notReady: [], ports: [] }],
  },
  {
    name: 'the first family of the Service decides',
    spec: { ports: [http], ipFamilies: ['IPv6', 'IPv4'] },
    pods: [
      { labels, ips: ['10.0.0.1', 'fd00::1'] },
      { labels, ips: ['10.0.0.2'] },
    ],
    expected: [{ ready: ['fd00::1'], notReady: [], ports: ['http:8080'] }],
  },
]

describe('subsetsOf', () => {
  it.each(ROWS)('$name', ({ spec, pods, expected }) => {
    const made = pods.map((facts, i) => {
      const pod = newPod(`p${i}`, facts)
      pod.metadata.uid = `u${i}`
      return pod
    })
    expect(flat(subsetsOf(newService('web', spec), made))).toEqual(expected)
  })

  it('keeps Pods of one address apart', () => {
    const pods = ['a', 'b'].map((uid) => {
      const pod = newPod(uid, { labels, ips: ['10.0.0.1'] })
      pod.metadata.uid = uid
      return pod
    })
    expect(flat(subsetsOf(newService('web', {}), pods))[0]?.ready).toEqual(['10.0.0.1', '10.0.0.1'])
  })
})

describe('truncate', () => {
  const many = (count: number, net: number) =>
    Array.from({ length: count }, (_, i) => ({ ip: `10.${net}.${i >> 8}.${i & 255}` }))
  const sizes = (subsets: readonly EndpointSubset[]) =>
    subsets.map(({ addresses = [], notReadyAddresses = [] }) => [addresses.length, notReadyAddresses.length])

  it.each([
    { name: 'at the limit', given: [[600, 400]], expected: [[600, 400]] },
    { name: 'not ready ones go first', given: [[900, 200]], expected: [[900, 100]] },
    {
      name: 'each subset keeps its share',
      given: [
        [1_000, 5],
        [500, 0],
      ],
      expected: [
        [667, 0],
        [333, 0],
      ],
    },
    {
      name: 'shares of not ready ones',
      given: [
        [400, 400],
        [400, 800],
      ],
      expected: [
        [400, 67],
        [400, 133],
      ],
    },
  ])('$name', ({ given, expected }) => {
    const subsets = given.map(([ready = 0, notReady = 0], i) => ({
      addresses: many(ready, i),
      notReadyAddresses: many(notReady, i + 9),
    }))
    expect(sizes(truncate(subsets))).toEqual(expected)
  })
})
