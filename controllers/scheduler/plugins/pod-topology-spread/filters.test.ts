/**
 * Which nodes hard constraints allow, case by case.
 * Upstream: plugins/podtopologyspread/filtering_test.go TestSingleConstraint, TestMultipleConstraints (v1.36).
 */
import { describe, expect, it } from 'vitest'
import type { PodSpec, TopologySpreadConstraint } from '#machinery/api/core/v1/types.gen.ts'
import { testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo, makeSnapshot, type PodOptions } from '#test/support/scheduling.ts'
import type { MutableNodeInfo } from '../../framework/interfaces.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import { PodTopologySpread } from './plugin.ts'

const labelled = (...names: string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, '']))
const hard = (topologyKey: string, matched: string, more = {}): TopologySpreadConstraint => ({
  maxSkew: 1,
  topologyKey,
  whenUnsatisfiable: 'DoNotSchedule',
  labelSelector: { matchLabels: labelled(matched) },
  ...more,
})
const foo = (topologyKey: string, more = {}): TopologySpreadConstraint => hard(topologyKey, 'foo', more)
const bar = (topologyKey: string, more = {}): TopologySpreadConstraint => hard(topologyKey, 'bar', more)

/** `'foo'`, or `'foo bar'` for one with both labels. */
const pods = (...kinds: string[]): PodOptions[] => kinds.map((kind) => ({ labels: labelled(...kind.split(' ')) }))
const many = (count: number): PodOptions[] => pods(...Array.from({ length: count }, () => 'foo'))

function node(name: string, zone: string, on: PodOptions[], extra: Record<string, string> = {}, spec = {}) {
  return makeNodeInfo({ name, labels: { node: name, ...(zone === '' ? {} : { zone }), ...extra }, spec }, on)
}
/** Nodes a and b in one zone, x and y in another. */
const four = (a: PodOptions[], b: PodOptions[], x: PodOptions[], y: PodOptions[]): MutableNodeInfo[] => [
  node('a', 'z1', a),
  node('b', 'z1', b),
  node('x', 'z2', x),
  node('y', 'z2', y),
]
const counts = (a: number, b: number, x: number, y: number) => four(many(a), many(b), many(x), many(y))
const three = (): MutableNodeInfo[] => [node('a', '', many(2)), node('b', '', many(2)), node('c', '', many(1))]

const FOO = labelled('foo')
const ignoring = { nodeAffinityPolicy: 'Ignore' }
const honoring = { nodeTaintsPolicy: 'Honor' }
const TAINTED = { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }
/** Only y is not what the Pod selects. */
const chosen = (): MutableNodeInfo[] => [
  node('a', 'z1', many(1), FOO),
  node('b', 'z1', many(1), FOO),
  node('x', 'z2', [], FOO),
  node('y', 'z2', many(1)),
]
/** Only y has a taint. */
const soiled = (): MutableNodeInfo[] => [...chosen().slice(0, 3), node('y', 'z2', many(1), {}, TAINTED)]
/** b is not selected, and y has a taint. */
const both = (): MutableNodeInfo[] => [
  node('a', 'z1', many(1), FOO),
  node('b', 'z1', many(1)),
  node('x', 'z2', [], FOO),
  node('y', 'z2', many(1), FOO, TAINTED),
]
const selecting: Partial<PodSpec> = { nodeSelector: FOO }
const nodeTerms = (key: string, operator: string, ...values: string[]): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
      },
    },
  },
})
const leaving: PodOptions = { labels: FOO, metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }

/** Of every node: `+` it fits, `-` Unschedulable, `!` UnschedulableAndUnresolvable. */
function answers(options: PodOptions, nodes: readonly MutableNodeInfo[]): string {
  const plugin = new PodTopologySpread({}, testPluginHandle())
  const pod = makePodInfo(options)
  const found = plugin.preFilter(pod, makeSnapshot(nodes))
  if (isVerdict(found)) return found.code
  const codes = nodes.map((info) => plugin.filter(found.state, pod, info)?.code)
  return codes.map((code) => (code === undefined ? '+' : code === 'Unschedulable' ? '-' : '!')).join('')
}

type Row = [
  name: string,
  constraints: readonly TopologySpreadConstraint[],
  nodes: readonly MutableNodeInfo[],
  want: string,
  labels?: readonly string[],
  spec?: Partial<PodSpec>,
]

