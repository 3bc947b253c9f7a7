/** Which updates of nodes and Pods scheduling cares for, and how they are called. */
import { describe, expect, it } from 'vitest'
import { makeNode, makePod, type NodeOptions, type PodOptions } from '#test/support/scheduling.ts'
import { nodeUpdateKinds, podUpdateKinds } from './update-kinds.ts'

const condition = (status: string, lastHeartbeatTime = '1') => ({
  status: { conditions: [{ type: 'Ready', status, lastHeartbeatTime }] },
})
const cordon = (unschedulable: boolean): NodeOptions => ({ spec: { unschedulable } })

describe('nodeUpdateKinds', () => {
  it.each<[string, NodeOptions, NodeOptions, readonly string[]]>([
    ['nothing', {}, {}, []],
    ['a heartbeat', condition('True'), condition('True', '2'), []],
    ['a condition', condition('False'), condition('True'), ['UpdateNodeCondition']],
    ['allocatable', { allocatable: { cpu: '1' } }, { allocatable: { cpu: '2' } }, ['UpdateNodeAllocatable']],
    ['a taint', {}, { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }, ['UpdateNodeTaint']],
    ['uncordoned', cordon(true), cordon(false), ['UpdateNodeTaint']],
    ['a feature', {}, { status: { declaredFeatures: ['F'] } }, ['UpdateNodeDeclaredFeature']],
    ['cordoned', cordon(false), cordon(true), []],
    [
      'several at once',
      {},
      { labels: { a: 'b' }, allocatable: { cpu: '9' } },
      ['UpdateNodeAllocatable', 'UpdateNodeLabel'],
    ],
  ])('%s', (_name, old, now, expected) => {
    const name = 'node'
    expect(nodeUpdateKinds(makeNode({ name, ...old }), makeNode({ name, ...now }))).toEqual(expected)
  })
})

describe('podUpdateKinds', () => {
  const gated: PodOptions = { spec: { schedulingGates: [{ name: 'a' }, { name: 'b' }] } }
  const toleration = { key: 'k', operator: 'Exists' }
  const claim = (resourceClaimName: string) => ({
    status: { resourceClaimStatuses: [{ name: 'c', resourceClaimName }] },
  })

  it.each<[string, PodOptions, PodOptions, readonly string[]]>([
    ['only its status', {}, { status: { phase: 'Running' } }, []],
    ['labels', { labels: { a: '1' } }, { labels: { a: '2' } }, ['UpdatePodLabel']],
    ['fewer requests', { requests: { cpu: '2' } }, { requests: { cpu: '1' } }, ['UpdatePodScaleDown']],
    ['a request that is gone', { requests: { 'a.b/c': '1' } }, {}, ['UpdatePodScaleDown']],
    ['more requests', { requests: { cpu: '1' } }, { requests: { cpu: '2', memory: '1' } }, []],
    ['one of two gates', gated, { spec: { schedulingGates: [{ name: 'b' }] } }, []],
    ['all gates', gated, {}, ['UpdatePodSchedulingGatesEliminated']],
    ['a toleration', {}, { spec: { tolerations: [toleration] } }, ['UpdatePodToleration']],
    ['a claim made for it', {}, claim('x'), ['UpdatePodGeneratedResourceClaim']],
    ['the same claim', claim('x'), claim('x'), []],
  ])('%s', (_name, old, now, expected) => {
    expect(podUpdateKinds(makePod(old), makePod(now), false)).toEqual(expected)
  })

  it('does not compare requests that cannot differ', () => {
    const [large, small] = [makePod({ requests: { cpu: '2' } }), makePod({ requests: { cpu: '1' } })]
    expect(podUpdateKinds(large, small, true)).toEqual([])
  })
})
