import { beforeEach, describe, expect, it } from 'vitest'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { PodDisruptionBudgetStatus } from '#machinery/api/policy/v1/types.gen.ts'
import { type TestPluginHandle, testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePod, makePodInfo, makeSnapshot, type PodOptions } from '#test/support/scheduling.ts'
import type {
  CycleView,
  NodeInfo,
  PodInfo,
  PreemptionCandidate as Candidate,
  Verdict,
} from '../../framework/interfaces.ts'
import { isVerdict, unresolvable, unschedulable } from '../../framework/verdicts.ts'
import { DisruptionBudgets } from './disruption-budgets.ts'
import { candidatesWanted, dryRun } from './dry-run.ts'
import { pickCandidate } from './pick-candidate.ts'
import { DefaultPreemption } from './plugin.ts'
import { findVictims } from './victims.ts'

let handle: TestPluginHandle
beforeEach(() => {
  handle = testPluginHandle()
})

const started = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`
const victim = (name: string, priority: number, minute = 0, more: PodOptions = {}): PodOptions => ({
  name,
  priority,
  requests: { cpu: '1' },
  status: { phase: 'Running', startTime: started(minute) },
  ...more,
})
/** Four CPUs each. */
const node = (name: string, ...pods: PodOptions[]): NodeInfo => makeNodeInfo({ name }, pods)
const preemptor = (cpu = '1', more: PodOptions = {}): PodInfo =>
  makePodInfo({ name: 'high', priority: 100, requests: { cpu }, ...more })

/** Fits by CPU alone, which is what the filters do for the Pods of these tests. */
const cycleOf = (nodes: NodeInfo[], pod: PodInfo): CycleView => ({
  snapshot: makeSnapshot(nodes as never),
  wouldFit: ({ allocatable, requested }) =>
    requested.milliCpu + pod.requests.milliCpu > allocatable.milliCpu ? unschedulable('Insufficient cpu') : undefined,
  filterState: () => undefined,
  nominatedPods: () => [],
})

const budget = (labels: Record<string, string>, status: PodDisruptionBudgetStatus): void =>
  handle.put(POD_DISRUPTION_BUDGETS, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'default' },
    spec: { selector: { matchLabels: labels } },
    status,
  })

function search(pod: PodInfo, nodes: NodeInfo[]) {
  const budgets = new DisruptionBudgets(handle.lister(POD_DISRUPTION_BUDGETS))
  return { preemptor: pod, cycle: cycleOf(nodes, pod), budgets, nowMs: handle.clock.nowMs() }
}

const namesOf = (candidate: Candidate | Verdict): string =>
  isVerdict(candidate) ? candidate.reasons.join() : candidate.victims.map(({ metadata }) => metadata.name).join()

describe('victims of a node', () => {
  const app = { app: 'a' }
  const CASES: readonly { name: string; cpu?: string; pods: PodOptions[]; victims: string }[] = [
    {
      name: 'are none when all are as important',
      pods: [victim('a', 100)],
      victims: 'No preemption victims found for incoming pod',
    },
    { name: 'are not enough', cpu: '4', pods: [victim('a', 100), victim('b', 1)], victims: 'Insufficient cpu' },
    {
      name: 'are the least important',
      pods: [victim('a', 3), victim('b', 1), victim('c', 2), victim('d', 3)],
      victims: 'b',
    },
    {
      name: 'are the youngest of equals',
      pods: [victim('a', 1, 1), victim('b', 1, 9), victim('c', 1, 5), victim('d', 1)],
      victims: 'b',
    },
    {
      name: 'are as many as needed, most important first',
      cpu: '3',
      pods: [victim('a', 3), victim('b', 1), victim('c', 2), victim('d', 4)],
      victims: 'a,c,b',
    },
    {
      name: 'are none that would not help',
      cpu: '2',
      pods: [
        victim('a', 100),
        victim('tiny', 1, 0, { requests: { cpu: '10m' } }),
        victim('b', 2, 0, { requests: { cpu: '2' } }),
      ],
      victims: 'b',
    },
  ]
  it.each(CASES)('$name', ({ cpu, pods, victims }) => {
    const nodes = [node('n', ...pods)]
    expect(namesOf(findVictims(search(preemptor(cpu), nodes), nodes[0] as NodeInfo))).toBe(victims)
  })

  it('spare those with a budget for those without', () => {
    budget(app, { disruptionsAllowed: 0 })
    const nodes = [node('n', victim('a', 1, 0, { labels: app }), victim('b', 3), victim('c', 3), victim('d', 3, 5))]
    const found = findVictims(search(preemptor(), nodes), nodes[0] as NodeInfo)
    expect(found).toMatchObject({ budgetViolations: 0 })
    expect(namesOf(found)).toBe('d')
  })

  it('count violations when it must be', () => {
    budget(app, { disruptionsAllowed: 1 })
    const nodes = [
      node(
        'n',
        victim('a', 1, 0, { labels: app }),
        victim('b', 1, 1, { labels: app }),
        victim('c', 100),
        victim('d', 100),
      ),
    ]
    expect(findVictims(search(preemptor('2'), nodes), nodes[0] as NodeInfo)).toMatchObject({ budgetViolations: 1 })
  })

  it('leave the snapshot as it is', () => {
    const nodes = [node('n', victim('a', 1), victim('b', 1), victim('c', 1), victim('d', 1))]
    findVictims(search(preemptor('2'), nodes), nodes[0] as NodeInfo)
    expect(nodes[0]?.pods.size).toBe(4)
  })
})

describe('budgets', () => {
  const app = { app: 'a' }
  const divide = (...pods: PodOptions[]): string => {
    const budgets = new DisruptionBudgets(handle.lister(POD_DISRUPTION_BUDGETS))
    const { violating, others } = budgets.divide(pods.map((options) => makePodInfo(options)))
    const names = (infos: PodInfo[]) => infos.map(({ pod }) => pod.metadata.name).join()
    return `${names(violating)}|${names(others)}`
  }
  const labelled = (name: string, more: PodOptions = {}): PodOptions => ({ name, labels: app, ...more })

  it('let as many go as they allow', () => {
    budget(app, { disruptionsAllowed: 1 })
    expect(divide(labelled('a'), { name: 'x' }, labelled('b'), labelled('c', { namespace: 'other' }))).toBe('b|a,x,c')
  })
  it('do not count those that are being evicted already', () => {
    budget(app, { disruptionsAllowed: 0, disruptedPods: { a: started(0) } })
    expect(divide(labelled('a'), labelled('b'))).toBe('b|a')
  })
  it('with an empty selector hold nobody', () => {
    budget({}, { disruptionsAllowed: 0 })
    expect(divide(labelled('a'))).toBe('|a')
  })
})

describe('the node that is chosen', () => {
  const candidate = (
    name: string,
    budgetViolations: number,
    ...victims: [priority: number, minute: number][]
  ): Candidate => ({
    node: name,
    budgetViolations,
    victims: victims.map(([priority, minute], i) => makePod(victim(`${name}${i}`, priority, minute))),
  })
  const CASES: readonly { name: string; candidates: Candidate[] }[] = [
    { name: 'violates fewest budgets', candidates: [candidate('a', 1, [1, 0]), candidate('best', 0, [9, 0], [9, 0])] },
    {
      name: 'has the least important first victim',
      candidates: [candidate('a', 0, [9, 0]), candidate('best', 0, [8, 0], [8, 0])],
    },
    {
      name: 'has the smallest sum of priorities',
      candidates: [candidate('a', 0, [9, 0], [8, 0]), candidate('best', 0, [9, 0], [7, 0])],
    },
    {
      name: 'has few victims of negative priority',
      candidates: [candidate('a', 0, [-1, 0], [-1, 0]), candidate('best', 0, [-1, 0])],
    },
    { name: 'has victims that ran shortest', candidates: [candidate('a', 0, [9, 1]), candidate('best', 0, [9, 5])] },
    {
      name: 'looks only at the most important for that',
      candidates: [candidate('a', 0, [9, 1], [1, 9]), candidate('best', 0, [9, 5], [1, 0])],
    },
    { name: 'is the first of equals', candidates: [candidate('best', 0, [9, 1]), candidate('b', 0, [9, 1])] },
  ]
  it.each(CASES)('$name', ({ candidates }) => {
    expect(pickCandidate(candidates, 0)?.node).toBe('best')
    expect(pickCandidate([], 0)).toBeUndefined()
  })
})

describe('the dry run', () => {
  it.each([
    [1000, 100],
    [2000, 200],
    [50, 50],
  ])('of %i nodes wants %i candidates', (nodes, wanted) => {
    expect(candidatesWanted(nodes, { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 })).toBe(wanted)
  })

  it('begins at the offset and stops with enough, if one violates no budget', () => {
    const app = { app: 'a' }
    budget(app, { disruptionsAllowed: 0 })
    const full = (name: string, more: PodOptions = {}) =>
      node(name, victim(`v-${name}`, 1, 0, { requests: { cpu: '4' }, ...more }))
    const nodes = [full('a'), full('b'), full('c', { labels: app }), full('d')]
    const found = dryRun(search(preemptor(), nodes), nodes, 2, 1)
    expect(found.candidates.map((candidate) => candidate.node)).toEqual(['d', 'c'])
  })
})

describe('the plugin', () => {
  const verdicts = (...entries: [string, Verdict][]) => new Map(entries)
  const run = (pod: PodInfo, nodes: NodeInfo[], said: Map<string, Verdict>) =>
    new DefaultPreemption({}, handle).postFilter(pod, said, cycleOf(nodes, pod), new AbortController().signal)
  const no = unschedulable('Insufficient cpu')

  it('says of each node why it was no use', async () => {
    const nodes = [node('a', victim('a', 100)), node('b'), node('c')]
    const said = verdicts(['a', no], ['b', unresolvable('x')], ['c', unresolvable('x')])
    expect(await run(preemptor(), nodes, said)).toEqual({
      code: 'Unschedulable',
      clearsNomination: true,
      reasons: [
        'preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
      ],
    })
  })

  it('preempts nobody for a pod that never does', async () => {
    const pod = preemptor('1', { spec: { preemptionPolicy: 'Never' } })
    const nodes = [node('a', victim('a', 1, 0, { requests: { cpu: '4' } }))]
    const reasons = ['preemption: not eligible due to preemptionPolicy=Never.']
    expect(await run(pod, nodes, verdicts(['a', no]))).toEqual({ code: 'Unschedulable', reasons })
  })

  it('waits for those that are leaving already', async () => {
    const leaving = victim('a', 1, 0, {
      requests: { cpu: '4' },
      metadata: { name: 'a', namespace: 'default', uid: 'a', deletionTimestamp: started(1) },
      status: {
        phase: 'Running',
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }],
      },
    })
    const pod = preemptor('1', { status: { phase: 'Pending', nominatedNodeName: 'a' } })
    const reasons = ['preemption: not eligible due to a terminating pod on the nominated node.']
    expect(await run(pod, [node('a', leaving)], verdicts(['a', no]))).toEqual({ code: 'Unschedulable', reasons })
    // Nothing to wait for on a node that no longer suits. Its victim is leaving, so there is nothing to write either.
    const hopeless = verdicts(['a', unresolvable('x')], ['b', no])
    const other = node('b', { ...leaving, name: 'b' })
    expect(await run(pod, [node('a', leaving), other], hopeless)).toEqual({ nominatedNode: 'b' })
  })
})
