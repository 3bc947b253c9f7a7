/**
 * All filters for one Pod in one cycle: what PreFilter computed, and the verdict on a node, also as if other Pods came or
 * went. Upstream: scheduler framework/runtime/framework.go RunPreFilterPlugins, RunFilterPluginsWithNominatedPods.
 */
import type { FilterPlugin, MutableNodeInfo, NodeInfo, PodInfo, Snapshot, Verdict } from '../framework/interfaces.ts'
import { podKey, podPriority } from '../framework/pod-info.ts'
import { isVerdict } from '../framework/verdicts.ts'
import type { Nominator } from '../queue/nominator.ts'
import { Diagnosis } from './diagnosis.ts'
import type { FilterUse, Profile } from './profile.ts'
import type { Evaluations, PluginTimer } from './recorder.ts'
import { throwIfError } from './refusal.ts'

interface ActiveFilter {
  readonly plugin: FilterPlugin
  readonly hasFilter: boolean
  readonly evaluations: Evaluations
  readonly state: unknown
}

interface Changes {
  readonly removed: readonly PodInfo[]
  readonly added: readonly PodInfo[]
}

export class FilterRun {
  readonly pod: PodInfo
  readonly diagnosis = new Diagnosis()
  /** Plugin -> what its preFilter returned. */
  readonly states = new Map<string, unknown>()
  /** Only these can fit; undefined: any. */
  nodes: ReadonlySet<string> | undefined
  /** PreFilter has refused the Pod. */
  isRefused = false
  refusalCode: Verdict['code'] = 'UnschedulableAndUnresolvable'
  readonly #active: ActiveFilter[] = []
  readonly #nominator: Nominator
  /** Of the plugins of this cycle, when it is sampled. */
  readonly timer: PluginTimer | undefined
  /** As `timer`, until the filters have run on one node. */
  #filterTimer: PluginTimer | undefined
  /** Nodes that every filter let through, and those that each filter refused, by its place. */
  #passes = 0
  readonly #ends: number[] = []

  /** Runs the PreFilter plugins. Throws when one fails. */
  constructor(profile: Profile, pod: PodInfo, snapshot: Snapshot, nominator: Nominator) {
    this.pod = pod
    this.timer = profile.recorder.sample()
    this.#filterTimer = this.timer
    this.#nominator = nominator
    const limiters: string[] = []
    for (const use of profile.filters) {
      const { plugin, hasFilter, evaluations } = use
      const result = use.hasPreFilter ? this.#preFilter(use, snapshot) : undefined
      if (isVerdict(result)) {
        if (result.code === 'Skip') continue
        throwIfError('PreFilter', plugin.name, result)
        this.isRefused = true
        this.refusalCode = result.code
        this.diagnosis.rejectAll({ ...result, plugin: plugin.name })
        // Preemption may undo an Unschedulable, and needs what the others compute.
        if (result.code === 'UnschedulableAndUnresolvable') return
        continue
      }
      this.states.set(plugin.name, result?.state)
      this.#active.push({ plugin, hasFilter, evaluations, state: result?.state })
      if (result?.nodes !== undefined && !this.#limit(plugin.name, result.nodes, limiters)) return
    }
    if (this.nodes !== undefined) this.diagnosis.leaveOut(limiters)
  }

  /** The first "no" of the filters, with Pods of at least this priority that are nominated to the node counted in. */
  check(node: NodeInfo): Verdict | undefined {
    if (this.#nominator.size === 0) return this.#filter(this.#active, node)
    const nominated = this.#nominatedTo(node.name)
    if (nominated.length === 0) return this.#filter(this.#active, node)
    // Fit with them (they will come) and without them (they may not).
    const withThem = node.clone()
    const states = this.#changedStates(withThem, { removed: [], added: nominated })
    return this.#filter(states, withThem) ?? this.#filter(this.#active, node)
  }

  /** As `check` on a node that was changed by hand; `changes` are told to the plugins' states. */
  wouldFit(node: NodeInfo, changes: Changes): Verdict | undefined {
    const states = this.#active.map((filter) => stateAfter(filter, this.pod, node, changes))
    const nominated = this.#nominatedTo(node.name).filter(({ pod }) => !node.pods.has(podKey(pod)))
    if (nominated.length === 0) return this.#filter(states, node)
    const withThem = node.clone()
    for (const pod of nominated) withThem.addPod(pod)
    const more = states.map((filter) => stateAfter(filter, this.pod, withThem, { removed: [], added: nominated }))
    return this.#filter(more, withThem) ?? this.#filter(states, node)
  }

  #preFilter(
    { plugin, evaluations }: FilterUse,
    snapshot: Snapshot,
  ): ReturnType<NonNullable<FilterPlugin['preFilter']>> {
    const startedMs = this.timer?.now() ?? 0
    const result = plugin.preFilter?.(this.pod, snapshot) ?? NO_STATE
    const status = isVerdict(result) ? result.code : 'Success'
    this.timer?.ran(plugin.name, 'PreFilter', status, startedMs)
    if (status !== 'Skip') evaluations.preFilter++
    return result
  }

  #limit(plugin: string, nodes: ReadonlySet<string>, limiters: string[]): boolean {
    const before = this.nodes
    this.nodes = before === undefined ? nodes : new Set([...nodes].filter((name) => before.has(name)))
    limiters.push(plugin)
    if (this.nodes.size > 0) return true
    const names = [...limiters].sort()
    const what = names.length === 1 ? `plugin ${names[0]}` : `plugin(s) [${names.join(' ')}] simultaneously`
    this.isRefused = true
    for (const name of names) this.diagnosis.rejectedBy.add(name)
    this.diagnosis.rejectAll({ code: 'UnschedulableAndUnresolvable', reasons: [`node(s) didn't satisfy ${what}`] })
    return false
  }

