import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { ServiceObjects } from './interfaces.ts'
import { resolveServiceEndpoint } from './service-endpoint.ts'

const SERVICE = { spec: { selector: { app: 'hook' }, ports: [{ name: 'https', port: 443, targetPort: 'tls' }] } }
const slice = (ready: boolean | undefined, address = '10.1.0.1', name = 'hook') => ({
  metadata: { name: `${name}-1`, namespace: 'ns', labels: { 'kubernetes.io/service-name': name } },
  ports: [{ name: 'https', port: 8443 }],
  endpoints: [{ addresses: [address], conditions: ready === undefined ? {} : { ready } }],
})
const pod = (isReady: boolean, more: object = {}) => ({
  metadata: { name: 'p', namespace: 'ns', labels: { app: 'hook' }, ...more },
  spec: { containers: [{ name: 'c', ports: [{ name: 'tls', containerPort: 9443 }] }] },
  status: { podIP: '10.3.0.1', conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
})
const ENDPOINTS = {
  subsets: [
    {
      addresses: [{ ip: '10.2.0.1' }],
      notReadyAddresses: [{ ip: '10.2.0.2' }],
      ports: [{ name: 'https', port: 8443 }],
    },
  ],
}

/** `simulated…` runs nothing. */
function nodeOf(name: string): KubeObject {
  const containerRuntimeVersion = name.startsWith('simulated') ? 'simulated://1.36.0' : 'containerd://2.1.0'
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    status: { nodeInfo: { containerRuntimeVersion } },
  } as KubeObject
}
const sliceOn = (...nodeNames: string[]) => ({
  ...slice(true),
  endpoints: nodeNames.map((nodeName, i) => ({ addresses: [`10.4.0.${i}`], nodeName })),
})
const endpointsOn = (nodeName: string) => ({
  subsets: [{ addresses: [{ ip: '10.2.0.1', nodeName }], ports: [{ name: 'https', port: 8443 }] }],
})
const podOn = (nodeName: string) => ({ ...pod(true), spec: { ...pod(true).spec, nodeName } })

interface World {
  readonly service?: object
  readonly slices?: object[]
  readonly endpoints?: object
  readonly pods?: object[]
}

function worldOf({ service = SERVICE, slices = [], endpoints, pods = [] }: World): ServiceObjects {
  const metadata = { name: 'hook', namespace: 'ns' }
  const lists: Readonly<Record<string, object[]>> = { endpointslices: slices, pods }
  return {
    peek: (_group, resource, _namespace, name) => {
      if (resource === 'nodes') return nodeOf(name)
      const found = resource === 'services' ? service : endpoints
      return name === 'hook' && found !== undefined ? ({ metadata, ...found } as KubeObject) : undefined
    },
    list: (_group, resource) => (lists[resource] ?? []) as KubeObject[],
  }
}

const NOTHING = 'node "simulated-1" is simulated and runs nothing: nobody listens on it'
const resolve = (world: World, port = 443, name = 'hook') =>
  resolveServiceEndpoint(worldOf(world), systemRandom, 'ns', name, port)

describe('a service is reached at', () => {
  it.each([
    ['a ready endpoint of its slices', { slices: [slice(false, '10.1.0.9'), slice(true)] }, '10.1.0.1:8443'],
    ['an endpoint that says nothing of being ready', { slices: [slice(undefined)] }, '10.1.0.1:8443'],
    ['its Endpoints', { endpoints: ENDPOINTS }, '10.2.0.1:8443'],
    ['its own slices only', { slices: [slice(true, '10.1.0.9', 'other')], endpoints: ENDPOINTS }, '10.2.0.1:8443'],
    ['a ready pod, by the name of the port', { pods: [pod(true)] }, '10.3.0.1:9443'],
    ['what is not on a simulated node', { slices: [sliceOn('simulated-1', 'real', 'simulated-2')] }, '10.4.0.1:8443'],
    ['what is on a node nobody knows', { slices: [sliceOn('')] }, '10.4.0.0:8443'],
    [
      'its external name',
      { service: { spec: { type: 'ExternalName', externalName: 'x.example.com' } } },
      'x.example.com:443',
    ],
  ])('%s', (_what, world, expected) => {
    const { host, port } = resolve(world)
    expect(`${host}:${port}`).toBe(expected)
  })

  it.each([
    ['it does not exist', {}, 443, 'other', 'service "other" not found'],
    ['it has no such port', {}, 80, 'hook', 'no service port 80 found for service "hook"'],
    [
      'nobody is ready',
      { slices: [slice(false)], pods: [pod(false)] },
      443,
      'hook',
      'no endpoints available for service "hook"',
    ],
    [
      'its pods are going',
      { pods: [pod(true, { deletionTimestamp: 'x' })] },
      443,
      'hook',
      'no endpoints available for service "hook"',
    ],
    [
      'its slices are on simulated nodes',
      { slices: [sliceOn('simulated-1')], pods: [pod(true)] },
      443,
      'hook',
      NOTHING,
    ],
    ['its Endpoints are on simulated nodes', { endpoints: endpointsOn('simulated-1') }, 443, 'hook', NOTHING],
    ['its pods are on simulated nodes', { pods: [podOn('simulated-1')] }, 443, 'hook', NOTHING],
  ])('nowhere when %s', (_what, world, port, name, message) => {
    expect(() => resolve(world, port, name)).toThrow(message)
  })
})
