import { beforeEach, describe, expect, it } from 'vitest'
import { REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { TopologySpreadConstraint } from '#machinery/api/core/v1/types.gen.ts'
import { type TestPluginHandle, testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo, makeSnapshot, type PodOptions } from '#test/support/scheduling.ts'
import type { NodeInfo, PodInfo } from '../../framework/interfaces.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import { PodTopologySpread, type PodTopologySpreadArgs } from './plugin.ts'

const ZONE = 'topology.kubernetes.io/zone'
const HOST = 'kubernetes.io/hostname'
const MISMATCH = "node(s) didn't match pod topology spread constraints"

let handle: TestPluginHandle
beforeEach(() => {
  handle = testPluginHandle()
})

const app = { app: 'a' }
const constraint = (more: Partial<TopologySpreadConstraint> = {}): TopologySpreadConstraint => ({
  maxSkew: 1,
  topologyKey: ZONE,
  whenUnsatisfiable: 'DoNotSchedule',
  labelSelector: { matchLabels: app },
  ...more,
})

const spreading = (...topologySpreadConstraints: TopologySpreadConstraint[]): PodInfo =>
  makePodInfo({ labels: app, spec: { topologySpreadConstraints } })

const pods = (count: number, options: PodOptions = { labels: app }): PodOptions[] =>
  Array.from({ length: count }, () => options)

const zoned = (name: string, zone: string, count: number, spec = {}): NodeInfo =>
  makeNodeInfo({ name, labels: { [ZONE]: zone }, spec }, pods(count))

function filterAll(pod: PodInfo, nodes: NodeInfo[], args: PodTopologySpreadArgs = {}): string {
  const plugin = new PodTopologySpread(args, handle)
  const found = plugin.preFilter(pod, makeSnapshot(nodes as never))
  if (isVerdict(found)) return found.code
  return nodes
    .filter((node) => plugin.filter(found.state, pod, node) === undefined)
    .map(({ name }) => name)
    .join()
}

describe('hard constraints', () => {
  const inZones = (a: number, b: number): NodeInfo[] => [zoned('a', 'za', a), zoned('b', 'zb', b)]
  const CASES: readonly { name: string; pod: PodInfo; nodes: NodeInfo[]; fits: string }[] = [
    { name: 'skip a pod without any', pod: makePodInfo({ labels: app }), nodes: inZones(3, 0), fits: 'Skip' },
    {
      name: 'skip a pod with soft ones',
      pod: spreading(constraint({ whenUnsatisfiable: 'ScheduleAnyway' })),
      nodes: inZones(3, 0),
      fits: 'Skip',
    },
    { name: 'take the emptier zone', pod: spreading(constraint()), nodes: inZones(1, 0), fits: 'b' },
    { name: 'take any zone when even', pod: spreading(constraint()), nodes: inZones(2, 2), fits: 'a,b' },
    { name: 'allow the skew', pod: spreading(constraint({ maxSkew: 2 })), nodes: inZones(1, 0), fits: 'a,b' },
    {
      name: 'do not count the pod itself when its selector does not match it',
      pod: spreading(constraint({ labelSelector: { matchLabels: { app: 'b' } } })),
      nodes: [
        makeNodeInfo({ name: 'a', labels: { [ZONE]: 'za' } }, pods(1, { labels: { app: 'b' } })),
        zoned('b', 'zb', 0),
      ],
      fits: 'a,b',
    },
    {
      name: 'refuse nodes without the label',
      pod: spreading(constraint()),
      nodes: [makeNodeInfo({ name: 'bare' }), zoned('b', 'zb', 0)],
      fits: 'b',
    },
    {
      name: 'need every constraint to hold',
      pod: spreading(constraint(), constraint({ topologyKey: HOST })),
      nodes: [zoned('a1', 'za', 1), zoned('a2', 'za', 0), zoned('b1', 'zb', 1), zoned('b2', 'zb', 1)],
      fits: 'a2',
    },
    {
      name: 'ignore pods on their way out and of other namespaces',
      pod: spreading(constraint()),
      nodes: [
        makeNodeInfo({ name: 'a', labels: { [ZONE]: 'za' } }, [
          {
            labels: app,
            metadata: { name: 'x', namespace: 'default', labels: app, deletionTimestamp: '2026-01-01T00:00:00Z' },
          },
          { labels: app, namespace: 'other' },
        ]),
        zoned('b', 'zb', 0),
      ],
      fits: 'a,b',
    },
    {
      name: 'take the minimum for zero while there are too few domains',
      pod: spreading(constraint({ minDomains: 3 })),
      nodes: inZones(1, 1),
      fits: '',
    },
    {
      name: 'are content with enough domains',
      pod: spreading(constraint({ minDomains: 2 })),
      nodes: inZones(1, 1),
      fits: 'a,b',
    },
    {
      name: 'compare only pods with the same values of matchLabelKeys',
      pod: makePodInfo({
        labels: { ...app, rev: '2' },
        spec: { topologySpreadConstraints: [constraint({ matchLabelKeys: ['rev'] })] },
      }),
      nodes: [
        makeNodeInfo({ name: 'a', labels: { [ZONE]: 'za' } }, pods(3, { labels: { ...app, rev: '1' } })),
        makeNodeInfo({ name: 'b', labels: { [ZONE]: 'zb' } }, pods(1, { labels: { ...app, rev: '2' } })),
      ],
      fits: 'a',
    },
    {
      name: 'leave a key of matchLabelKeys that the selector already names as it was when the pod was made',
      pod: makePodInfo({
        labels: { ...app, rev: '3' },
        spec: {
          topologySpreadConstraints: [
            constraint({
              matchLabelKeys: ['rev'],
              labelSelector: { matchLabels: app, matchExpressions: [{ key: 'rev', operator: 'In', values: ['1'] }] },
            }),
          ],
        },
      }),
      nodes: [
        makeNodeInfo({ name: 'a', labels: { [ZONE]: 'za' } }, pods(3, { labels: { ...app, rev: '1' } })),
        makeNodeInfo({ name: 'b', labels: { [ZONE]: 'zb' } }, pods(1, { labels: { ...app, rev: '3' } })),
      ],
      fits: 'b',
    },
  ]
  it.each(CASES)('$name', ({ pod, nodes, fits }) => {
    expect(filterAll(pod, nodes)).toBe(fits)
  })

  it('say why, and that no preemption helps a node without the label', () => {
    const plugin = new PodTopologySpread({}, handle)
    const nodes = [zoned('a', 'za', 1), zoned('b', 'zb', 0), makeNodeInfo({ name: 'bare' })] as const
    const pod = spreading(constraint())
    const found = plugin.preFilter(pod, makeSnapshot(nodes as never))
    if (isVerdict(found)) throw new Error('skipped')
    expect(plugin.filter(found.state, pod, nodes[0])).toEqual({ code: 'Unschedulable', reasons: [MISMATCH] })
    expect(plugin.filter(found.state, pod, nodes[2])).toEqual({
      code: 'UnschedulableAndUnresolvable',
      reasons: [`${MISMATCH} (missing required label)`],
    })
  })

  describe('count nodes', () => {
    const tainted = { taints: [{ key: 'k', effect: 'NoSchedule' }] }
    const nodes = (): NodeInfo[] => [zoned('a', 'za', 1), zoned('b', 'zb', 1), zoned('c', 'zc', 0, tainted)]
    const selecting = (more: Partial<TopologySpreadConstraint>): PodInfo =>
      makePodInfo({
        labels: app,
        spec: {
          topologySpreadConstraints: [constraint(more)],
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE, operator: 'NotIn', values: ['zc'] }] }],
              },
            },
          },
        },
      })
    it('with taints, unless the policy honors them', () => {
      expect(filterAll(spreading(constraint()), nodes())).toBe('c')
      expect(filterAll(spreading(constraint({ nodeTaintsPolicy: 'Honor' })), nodes())).toBe('a,b,c')
    })
    it('that the pod selects, unless the policy ignores that', () => {
      expect(filterAll(selecting({}), nodes())).toBe('a,b,c')
      expect(filterAll(selecting({ nodeAffinityPolicy: 'Ignore' }), nodes())).toBe('c')
    })
  })

  it('follow pods that come and go in a what-if, without touching the state', () => {
    const plugin = new PodTopologySpread({}, handle)
    const nodes = [zoned('a', 'za', 1), zoned('b', 'zb', 0)] as const
    const pod = spreading(constraint())
    const found = plugin.preFilter(pod, makeSnapshot(nodes as never))
    if (isVerdict(found)) throw new Error('skipped')
    const [victim] = nodes[0].pods.values()
    const copy = plugin.cloneState(found.state)
    plugin.removePod(copy, pod, victim as PodInfo, nodes[0])
    expect(plugin.filter(copy, pod, nodes[0])).toBeUndefined()
    expect(plugin.filter(found.state, pod, nodes[0])).toBeDefined()
    plugin.addPod(copy, pod, victim as PodInfo, nodes[0])
    expect(plugin.filter(copy, pod, nodes[0])).toBeDefined()
  })
})

