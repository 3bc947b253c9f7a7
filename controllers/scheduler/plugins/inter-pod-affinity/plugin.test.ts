import { beforeEach, describe, expect, it } from 'vitest'
import { NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Affinity, PodAffinityTerm } from '#machinery/api/core/v1/types.gen.ts'
import { type TestPluginHandle, testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo, makeSnapshot, type PodOptions } from '#test/support/scheduling.ts'
import type { NodeInfo, PodInfo } from '../../framework/interfaces.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import { InterPodAffinity, type InterPodAffinityArgs } from './plugin.ts'

const ZONE = 'zone'
const term = (labels: Record<string, string>, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: ZONE,
  labelSelector: { matchLabels: labels },
  ...more,
})
const near = (...terms: PodAffinityTerm[]): Affinity => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
})
const apart = (...terms: PodAffinityTerm[]): Affinity => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
})
const liking = (weight: number, podAffinityTerm: PodAffinityTerm): Affinity => ({
  podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] },
})
const disliking = (weight: number, podAffinityTerm: PodAffinityTerm): Affinity => ({
  podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] },
})

const web = { app: 'web' }
const db = { app: 'db' }
const pod = (labels: Record<string, string>, affinity?: Affinity, more: PodOptions = {}): PodOptions => ({
  labels,
  ...(affinity === undefined ? {} : { spec: { affinity } }),
  ...more,
})
/** Two nodes in zone x, one in y, one without a zone. */
const cluster = (x1: PodOptions[] = [], x2: PodOptions[] = [], y: PodOptions[] = []): NodeInfo[] => [
  makeNodeInfo({ name: 'x1', labels: { [ZONE]: 'x' } }, x1),
  makeNodeInfo({ name: 'x2', labels: { [ZONE]: 'x' } }, x2),
  makeNodeInfo({ name: 'y', labels: { [ZONE]: 'y' } }, y),
  makeNodeInfo({ name: 'bare' }),
]

let handle: TestPluginHandle
beforeEach(() => {
  handle = testPluginHandle()
  for (const [name, team] of [
    ['default', 'a'],
    ['other', 'b'],
  ])
    handle.put(NAMESPACES, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: name as string, labels: { team: team as string } },
      spec: {},
    })
})

function filterAll(options: PodOptions, nodes: NodeInfo[]): string {
  const plugin = new InterPodAffinity({}, handle)
  const info = makePodInfo(options)
  const found = plugin.preFilter(info, makeSnapshot(nodes as never))
  if (isVerdict(found)) return found.code
  return nodes
    .filter((node) => plugin.filter(found.state, info, node) === undefined)
    .map(({ name }) => name)
    .join()
}

