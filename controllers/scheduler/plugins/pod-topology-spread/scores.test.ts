/** What nodes score by spread, number by number. Upstream: plugins/podtopologyspread/scoring_test.go (v1.36). */
import { describe, expect, it } from 'vitest'
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { PodSpec, TopologySpreadConstraint } from '#machinery/api/core/v1/types.gen.ts'
import { testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo, makeSnapshot, type PodOptions } from '#test/support/scheduling.ts'
import type { NodeInfo } from '../../framework/interfaces.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import { PodTopologySpread } from './plugin.ts'

const HOST = 'kubernetes.io/hostname'

const labelled = (...names: string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, '']))
const soft = (topologyKey: string, ...matched: string[]): TopologySpreadConstraint => ({
  maxSkew: 1,
  topologyKey,
  whenUnsatisfiable: 'ScheduleAnyway',
  labelSelector: { matchLabels: labelled(...matched) },
})
const foo = (topologyKey: string): TopologySpreadConstraint => soft(topologyKey, 'foo')
const bar = (topologyKey: string): TopologySpreadConstraint => soft(topologyKey, 'bar')

/** A Pod of each kind: `'foo'`, or `'foo bar'` for one with both labels. */
const pods = (...kinds: string[]): PodOptions[] => kinds.map((kind) => ({ labels: labelled(...kind.split(' ')) }))
const many = (count: number): PodOptions[] => pods(...Array.from({ length: count }, () => 'foo'))

/** In a zone: 'z1/a' is node a of zone z1. */
function place(path: string, on: PodOptions[], extra: Record<string, string> = {}, spec = {}): NodeInfo {
  const [zone, name = zone] = path.split('/') as [string, string?]
  return makeNodeInfo({ name, labels: { ...(name === zone ? {} : { zone }), node: name, ...extra }, spec }, on)
}
const hosts = (...counts: number[]): NodeInfo[] => counts.map((count, i) => place(`n${i}`, many(count)))

interface Case {
  readonly constraints: readonly TopologySpreadConstraint[]
  readonly labels?: readonly string[]
  readonly spec?: Partial<PodSpec>
  readonly nodes: readonly NodeInfo[]
  /** Nodes that some filter refused. */
  readonly refused?: readonly NodeInfo[]
  readonly want: readonly number[]
}

const tainted = { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }
const nodeAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'foo', operator: 'In', values: [''] }] }],
  },
}
const chosen = (): NodeInfo[] => [
  place('a', many(2), labelled('foo')),
  place('b', many(1), labelled('foo')),
  place('c', many(1)),
]
const soiled = (): NodeInfo[] => [place('a', many(2)), place('b', many(1)), place('c', many(1), {}, tainted)]
const keyed = (c: TopologySpreadConstraint, ...matchLabelKeys: string[]) => ({ ...c, matchLabelKeys })
const mixed = (): NodeInfo[] => [
  place('z1/a', pods('foo')),
  place('z1/b', pods('foo bar')),
  place('z2/c', pods('foo', 'bar')),
  place('z2/d', []),
]