  #nominatedTo(node: string): readonly PodInfo[] {
    if (!this.#nominator.hasAny(node)) return []
    const own = podKey(this.pod.pod)
    return this.#nominator.onNode(node, podPriority(this.pod.pod)).filter(({ pod }) => podKey(pod) !== own)
  }

  #changedStates(node: MutableNodeInfo, changes: Changes): ActiveFilter[] {
    for (const pod of changes.added) node.addPod(pod)
    return this.#active.map((filter) => stateAfter(filter, this.pod, node, changes))
  }

  /** The hottest loop there is. */
  #filter(filters: readonly ActiveFilter[], node: NodeInfo): Verdict | undefined {
    if (this.#filterTimer !== undefined) return this.#timedFilter(filters, node, this.#filterTimer)
    for (let i = 0; i < filters.length; i++) {
      const { plugin, hasFilter, state } = filters[i] as ActiveFilter
      if (!hasFilter) continue
      const verdict = plugin.filter(state, this.pod, node)
      if (verdict !== undefined && verdict.code !== 'Skip') return this.#refused(i, plugin.name, verdict)
    }
    this.#passes++
    return undefined
  }

  /** The same, once in a cycle that is sampled. */
  #timedFilter(filters: readonly ActiveFilter[], node: NodeInfo, timer: PluginTimer): Verdict | undefined {
    this.#filterTimer = undefined
    for (const [i, { plugin, hasFilter, state }] of filters.entries()) {
      if (!hasFilter) continue
      const startedMs = timer.now()
      const verdict = plugin.filter(state, this.pod, node)
      timer.ran(plugin.name, 'Filter', verdict?.code ?? 'Success', startedMs)
      if (verdict !== undefined && verdict.code !== 'Skip') return this.#refused(i, plugin.name, verdict)
    }
    this.#passes++
    return undefined
  }

  #refused(place: number, plugin: string, verdict: Verdict): Verdict {
    this.#ends[place] = (this.#ends[place] ?? 0) + 1
    throwIfError('Filter', plugin, verdict)
    return { ...verdict, plugin }
  }

  /** For the metrics: how often each filter was asked since this was last called. */
  countEvaluations(): void {
    // A filter is asked about every node that the filters before it let through.
    let asked = this.#passes
    for (let i = this.#active.length - 1; i >= 0; i--) {
      asked += this.#ends[i] ?? 0
      const { hasFilter, evaluations } = this.#active[i] as ActiveFilter
      if (hasFilter) evaluations.filter += asked
    }
    this.#passes = 0
    this.#ends.fill(0)
  }
}

const NO_STATE = { state: undefined }

function stateAfter(filter: ActiveFilter, pod: PodInfo, node: NodeInfo, { removed, added }: Changes): ActiveFilter {
  const { plugin, state } = filter
  if (plugin.cloneState === undefined || state === undefined) return filter
  const changed = plugin.cloneState(state)
  for (const other of removed) plugin.removePod?.(changed, pod, other, node)
  for (const other of added) plugin.addPod?.(changed, pod, other, node)
  return { ...filter, state: changed }
}