describe('required affinity', () => {
  const inOther: PodOptions = { ...pod(db), namespace: 'other' }
  const CASES: readonly { name: string; pod: PodOptions; nodes: NodeInfo[]; fits: string }[] = [
    { name: 'of nobody is no question', pod: pod(web), nodes: cluster([pod(db)]), fits: 'Skip' },
    {
      name: 'brings a pod into the zone of the other',
      pod: pod(web, near(term(db))),
      nodes: cluster([pod(db)]),
      fits: 'x1,x2',
    },
    { name: 'that nobody meets fits nowhere', pod: pod(web, near(term(db))), nodes: cluster(), fits: '' },
    {
      name: 'to itself lets the first of a series begin',
      pod: pod(web, near(term(web))),
      nodes: cluster(),
      fits: 'x1,x2,y',
    },
    {
      name: 'to itself binds the second',
      pod: pod(web, near(term(web))),
      nodes: cluster([], [], [pod(web)]),
      fits: 'y',
    },
    {
      name: 'needs all terms met by the same pods',
      pod: pod(web, near(term(db), term({ tier: '1' }))),
      nodes: cluster([pod(db)], [], [pod({ ...db, tier: '1' })]),
      fits: 'y',
    },
    { name: 'does not look into other namespaces', pod: pod(web, near(term(db))), nodes: cluster([inOther]), fits: '' },
    {
      name: 'looks into those that are named',
      pod: pod(web, near(term(db, { namespaces: ['other'] }))),
      nodes: cluster([inOther], [], [pod(db)]),
      fits: 'x1,x2',
    },
    {
      name: 'looks into those that are selected',
      pod: pod(web, near(term(db, { namespaceSelector: { matchLabels: { team: 'b' } } }))),
      nodes: cluster([inOther], [], [pod(db)]),
      fits: 'x1,x2',
    },
    {
      name: 'looks into all with an empty selector',
      pod: pod(web, near(term(db, { namespaceSelector: {} }))),
      nodes: cluster([inOther], [], [pod(db)]),
      fits: 'x1,x2,y',
    },
    {
      name: 'keeps a pod away from the other',
      pod: pod(web, apart(term(db))),
      nodes: cluster([pod(db)]),
      fits: 'y,bare',
    },
    {
      name: 'any anti-affinity term is enough',
      pod: pod(web, apart(term(db), term({ app: 'x' }))),
      nodes: cluster([pod(db)], [], [pod({ app: 'x' })]),
      fits: 'bare',
    },
    {
      name: 'of a running pod keeps others away',
      pod: pod(db),
      nodes: cluster([pod(web, apart(term(db)))]),
      fits: 'y,bare',
    },
    {
      name: 'of a running pod is no matter of a third',
      pod: pod({ app: 'x' }),
      nodes: cluster([pod(web, apart(term(db)))]),
      fits: 'Skip',
    },
  ]
  it.each(CASES)('$name', ({ pod: options, nodes, fits }) => {
    expect(filterAll(options, nodes)).toBe(fits)
  })

  it.each([
    [
      'affinity',
      near(term({ app: 'none' })),
      {},
      'UnschedulableAndUnresolvable',
      "node(s) didn't match pod affinity rules",
    ],
    ['anti-affinity', apart(term(web)), {}, 'Unschedulable', "node(s) didn't match pod anti-affinity rules"],
    ['those of others', undefined, {}, 'Unschedulable', "node(s) didn't satisfy existing pods anti-affinity rules"],
  ])('says why: %s', (_name, affinity, _more, code, reason) => {
    const plugin = new InterPodAffinity({}, handle)
    const info = makePodInfo(pod(db, affinity))
    const nodes = cluster([pod(web, apart(term(db)))])
    const found = plugin.preFilter(info, makeSnapshot(nodes as never))
    if (isVerdict(found)) throw new Error('skipped')
    expect(plugin.filter(found.state, info, nodes[0] as NodeInfo)).toEqual({ code, reasons: [reason] })
  })

  it.each<[string, PodOptions, PodOptions]>([
    ['its own', pod(web, apart(term(db))), pod(db)],
    ['that of the other', pod(db), pod(web, apart(term(db)))],
  ])('follows what-ifs of %s anti-affinity without touching the state', (_name, incoming, running) => {
    const plugin = new InterPodAffinity({}, handle)
    const info = makePodInfo(incoming)
    const nodes = cluster([running])
    const found = plugin.preFilter(info, makeSnapshot(nodes as never))
    if (isVerdict(found)) throw new Error('skipped')
    const [node] = nodes as [NodeInfo]
    const [other] = [...node.pods.values()] as [PodInfo]
    const copy = plugin.cloneState(found.state)
    plugin.removePod(copy, info, other, node)
    expect(plugin.filter(copy, info, node)).toBeUndefined()
    expect(plugin.filter(found.state, info, node)).toBeDefined()
    plugin.addPod(copy, info, other, node)
    expect(plugin.filter(copy, info, node)).toBeDefined()
  })
})

function scores(options: PodOptions, nodes: NodeInfo[], args: InterPodAffinityArgs = {}): number[] | string {
  const plugin = new InterPodAffinity(args, handle)
  const info = makePodInfo(options)
  const found = plugin.preScore(info, nodes, makeSnapshot(nodes as never))
  if (isVerdict(found)) return found.code
  const values = Float64Array.from(nodes, (node) => plugin.score(found.state, info, node))
  plugin.normalize(found.state, info, values)
  return [...values]
}

describe('preferred affinity', () => {
  it('skips pods that nobody and nothing pulls', () => {
    expect(scores(pod(web), cluster([pod(db)]))).toBe('Skip')
  })
  it('pulls to a whole zone', () => {
    expect(scores(pod(web, liking(5, term(db))), cluster([pod(db)]))).toEqual([100, 100, 0, 0])
  })
  it('adds up pods and weights', () => {
    const nodes = cluster([pod(db)], [pod(db)], [pod(db)])
    expect(scores(pod(web, liking(5, term(db))), nodes)).toEqual([100, 100, 50, 0])
  })
  it('pushes away', () => {
    expect(scores(pod(web, disliking(5, term(db))), cluster([pod(db)]))).toEqual([0, 0, 100, 100])
  })
  it('works from the side of those that run', () => {
    const nodes = cluster([pod(db, liking(5, term(web)))], [], [pod(db, disliking(5, term(web)))])
    expect(scores(pod(web), nodes)).toEqual([100, 100, 0, 50])
    expect(scores(pod(web), nodes, { ignorePreferredTermsOfExistingPods: true })).toBe('Skip')
  })
  it('counts required affinity of those that run with the configured weight', () => {
    const nodes = cluster([pod(db, near(term(web)))], [], [pod(db, liking(2, term(web)))])
    expect(scores(pod(web), nodes)).toEqual([50, 50, 100, 0])
    expect(scores(pod(web), nodes, { hardPodAffinityWeight: 4 })).toEqual([100, 100, 50, 0])
    expect(scores(pod(web), nodes, { hardPodAffinityWeight: 0 })).toEqual([0, 0, 100, 0])
  })
  it('rounds down in the order of operations upstream has: 100 * (29/100), not (100 * 29)/100', () => {
    const nodes = cluster([pod(db, liking(29, term(web)))], [], [pod(db, liking(100, term(web)))])
    expect(scores(pod(web), nodes)).toEqual([28, 28, 100, 0])
  })
})