const CASES: Readonly<Record<string, Case>> = {
  'no Pods': { constraints: [foo(HOST)], nodes: hosts(0, 0), want: [100, 100] },
  'one candidate': { constraints: [foo(HOST)], nodes: hosts(2), refused: [place('b', many(1))], want: [100] },
  'as many everywhere': { constraints: [foo(HOST)], nodes: hosts(1, 1), want: [100, 100] },
  'four nodes': { constraints: [foo(HOST)], nodes: hosts(2, 1, 0, 3), want: [20, 60, 100, 0] },
  'no selector': {
    constraints: [{ maxSkew: 1, topologyKey: HOST, whenUnsatisfiable: 'ScheduleAnyway' }],
    nodes: hosts(2, 1, 0, 3),
    want: [100, 100, 100, 100],
  },
  'a skew of 2': { constraints: [{ ...foo(HOST), maxSkew: 2 }], nodes: hosts(2, 1, 0, 3), want: [33, 66, 100, 16] },
  'a skew of 3': { constraints: [{ ...foo(HOST), maxSkew: 3 }], nodes: hosts(4, 3, 2, 1), want: [44, 66, 77, 100] },
  'three candidates of four': {
    constraints: [foo(HOST)],
    nodes: hosts(4, 2, 1),
    refused: [place('y', many(3))],
    want: [33, 83, 100],
  },
  'a candidate without the key': {
    constraints: [foo('node')],
    nodes: [place('a', many(4)), makeNodeInfo({ name: 'b', labels: { n: 'b' } }, many(2)), place('x', many(1))],
    refused: [place('y', many(3))],
    want: [16, 0, 100],
  },
  zones: {
    constraints: [foo('zone')],
    nodes: [place('z1/a', many(4)), place('z1/b', many(2)), place('z2/x', many(1))],
    refused: [place('z2/y', many(3))],
    want: [75, 75, 100],
  },
  'zones and nodes': {
    constraints: [foo('zone'), foo(HOST)],
    nodes: [place('z1/a', many(2)), place('z2/x', many(2))],
    refused: [place('z1/b', many(1)), place('z2/y', many(4))],
    want: [100, 63],
  },
  'zones twice': {
    constraints: [foo('zone'), bar('zone')],
    labels: ['foo', 'bar'],
    nodes: [place('z1/a', pods('foo bar', 'foo')), place('z2/x', [])],
    refused: [place('z1/b', pods('foo bar')), place('z2/y', pods('foo', 'foo bar', 'foo'))],
    want: [85, 100],
  },
  'different selectors': {
    constraints: [foo('zone'), bar(HOST)],
    labels: ['foo', 'bar'],
    nodes: [
      place('z1/a', pods('foo')),
      place('z1/b', pods('foo bar')),
      place('z2/x', []),
      place('z2/y', pods('foo', 'bar')),
    ],
    want: [60, 20, 100, 60],
  },
  'different selectors, nothing in places': {
    constraints: [foo('zone'), bar(HOST)],
    labels: ['foo', 'bar'],
    nodes: [place('z1/a', []), place('z1/b', pods('bar')), place('z2/x', pods('foo')), place('z2/y', pods('foo bar'))],
    want: [100, 60, 40, 0],
  },
  'different selectors, three candidates of four': {
    constraints: [foo('zone'), bar(HOST)],
    labels: ['foo', 'bar'],
    nodes: [place('z1/a', pods('foo')), place('z1/b', pods('foo bar')), place('z2/x', [])],
    refused: [place('z2/y', pods('foo', 'bar'))],
    want: [50, 25, 100],
  },
  'Pods of another namespace': {
    constraints: [foo(HOST)],
    nodes: [place('a', [{ labels: labelled('foo'), namespace: 'ns1' }, ...many(1)]), place('b', many(2))],
    want: [100, 33],
  },
  'Pods on their way out': {
    constraints: [foo(HOST)],
    nodes: [
      place('a', [{ labels: labelled('foo'), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }]),
      place('b', many(1)),
    ],
    want: [100, 0],
  },
  'minDomains, which says nothing here': {
    constraints: [{ ...foo('node'), maxSkew: 2, minDomains: 10 }],
    nodes: hosts(2, 2, 1),
    want: [75, 75, 100],
  },
  'a node selector': {
    constraints: [foo('node')],
    spec: { nodeSelector: labelled('foo') },
    nodes: chosen(),
    want: [0, 33, 100],
  },
  'a node selector, ignored': {
    constraints: [{ ...foo('node'), nodeAffinityPolicy: 'Ignore' }],
    spec: { nodeSelector: labelled('foo') },
    nodes: chosen(),
    want: [66, 100, 100],
  },
  'node affinity': {
    constraints: [foo('node')],
    spec: { affinity: { nodeAffinity } },
    nodes: chosen(),
    want: [0, 33, 100],
  },
  'node affinity, ignored': {
    constraints: [{ ...foo('node'), nodeAffinityPolicy: 'Ignore' }],
    spec: { affinity: { nodeAffinity } },
    nodes: chosen(),
    want: [66, 100, 100],
  },
  'taints, honored': {
    constraints: [{ ...foo('node'), nodeTaintsPolicy: 'Honor' }],
    nodes: soiled(),
    want: [0, 33, 100],
  },
  taints: { constraints: [foo('node')], nodes: soiled(), want: [66, 100, 100] },
  'matchLabelKeys alone': {
    constraints: [keyed(soft('zone'), 'foo'), keyed(soft(HOST), 'bar')],
    labels: ['foo', 'bar'],
    nodes: mixed(),
    want: [60, 20, 60, 100],
  },
  'matchLabelKeys and a selector': {
    constraints: [foo('zone'), keyed(bar(HOST), 'baz')],
    labels: ['foo', 'bar', 'baz'],
    nodes: [
      place('z1/a', pods('foo')),
      place('z1/b', pods('foo bar baz')),
      place('z2/c', pods('foo', 'bar', 'bar baz')),
      place('z2/d', []),
    ],
    want: [60, 20, 60, 100],
  },
}

function scores(options: PodOptions, nodes: readonly NodeInfo[], refused: readonly NodeInfo[] = []): unknown {
  const handle = testPluginHandle()
  const metadata = { name: 's', namespace: 'default' }
  handle.put(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labelled('foo') } })
  const plugin = new PodTopologySpread({}, handle)
  const pod = makePodInfo(options)
  const found = plugin.preScore(pod, nodes, makeSnapshot([...nodes, ...refused] as never))
  if (isVerdict(found)) return found.code
  const values = Float64Array.from(nodes, (node) => plugin.score(found.state, pod, node))
  plugin.normalize(found.state, pod, values, nodes)
  return [...values]
}

describe('scores', () => {
  it.each(Object.entries(CASES))('%s', (_name, { constraints, labels = ['foo'], spec, nodes, refused, want }) => {
    const options = { labels: labelled(...labels), spec: { ...spec, topologySpreadConstraints: [...constraints] } }
    expect(scores(options, nodes, refused)).toEqual(want)
  })

  it('by default constraints, nodes without zones', () => {
    expect(scores({ labels: labelled('foo') }, hosts(4, 3, 2, 1))).toEqual([44, 66, 77, 100])
  })
})
