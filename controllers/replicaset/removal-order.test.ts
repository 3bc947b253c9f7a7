import { describe, expect, it } from 'vitest'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { inRemovalOrder } from './removal-order.ts'

const NOW = Date.parse('2026-01-02T00:00:00Z')
const ago = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString()

interface PodFacts {
  readonly node?: string
  readonly phase?: string
  readonly readyForMinutes?: number
  readonly cost?: string
  readonly restarts?: number
  readonly sidecarRestarts?: number
  readonly ageMinutes?: number
}

const pod = (name: string, facts: PodFacts = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    uid: name,
    creationTimestamp: ago(facts.ageMinutes ?? 1_000),
    ...(facts.cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': facts.cost } }),
  },
  spec: {
    containers: [],
    initContainers: [{ name: 'sidecar', restartPolicy: 'Always' }, { name: 'setup' }],
    nodeName: facts.node ?? 'n1',
  },
  status: {
    phase: facts.phase ?? 'Running',
    conditions: [
      {
        type: 'Ready',
        status: facts.readyForMinutes === undefined ? 'False' : 'True',
        lastTransitionTime: ago(facts.readyForMinutes ?? 0),
      },
    ],
    containerStatuses: [
      { name: 'c', image: 'i', imageID: '', ready: true, restartCount: facts.restarts ?? 0 } as never,
    ],
    initContainerStatuses: [
      { name: 'sidecar', restartCount: facts.sidecarRestarts ?? 0 } as never,
      { name: 'setup', restartCount: 99 } as never,
    ],
  },
})

const ready = { readyForMinutes: 100 } as const

describe('the order in which surplus replicas go', () => {
  it.each<[string, PodFacts, PodFacts]>([
    ['those without a node', { ...ready, node: '' }, ready],
    ['an earlier phase', { phase: 'Pending' }, { phase: 'Running' }],
    ['an unknown phase before running', { phase: 'Unknown' }, { phase: 'Running' }],
    ['not ready', {}, ready],
    ['cheaper to delete', { ...ready, cost: '-10' }, ready],
    ['a cost that is no integer counts as none', { ...ready, cost: '-5' }, { ...ready, cost: '-010' }],
    ['ready for less long', { readyForMinutes: 1 }, ready],
    ['a cost beyond 32 bits counts as none', { ...ready, cost: '-5' }, { ...ready, cost: '-9999999999' }],
    ['restarted more', { ...ready, restarts: 3 }, ready],
    ['a sidecar restarted more', { ...ready, sidecarRestarts: 3 }, ready],
    ['containers before sidecars', { ...ready, restarts: 1 }, { ...ready, sidecarRestarts: 9 }],
    ['much younger', { ...ready, ageMinutes: 10 }, ready],
  ])('%s first', (_what, first, second) => {
    const pods = [pod('a-second', second), pod('z-first', first)]
    expect(inRemovalOrder(pods, [], NOW).map(({ metadata }) => metadata.name)).toEqual(['z-first', 'a-second'])
  })

  it('thins out the node with most related Pods', () => {
    const pods = [pod('a', { ...ready, node: 'n1' }), pod('b', { ...ready, node: 'n2' })]
    const sibling = pod('sibling', { ...ready, node: 'n2' })
    expect(inRemovalOrder(pods, [...pods, sibling], NOW)[0]?.metadata.name).toBe('b')
  })

  it('treats ages of one order of magnitude as equal', () => {
    const pods = [pod('a', { ...ready, ageMinutes: 100 }), pod('b', { ...ready, ageMinutes: 101 })]
    expect(inRemovalOrder(pods, [], NOW).map(({ metadata }) => metadata.name)).toEqual(['a', 'b'])
  })

  it('asks for restarts only of Pods that became ready at the same moment', () => {
    const pods = [pod('a', { readyForMinutes: 100 }), pod('b', { readyForMinutes: 101, restarts: 5 })]
    expect(inRemovalOrder(pods, [], NOW).map(({ metadata }) => metadata.name)).toEqual(['a', 'b'])
  })

  it('counts orders of magnitude in nanoseconds', () => {
    // 2^30 ns = 1.0737 s lies between them; 2^10 ms = 1.024 s does not.
    const pods = [pod('a', { readyForMinutes: 1.09 / 60 }), pod('b', { readyForMinutes: 1.05 / 60 })]
    expect(inRemovalOrder(pods, [], NOW).map(({ metadata }) => metadata.name)).toEqual(['b', 'a'])
  })
})