function scores(pod: PodInfo, nodes: NodeInfo[], all = nodes, args: PodTopologySpreadArgs = {}): number[] | string {
  const plugin = new PodTopologySpread(args, handle)
  const found = plugin.preScore(pod, nodes, makeSnapshot(all as never))
  if (isVerdict(found)) return found.code
  const values = Float64Array.from(nodes, (node) => plugin.score(found.state, pod, node))
  plugin.normalize(found.state, pod, values, nodes)
  return [...values]
}

describe('soft constraints', () => {
  const soft = (more: Partial<TopologySpreadConstraint> = {}) =>
    constraint({ whenUnsatisfiable: 'ScheduleAnyway', ...more })
  const hosts = (...counts: number[]): NodeInfo[] =>
    counts.map((count, i) => makeNodeInfo({ name: `n${i}`, labels: { [ZONE]: `z${i % 2}` } }, pods(count)))

  it('give all nodes 100 when nothing matches', () => {
    expect(scores(spreading(soft({ topologyKey: HOST })), hosts(0, 0))).toEqual([100, 100])
  })
  // ln(4+2)*count rounds to 4, 2, 0, 5: the numbers of upstream's own case.
  it('prefer hosts with few matching pods', () => {
    expect(scores(spreading(soft({ topologyKey: HOST })), hosts(2, 1, 0, 3))).toEqual([20, 60, 100, 0])
  })
  it('count zones as a whole, on nodes that were filtered out as well', () => {
    const all = hosts(1, 0, 3, 0)
    expect(scores(spreading(soft()), all.slice(0, 2), all)).toEqual([0, 100])
  })
  it('give 0 to nodes that lack a key', () => {
    expect(scores(spreading(soft()), [makeNodeInfo({ name: 'bare' }), ...hosts(1)])).toEqual([0, 100])
  })
  it('skip a pod that nothing groups', () => {
    expect(scores(makePodInfo({ labels: app }), hosts(1, 0))).toBe('Skip')
  })
})

