import { describe, expect, it } from 'vitest'
import type { Node, Pod, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import { newNode, nodeStatus } from './node-object.ts'
import { NodeUsage } from './node-usage.ts'

const FACTS = {
  spec: { name: 'n', capacity: { cpu: '2', memory: '1Gi' } },
  address: '10.0.0.1',
  version: 'v1.36.0',
  nowMs: 0,
}

function node(own: Partial<Node['spec']> = {}): Node {
  const made = newNode(FACTS)
  return { ...made, spec: { ...made.spec, ...own } }
}

const pod = (uid: string, spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: uid, uid },
  spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], ...spec },
})

const requesting = (uid: string, requests: Record<string, string>): Pod =>
  pod(uid, { containers: [{ name: 'c', image: 'i', resources: { requests } }] })
const onPort = (uid: string, hostPort: number): Pod =>
  pod(uid, { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort }] }] })

describe('what a node takes in', () => {
  it('is what is left of its resources, in the numbers kubelet prints', () => {
    const usage = new NodeUsage()
    usage.add(requesting('a', { cpu: '1500m' }))
    expect(usage.refusal(requesting('b', { cpu: '500m' }), node())).toBeUndefined()
    expect(usage.refusal(requesting('b', { cpu: '501m' }), node())).toEqual({
      reason: 'OutOfcpu',
      message: "Node didn't have enough resource: cpu, requested: 501, used: 1500, capacity: 2000",
    })
    expect(usage.refusal(requesting('b', { memory: '2Gi' }), node())?.message).toContain(
      'memory, requested: 2147483648, used: 0, capacity: 1073741824',
    )
    usage.remove('a')
    expect(usage.refusal(requesting('b', { cpu: '2' }), node())).toBeUndefined()
  })

  it('counts a pod once', () => {
    const usage = new NodeUsage()
    for (let i = 0; i < 3; i++) usage.add(requesting('a', { cpu: '1' }))
    expect(usage.refusal(requesting('b', { cpu: '1' }), node())).toBeUndefined()
  })

  it('ignores resources of the cluster, which no node knows', () => {
    expect(new NodeUsage().refusal(requesting('a', { 'example.dev/licence': '1' }), node())).toBeUndefined()
  })

  it('is one pod per host port', () => {
    const usage = new NodeUsage()
    usage.add(onPort('a', 8080))
    expect(usage.refusal(onPort('b', 8080), node())?.reason).toBe('NodePorts')
    expect(usage.refusal(onPort('b', 8081), node())).toBeUndefined()
    usage.remove('a')
    expect(usage.refusal(onPort('b', 8080), node())).toBeUndefined()
  })

  it.each<[string, Partial<PodSpec>, string | undefined]>([
    ['a selector that matches', { nodeSelector: { 'knarr.io/simulated': 'true' } }, undefined],
    ['a selector that does not', { nodeSelector: { a: 'b' } }, 'NodeAffinity'],
    ['a taint that evicts', {}, 'TaintToleration'],
    ['a taint it tolerates', { tolerations: [{ operator: 'Exists' }] }, undefined],
  ])('respects %s', (what, spec, reason) => {
    const taints = what.includes('taint') ? [{ key: 'k', effect: 'NoExecute' }] : []
    expect(new NodeUsage().refusal(pod('a', spec), node({ taints }))?.reason).toBe(reason)
  })
})

describe('what a node reports', () => {
  it('keeps resources and conditions of others, and the times of what did not change', () => {
    const network = { type: 'NetworkUnavailable', status: 'False' }
    const first = nodeStatus(FACTS, undefined)
    const before = {
      ...first,
      capacity: { ...first.capacity, 'example.dev/gpu': '4' },
      conditions: [network, ...(first.conditions ?? [])],
    }
    const status = nodeStatus({ ...FACTS, nowMs: 60_000 }, before)
    expect(status.allocatable).toMatchObject({ cpu: '2', 'example.dev/gpu': '4' })
    expect(status.conditions?.[0]).toEqual(network)
    expect(status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      lastTransitionTime: '1970-01-01T00:00:00Z',
      lastHeartbeatTime: '1970-01-01T00:01:00Z',
    })
  })
})
