import { describe, expect, it } from 'vitest'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { endingOf, isOutOfService, isUnscheduledTerminating, surplusTerminated } from './garbage.ts'

const pod = (
  name: string,
  fields: { phase?: string; reason?: string; day?: number; node?: string; isGoing?: boolean },
): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    creationTimestamp: `2026-01-0${fields.day ?? 1}T00:00:00Z`,
    ...(fields.isGoing === true ? { deletionTimestamp: '2026-02-01T00:00:00Z' } : {}),
  },
  spec: { containers: [], ...(fields.node === undefined ? {} : { nodeName: fields.node }) },
  status: { phase: fields.phase ?? 'Running', ...(fields.reason === undefined ? {} : { reason: fields.reason }) },
})
const node = (ready: string, taint?: string): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n' },
  spec: taint === undefined ? {} : { taints: [{ key: taint, effect: 'NoExecute' }] },
  status: { conditions: [{ type: 'Ready', status: ready }] },
})

describe('endingOf', () => {
  it.each<[string, Pod, readonly string[]]>([
    ['runs', pod('p', { phase: 'Running' }), []],
    ['waits', pod('p', { phase: 'Pending' }), []],
    ['is lost', pod('p', { phase: 'Unknown' }), []],
    ['succeeded', pod('p', { phase: 'Succeeded' }), ['ended']],
    ['failed', pod('p', { phase: 'Failed' }), ['ended']],
    ['is being deleted', pod('p', { phase: 'Pending', isGoing: true }), ['deleted']],
    ['failed and is being deleted', pod('p', { phase: 'Failed', isGoing: true }), ['ended', 'deleted']],
  ])('a Pod that %s', (_name, of, expected) => {
    expect(endingOf(of)).toEqual(expected)
  })
})

describe('surplusTerminated', () => {
  const ended = [
    pod('c', { phase: 'Succeeded', day: 2 }),
    pod('b', { phase: 'Failed', day: 2 }),
    pod('old', { phase: 'Succeeded', day: 1 }),
    pod('evicted', { phase: 'Failed', reason: 'Evicted', day: 9 }),
  ]
  it.each([
    [0, []],
    [-1, []],
    [4, []],
    [3, ['evicted']],
    [1, ['evicted', 'old', 'b']],
  ])('of four finished Pods %i are kept', (threshold, expected) => {
    expect(surplusTerminated(ended, threshold).map(({ metadata }) => metadata.name)).toEqual(expected)
  })
})

describe('isOutOfService', () => {
  const OUT = 'node.kubernetes.io/out-of-service'
  it.each<[string, Pod, Node | undefined, boolean]>([
    ['being deleted on a lost node', pod('p', { isGoing: true }), node('Unknown', OUT), true],
    ['not being deleted', pod('p', {}), node('Unknown', OUT), false],
    ['the node is ready', pod('p', { isGoing: true }), node('True', OUT), false],
    ['the node is not declared so', pod('p', { isGoing: true }), node('Unknown', 'other'), false],
    ['the node is gone', pod('p', { isGoing: true }), undefined, false],
  ])('%s', (_what, subject, where, expected) => {
    expect(isOutOfService(subject, where)).toBe(expected)
  })
})

describe('isUnscheduledTerminating', () => {
  it.each([
    [pod('p', { isGoing: true }), true],
    [pod('p', { isGoing: true, node: 'n' }), false],
    [pod('p', {}), false],
  ])('case %#', (subject, expected) => {
    expect(isUnscheduledTerminating(subject)).toBe(expected)
  })
})