describe('default constraints', () => {
  const namespace = 'default'
  const owned = (): PodInfo =>
    makePodInfo({
      labels: app,
      metadata: {
        name: 'p',
        namespace,
        labels: app,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }],
      },
    })
  // ln(2 + 2) * 2 + 2 rounds to 5, ln(2 + 2) * 0 + 2 to 2; of 5 and 2 come 40 and 100.
  const nodes = (): NodeInfo[] => [makeNodeInfo({ name: 'a' }, pods(2)), makeNodeInfo({ name: 'b' })]

  it('spread the pods of a Service over hosts, where nodes have no zone', () => {
    handle.put(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', namespace },
      spec: { selector: app },
    })
    expect(scores(makePodInfo({ labels: app }), nodes())).toEqual([40, 100])
    expect(scores(makePodInfo({ labels: { app: 'other' } }), nodes())).toBe('Skip')
  })
  it('spread the pods of a ReplicaSet', () => {
    const selector = { matchLabels: app }
    handle.put(REPLICA_SETS, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'r', namespace },
      spec: { selector },
    })
    expect(scores(owned(), nodes())).toEqual([40, 100])
  })
  it('come from the configuration when it has a list', () => {
    handle.put(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', namespace },
      spec: { selector: app },
    })
    const defaultConstraints = [{ maxSkew: 1, topologyKey: HOST, whenUnsatisfiable: 'DoNotSchedule' }]
    const args = { defaultingType: 'List', defaultConstraints } as const
    expect(filterAll(makePodInfo({ labels: app }), nodes(), args)).toBe('b')
    expect(scores(makePodInfo({ labels: app }), nodes(), nodes(), args)).toBe('Skip')
  })
})