describe('one constraint', () => {
  it.each<Row>([
    ['no Pods', [foo('zone')], counts(0, 0, 0, 0), '++++'],
    ['no Pods, and it does not match itself', [bar('zone')], counts(0, 0, 0, 0), '++++'],
    [
      'Pods of other namespaces',
      [foo('zone')],
      four(
        ['ns1', 'ns2'].map((namespace) => ({ labels: FOO, namespace })),
        [],
        many(1),
        many(1),
      ),
      '++--',
    ],
    [
      'no selector',
      [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
      counts(0, 0, 1, 1),
      '++++',
    ],
    ['zones as 3/3', [foo('zone')], counts(2, 1, 0, 3), '++++'],
    [
      'zones as 1/2, a node without zone',
      [foo('zone')],
      [node('a', 'z1', many(1)), node('b', '', many(1)), node('x', 'z2', many(1)), node('y', 'z2', many(1))],
      '+!--',
    ],
    ['no node has the key', [foo('rack')], [node('a', 'z1', []), node('x', 'z2', [])], '!!'],
    ['nodes as 2/1/0/3', [foo('node')], counts(2, 1, 0, 3), '--+-'],
    ['nodes as 2/1/0/3, a skew of 2', [foo('node', { maxSkew: 2 })], counts(2, 1, 0, 3), '-++-'],
    ['nodes as 2/1/0/3, not matching itself', [foo('node')], counts(2, 1, 0, 3), '-++-', ['bar']],
    ['two nodes chosen', [foo('node')], counts(2, 1, 0, 3), '+++-', ['foo'], nodeTerms('node', 'In', 'a', 'y')],
    ['a Pod on its way out', [foo('node')], [node('a', '', [leaving]), node('b', '', many(1))], '+-'],
    ['one node not chosen', [foo('zone')], counts(0, 2, 0, 1), '++--', ['foo'], nodeTerms('node', 'NotIn', 'b')],
    ['fewer domains than minDomains', [foo('node', { maxSkew: 2, minDomains: 4 })], three(), '--+'],
    ['more domains than minDomains', [foo('node', { maxSkew: 2, minDomains: 2 })], three(), '+++'],
    ['fewer zones than minDomains', [foo('zone', { maxSkew: 2, minDomains: 3 })], counts(1, 1, 0, 1), '--++'],
    ['more zones than minDomains', [foo('zone', { maxSkew: 2, minDomains: 1 })], counts(1, 1, 0, 1), '++++'],
    ['a node selector', [foo('node')], chosen(), '--++', ['foo'], selecting],
    ['a node selector, ignored', [foo('node', ignoring)], chosen(), '--+-', ['foo'], selecting],
    ['node affinity', [foo('node')], chosen(), '--++', ['foo'], nodeTerms('foo', 'In', '')],
    ['node affinity, ignored', [foo('node', ignoring)], chosen(), '--+-', ['foo'], nodeTerms('foo', 'In', '')],
    ['taints, honored', [foo('node', honoring)], soiled(), '--++'],
    ['taints', [foo('node')], soiled(), '--+-'],
  ])('%s', (_name, constraints, nodes, want, labels = ['foo'], spec = {}) => {
    const options = { labels: labelled(...labels), spec: { ...spec, topologySpreadConstraints: [...constraints] } }
    expect(answers(options, nodes)).toBe(want)
  })
})

describe('two constraints', () => {
  const twice = ['foo', 'bar']
  it.each<Row>([
    ['3/3 and 2/1/0/3', [foo('zone'), foo('node')], counts(2, 1, 0, 3), '--+-'],
    ['3/4 and 2/1/0/4', [foo('zone'), foo('node')], counts(2, 1, 0, 4), '----'],
    ['1/0 and 1/0/0/1', [foo('zone'), bar('node')], four(many(1), [], [], pods('bar')), '--+-', twice],
    ['1/0 and 0/0/1/1', [foo('zone'), bar('node')], four(many(1), [], pods('bar'), pods('bar')), '----', twice],
    [
      '2/3 and 1/0/0/1',
      [foo('zone'), bar('node')],
      four(pods('foo', 'foo bar'), [], [], pods('foo', 'foo bar', 'foo')),
      '-+--',
      twice,
    ],
    [
      'one that does not match itself',
      [foo('zone'), bar('node')],
      four(many(1), [], pods('bar'), pods('bar')),
      '++--',
      ['bar'],
    ],
    [
      'a node without the key',
      [foo('zone'), foo('node')],
      [
        node('a', 'z1', many(1)),
        node('b', 'z1', []),
        makeNodeInfo({ name: 'x', labels: { zone: 'z2' } }),
        node('y', 'z2', many(1)),
      ],
      '-+!-',
    ],
    ['affinity, ignored by the second', [foo('zone'), foo('node', ignoring)], chosen(), '--+-', ['foo'], selecting],
    ['taints, honored by the first', [foo('zone', honoring), foo('node')], soiled(), '--+-'],
    ['affinity', [foo('zone'), foo('node')], both(), '-++-', ['foo'], selecting],
    [
      'taints honored by the first, affinity ignored by the second',
      [foo('zone', honoring), foo('node', ignoring)],
      both(),
      '--+-',
      ['foo'],
      selecting,
    ],
    [
      'zones as 2/1 and 3/3',
      [bar('zone'), foo('zone')],
      four(pods('foo bar', 'foo'), pods('foo bar'), [], pods('foo', 'foo bar', 'foo')),
      '--++',
      twice,
    ],
    [
      'zones as 2/1 and 3/4',
      [bar('zone'), foo('zone')],
      four(pods('foo bar', 'foo'), pods('foo bar'), [], pods('foo', 'foo bar', 'foo', 'foo')),
      '----',
      twice,
    ],
  ])('%s', (_name, constraints, nodes, want, labels = ['foo'], spec = {}) => {
    const options = { labels: labelled(...labels), spec: { ...spec, topologySpreadConstraints: [...constraints] } }
    expect(answers(options, nodes)).toBe(want)
  })
})
