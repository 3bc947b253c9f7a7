/**
 * Finds the node for one Pod: snapshot, PreFilter, the nominated node, Filter, extenders, Score. Synchronous as long as no
 * extender is interested. Upstream: scheduler schedule_one.go schedulePod.
 */
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { SchedulerCache } from '../cache/scheduler-cache.ts'
import type { NodeInfo, PodInfo } from '../framework/interfaces.ts'
import { NodeSnapshot } from '../framework/snapshot.ts'
import { EXTENDER } from '../queue/hints.ts'
import type { Nominator } from '../queue/nominator.ts'
import type { Extender } from './extender.ts'
import { FilterRun } from './filter-run.ts'
import { NodeSearch, nodesToFind } from './node-search.ts'
import type { Profile } from './profile.ts'
import { pickNode, scoreNodes } from './scoring.ts'

export interface SchedulingCycleOptions {
  readonly cache: SchedulerCache
  readonly nominator: Nominator
  readonly extenders: readonly Extender[]
  readonly percentageOfNodesToScore: number
  readonly random: Random
  readonly logger: Logger
}

/** `node` undefined: the run's diagnosis says why. `run` undefined: there are no nodes at all. */
export interface CycleOutcome {
  readonly node: string | undefined
  readonly run: FilterRun | undefined
}

export class SchedulingCycle {
  readonly snapshot = new NodeSnapshot()
  readonly #options: SchedulingCycleOptions
  readonly #search = new NodeSearch()

  constructor(options: SchedulingCycleOptions) {
    this.#options = options
  }

  /** Rejects when a plugin or an extender that is not ignorable fails. */
  async findNode(profile: Profile, pod: PodInfo, signal: AbortSignal): Promise<CycleOutcome> {
    const { cache } = this.#options
    cache.updateSnapshot(this.snapshot)
    if (this.snapshot.nodes.length === 0) return { node: undefined, run: undefined }
    const run = this.#preFilter(profile, pod)
    if (run.isRefused) return { node: undefined, run }
    const extenders = this.#options.extenders.filter((extender) => extender.isInterested(pod.pod))
    const kept = await this.#onNominatedNode(run, extenders, signal)
    if (kept !== undefined) return { node: kept, run }
    const found = profile.recorder.timed('Filter', () => this.#find(profile, run))
    const feasible = extenders.length === 0 ? found : await this.#askExtenders(extenders, run, found, signal)
    if (feasible.length <= 1) return { node: feasible[0]?.name, run }
    const { states, timer } = run
    const totals = scoreNodes({ profile, pod, nodes: feasible, snapshot: this.snapshot, states, timer })
    await this.#addExtenderScores(extenders, pod, feasible, totals, signal)
    return { node: pickNode(feasible, totals, this.#options.random)?.name, run }
  }

  #preFilter(profile: Profile, pod: PodInfo): FilterRun {
    const { recorder } = profile
    const startedMs = recorder.now()
    let status = 'Error'
    try {
      const run = new FilterRun(profile, pod, this.snapshot, this.#options.nominator)
      status = run.isRefused ? run.refusalCode : 'Success'
      return run
    } finally {
      recorder.reached('PreFilter', status, startedMs)
    }
  }

  #find(profile: Profile, run: FilterRun): NodeInfo[] {
    const { extenders, percentageOfNodesToScore } = this.#options
    const percentage = profile.percentageOfNodesToScore ?? percentageOfNodesToScore
    // Without scores the first node is as good as any.
    const needsOne =
      profile.scores.length === 0 && !extenders.some(({ filters, prioritizes }) => filters || prioritizes)
    return this.#search.find(run, this.snapshot, (count) => (needsOne ? 1 : nodesToFind(count, percentage)))
  }

  /** Preemption has freed this node for the Pod: most likely nothing else fits. Undefined: it does not any more. */
  async #onNominatedNode(
    run: FilterRun,
    extenders: readonly Extender[],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const name = run.pod.pod.status?.nominatedNodeName ?? ''
    const node = name === '' ? undefined : this.snapshot.get(name)
    if (node === undefined || run.nodes?.has(name) === false) return undefined
    if (run.check(node) !== undefined) return undefined
    if (extenders.length === 0) return name
    try {
      const [kept] = await this.#askExtenders(extenders, run, [node], signal)
      return kept?.name
    } catch (err: unknown) {
      // It is asked again with all nodes, and fails then.
      this.#options.logger.info({ node: name, error: errorMessage(err) }, 'the nominated node could not be evaluated')
      return undefined
    }
  }

  async #askExtenders(
    extenders: readonly Extender[],
    run: FilterRun,
    found: readonly NodeInfo[],
    signal: AbortSignal,
  ): Promise<readonly NodeInfo[]> {
    let nodes = found
    for (const extender of extenders.filter(({ filters }) => filters)) {
      if (nodes.length === 0) break
      try {
        const result = await extender.filter(run.pod, nodes, signal)
        for (const [name, reason] of result.failed)
          run.diagnosis.reject(name, { code: 'Unschedulable', reasons: [reason] })
        for (const [name, reason] of result.unresolvable)
          run.diagnosis.reject(name, { code: 'UnschedulableAndUnresolvable', reasons: [reason] })
        nodes = result.nodes
      } catch (err: unknown) {
        if (!extender.isIgnorable) throw err
        this.#options.logger.info(
          { extender: extender.name, error: errorMessage(err) },
          'extender failed and is ignored, as configured',
        )
      }
    }
    if (nodes.length !== found.length) run.diagnosis.rejectedBy.add(EXTENDER)
    return nodes
  }

  /** An extender that fails gives no scores. */
  async #addExtenderScores(
    extenders: readonly Extender[],
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    totals: Float64Array,
    signal: AbortSignal,
  ): Promise<void> {
    const asked = extenders.filter(({ prioritizes }) => prioritizes)
    if (asked.length === 0) return
    const answers = await Promise.allSettled(asked.map((extender) => extender.prioritize(pod, nodes, signal)))
    for (const answer of answers) {
      if (answer.status === 'rejected') continue
      nodes.forEach(({ name }, i) => {
        totals[i] = (totals[i] ?? 0) + (answer.value.get(name) ?? 0)
      })
    }
  }
}
