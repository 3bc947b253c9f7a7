import { describe, expect, it } from 'vitest'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { deepFreeze } from '#machinery/util/json.ts'
import type { DaemonSetView } from './node-rules.ts'
import { nodeRulesOf } from './node-rules.ts'
import type { Daemons } from './placement.ts'
import { planPlacement, podsByNodeOf } from './placement.ts'
import { planRollingStep } from './rolling-update.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')

/** Of one node, one letter per Pod: o(ld), n(ew); a capital: ready. A `-` after it: being deleted; `x` before it: failed. */
type NodePods = string

interface World {
  readonly surge?: number | string
  readonly unavailable?: number | string
  readonly minReadySeconds?: number
  /** Seconds for which ready Pods have been ready. */
  readonly readyFor?: number
  readonly nodes: readonly NodePods[]
  /** Nodes with a taint that keeps new Pods away. */
  readonly tainted?: readonly number[]
}

function worldOf({
  surge = 0,
  unavailable = 0,
  minReadySeconds = 0,
  readyFor = 60,
  nodes,
  tainted = [],
}: World): Daemons {
  const daemonSet: DaemonSetView = deepFreeze({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'd' },
    spec: {
      template: { spec: { containers: [] } },
      minReadySeconds,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
    },
  } as never)
  const taints = [{ key: 'k', effect: 'NoSchedule' }]
  return {
    daemonSet,
    rules: nodeRulesOf(daemonSet, false),
    nodes: nodes.map(
      (_pods, i): Node => ({
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: `n${i}` },
        spec: tainted.includes(i) ? { taints } : {},
      }),
    ),
    podsByNode: podsByNodeOf(nodes.flatMap((pods, i) => podsOf(pods, `n${i}`, readyFor))),
    hash: 'n',
    nowMs: NOW,
  }
}

