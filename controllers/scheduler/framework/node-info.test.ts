/** Adding up Pods on a node, and the snapshot over nodes. */
import { describe, expect, it } from 'vitest'
import { makeNode, makeNodeInfo, makePodInfo, makeSnapshot } from '#test/support/scheduling.ts'
import { createNodeInfo } from './node-info.ts'
import { NodeSnapshot } from './snapshot.ts'

const port = (hostPort: number, hostIP?: string, protocol?: string) => ({
  containers: [
    {
      name: 'c',
      image: 'i',
      ports: [
        {
          containerPort: 80,
          hostPort,
          ...(hostIP === undefined ? {} : { hostIP }),
          ...(protocol === undefined ? {} : { protocol }),
        },
      ],
    },
  ],
})

describe('PodInfo', () => {
  it.each([
    {
      name: 'the sum of containers',
      spec: {
        containers: [
          { name: 'a', resources: { requests: { cpu: '100m', memory: '1Mi' } } },
          { name: 'b', resources: { requests: { cpu: '1', 'example.com/gpu': '2' } } },
        ],
      },
      requests: { milliCpu: 1100, memory: 1048576, ephemeralStorage: 0, scalar: new Map([['example.com/gpu', 2]]) },
      nonZero: { milliCpu: 1100, memory: 1048576 + 209715200 },
    },
    {
      name: 'the largest init container when it is larger',
      spec: {
        containers: [{ name: 'a', resources: { requests: { cpu: '1', memory: '1' } } }],
        initContainers: [{ name: 'i', resources: { requests: { cpu: '3', memory: '1' } } }],
      },
      requests: { milliCpu: 3000, memory: 1, ephemeralStorage: 0, scalar: new Map() },
      nonZero: { milliCpu: 3000, memory: 1 },
    },
    {
      name: 'sidecars beside containers, and overhead on top',
      spec: {
        containers: [{ name: 'a', resources: { requests: { cpu: '1', memory: '1' } } }],
        initContainers: [{ name: 's', restartPolicy: 'Always', resources: { requests: { cpu: '500m', memory: '1' } } }],
        overhead: { cpu: '10m', 'ephemeral-storage': '1Ki' },
      },
      requests: { milliCpu: 1510, memory: 2, ephemeralStorage: 1024, scalar: new Map() },
      nonZero: { milliCpu: 1510, memory: 2 },
    },
    {
      name: '100m and 200 MiB for a container that asks for nothing, when scoring',
      spec: { containers: [{ name: 'a' }] },
      requests: { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalar: new Map() },
      nonZero: { milliCpu: 100, memory: 209715200 },
    },
    {
      name: 'what the Pod as a whole asks for',
      spec: { containers: [{ name: 'a' }], resources: { requests: { cpu: '2' } } },
      requests: { milliCpu: 2000, memory: 0, ephemeralStorage: 0, scalar: new Map() },
      nonZero: { milliCpu: 2000, memory: 209715200 },
    },
  ])('counts $name', ({ spec, requests, nonZero }) => {
    expect(makePodInfo({ spec: spec as never })).toMatchObject({ requests, nonZero })
  })
})

describe('NodeInfo', () => {
  it('adds Pods up and is as before when they are gone', () => {
    const node = makeNodeInfo()
    const pod = makePodInfo({
      requests: { cpu: '1', memory: '1Gi', 'example.com/gpu': '1' },
      spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] },
    })
    node.addPod(pod)
    node.addPod(pod)
    expect(node.requested).toMatchObject({ milliCpu: 1000, memory: 2 ** 30 })
    expect(node.claimUses).toEqual(new Map([['default/data', 1]]))
    node.removePod(pod)
    expect(node.requested).toMatchObject({ milliCpu: 0, memory: 0 })
    expect(node.nonZeroRequested).toEqual({ milliCpu: 0, memory: 0 })
    expect([node.pods.size, node.claimUses.size]).toEqual([0, 0])
  })

  it('takes away what was added, also when the Pod has changed since', () => {
    const node = makeNodeInfo()
    node.addPod(makePodInfo({ uid: 'a', requests: { cpu: '1' } }))
    node.removePod(makePodInfo({ uid: 'a', requests: { cpu: '3' } }))
    expect(node.requested.milliCpu).toBe(0)
  })

  it.each([
    ['the same port on the same address', port(80, '10.0.0.1'), true],
    ['the same port on another address', port(80, '10.0.0.2'), false],
    ['the same port on all addresses', port(80), true],
    ['another protocol', port(80, '10.0.0.1', 'UDP'), false],
    ['another port', port(81), false],
    ['no host port', {}, false],
  ])('says whether host ports conflict: %s', (_name, spec, expected) => {
    const node = makeNodeInfo({}, [{ spec: port(80, '10.0.0.1') }])
    expect(node.hasPortConflict(makePodInfo({ spec }).hostPorts)).toBe(expected)
  })

  it('has clones that do not change it', () => {
    const pod = makePodInfo({ requests: { cpu: '1' }, spec: port(80) })
    const node = makeNodeInfo({}, [pod])
    const clone = node.clone()
    clone.removePod(pod)
    clone.addPod(makePodInfo({ requests: { cpu: '2' } }))
    expect(node.requested.milliCpu).toBe(1000)
    expect(node.hasPortConflict(pod.hostPorts)).toBe(true)
    expect(clone.requested.milliCpu).toBe(2000)
    expect(clone.hasPortConflict(pod.hostPorts)).toBe(false)
  })
})

describe('Snapshot', () => {
  const affinity = {
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: {} }] },
  }

  it('lists nodes with affinity, and counts images', () => {
    const images = [{ names: ['a:1', 'a@sha256:x'], sizeBytes: 10 }]
    const snapshot = makeSnapshot([
      makeNodeInfo({ name: 'a', status: { images } }),
      makeNodeInfo({ name: 'b', status: { images } }, [{ spec: { affinity } }]),
    ])
    expect(snapshot.withRequiredAntiAffinity.map(({ name }) => name)).toEqual(['b'])
    expect(snapshot.withPodAffinity.map(({ name }) => name)).toEqual(['b'])
    expect([snapshot.imageNodes('a:1'), snapshot.imageNodes('b')]).toEqual([2, 0])
    expect(snapshot.get('c')).toBeUndefined()
  })

  it('follows a node that is replaced', () => {
    const snapshot = new NodeSnapshot()
    snapshot.reset([makeNodeInfo({ name: 'a' }), makeNodeInfo({ name: 'b' })])
    expect(snapshot.withPodAffinity).toEqual([])
    const images = [{ names: ['a'], sizeBytes: 1 }]
    snapshot.replace(createNodeInfo(makeNode({ name: 'b', status: { images } }), [makePodInfo({ spec: { affinity } })]))
    expect(snapshot.withPodAffinity.map(({ name }) => name)).toEqual(['b'])
    expect(snapshot.get('b')?.pods.size).toBe(1)
    expect(snapshot.nodes.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(snapshot.imageNodes('a')).toBe(1)
  })
})