function podsOf(text: string, nodeName: string, readyFor: number): Pod[] {
  const lastTransitionTime = new Date(NOW - readyFor * 1_000).toISOString()
  return [...text.matchAll(/(x?)([on])(-?)/gi)].map(([, failed, letter = '', going], i) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${nodeName}-${i}${letter}`,
      creationTimestamp: `2026-01-01T00:00:0${i}Z`,
      labels: { 'controller-revision-hash': letter.toLowerCase() },
      ...(going === '-' ? { deletionTimestamp: '2026-01-01T00:09:00Z' } : {}),
    },
    spec: { containers: [], nodeName },
    status: {
      phase: failed === 'x' ? 'Failed' : 'Running',
      conditions: [{ type: 'Ready', status: letter === letter.toUpperCase() ? 'True' : 'False', lastTransitionTime }],
    },
  }))
}

const names = (pods: readonly { readonly metadata: { readonly name?: string } }[]) =>
  pods.map(({ metadata }) => metadata.name)

describe('a step of a rolling update', () => {
  it.each<[string, World, { create?: string[]; remove?: string[] }]>([
    ['takes as many as may be missing', { unavailable: 2, nodes: ['O', 'O', 'O'] }, { remove: ['n0-0O', 'n1-0O'] }],
    ['counts new ones that are not ready', { unavailable: 2, nodes: ['n', 'O', 'O'] }, { remove: ['n1-0O'] }],
    ['counts those that are going', { unavailable: 2, nodes: ['O', 'O-', 'O'] }, { remove: ['n0-0O'] }],
    [
      'takes all that do not work, however many',
      { unavailable: 1, nodes: ['o', 'o', 'O'] },
      { remove: ['n0-0o', 'n1-0o'] },
    ],
    [
      'beyond them only what is left',
      { unavailable: 3, nodes: ['O', 'o', 'o', 'O'] },
      { remove: ['n1-0o', 'n2-0o', 'n0-0O'] },
    ],
    ['waits for minReadySeconds', { unavailable: 1, minReadySeconds: 90, nodes: ['N', 'O'] }, { remove: ['n1-0O'] }],
    ['rounds percentages up', { unavailable: '50%', nodes: ['O', 'O', 'O'] }, { remove: ['n0-0O', 'n1-0O'] }],
    ['takes one where nothing may be missing nor surge', { nodes: ['O', 'O'] }, { remove: ['n0-0O'] }],
    [
      'leaves a node with several Pods to the placement',
      { unavailable: 2, nodes: ['OO', 'O', 'O'] },
      { remove: ['n1-0O'] },
    ],
    ['surges where old ones work', { surge: 2, nodes: ['O', 'O', 'O'] }, { create: ['n0', 'n1'] }],
    ['surges at once where they do not', { surge: 1, nodes: ['o', 'o', 'O'] }, { create: ['n0', 'n1', 'n2'] }],
    ['waits for a new one', { surge: 1, nodes: ['On', 'O'] }, {}],
    [
      'takes the old one when the new one works',
      { surge: 1, nodes: ['ON', 'O'] },
      { remove: ['n0-0O'], create: ['n1'] },
    ],
    ['surges by percent', { surge: '50%', nodes: ['O', 'O'] }, { create: ['n0'] }],
    ['keeps what works off the nodes while others do not', { surge: 1, nodes: ['O', 'n'], tainted: [0] }, {}],
    ['takes it when enough others work', { surge: 1, nodes: ['O', 'N'], tainted: [0] }, { remove: ['n0-0O'] }],
    ['takes what does not work there at once', { surge: 1, nodes: ['o', 'n'], tainted: [0] }, { remove: ['n0-0o'] }],
    ['is nothing when all are new', { unavailable: 1, nodes: ['N', 'n'] }, {}],
  ])('%s', (_what, world, { create = [], remove = [] }) => {
    const step = planRollingStep(worldOf(world))
    expect({ create: step.create, remove: names(step.remove) }).toEqual({ create, remove })
  })
})

it('takes a Pod of the current generation for an updated one, whatever its hash', () => {
  const world = worldOf({ unavailable: 1, nodes: ['O'] })
  const generation = (value: string) => ({
    ...world,
    daemonSet: {
      ...world.daemonSet,
      metadata: { name: 'd', annotations: { 'deprecated.daemonset.template.generation': value } },
    },
    podsByNode: podsByNodeOf(
      podsOf('O', 'n0', 60).map((pod) => ({
        ...pod,
        metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, 'pod-template-generation': '3' } },
      })),
    ),
  })
  expect(names(planRollingStep(generation('3')).remove)).toEqual([])
  expect(names(planRollingStep(generation('4')).remove)).toEqual(['n0-0O'])
})

describe('the placement', () => {
  it.each<[string, World, { create?: string[]; remove?: string[]; failed?: string[] }]>([
    ['makes a Pod where none is', { nodes: ['', 'O'] }, { create: ['n0'] }],
    ['makes none beside one that is going', { nodes: ['O-'] }, {}],
    ['makes one beside it when it may surge', { surge: 1, nodes: ['O-'] }, { create: ['n0'] }],
    ['keeps the oldest of several', { nodes: ['OON'] }, { remove: ['n0-1O', 'n0-2N'] }],
    ['reports failed ones, and makes none beside them', { nodes: ['xo'] }, { failed: ['n0-0o'] }],
    ['keeps a working old one beside a new one that does not work yet', { surge: 1, nodes: ['On'] }, {}],
    ['drops an old one that does not work', { surge: 1, nodes: ['on'] }, { remove: ['n0-0o'] }],
    ['drops the old one when the new one works', { surge: 1, nodes: ['ON'] }, { remove: ['n0-0O'] }],
    ['not before its time', { surge: 1, minReadySeconds: 90, nodes: ['ON'] }, {}],
    ['leaves Pods on a tainted node, and makes none', { nodes: ['O', ''], tainted: [0, 1] }, {}],
  ])('%s', (_what, world, { create = [], remove = [], failed = [] }) => {
    const placement = planPlacement(worldOf(world))
    expect(placement.create).toEqual(create)
    expect(names(placement.remove)).toEqual(remove)
    expect(names(placement.failed)).toEqual(failed)
  })
})
