/**
 * DefaultPreemption: a Pod that fits nowhere makes Pods of lower priority leave the node where that does least harm, and
 * waits for it as its nominated node.
 *
 * Reads: poddisruptionbudgets from the cache. Writes: see eviction.ts.
 * Upstream: plugins/defaultpreemption, pkg/scheduler/framework/preemption.
 */
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { checkInteger, unknownFields } from '../../framework/args.ts'
import type {
  CycleView,
  PluginDefinition,
  PluginHandle,
  PodInfo,
  PostFilterPlugin,
  PostFilterRefusal,
  Verdict,
} from '../../framework/interfaces.ts'
import { podPriority } from '../../framework/pod-info.ts'
import { unresolvable, unschedulable } from '../../framework/verdicts.ts'
import { Diagnosis } from '../../runtime/diagnosis.ts'
import { DisruptionBudgets } from './disruption-budgets.ts'
import { candidatesWanted, dryRun } from './dry-run.ts'
import { clearNominations, evict, isLeavingForPreemption } from './eviction.ts'
import { pickCandidate } from './pick-candidate.ts'
import { type Candidate, mayPreempt } from './victims.ts'

export interface DefaultPreemptionArgs {
  /** Of the nodes preemption might help on, how many are tried at least: per cent. Default 10. */
  readonly minCandidateNodesPercentage?: number
  /** The same as a number; the larger counts. Default 100. */
  readonly minCandidateNodesAbsolute?: number
}

const PERCENTAGE = 'minCandidateNodesPercentage'
const ABSOLUTE = 'minCandidateNodesAbsolute'

export const defaultPreemption: PluginDefinition = {
  name: 'DefaultPreemption',
  checkArgs: (args, path) => [
    ...unknownFields(args, path, [PERCENTAGE, ABSOLUTE]),
    ...checkInteger(args[PERCENTAGE], `${path}.${PERCENTAGE}`, 0, 100),
    ...checkInteger(args[ABSOLUTE], `${path}.${ABSOLUTE}`, 0, Number.MAX_SAFE_INTEGER),
    ...(args[PERCENTAGE] === 0 && args[ABSOLUTE] === 0
      ? [`${path}: ${PERCENTAGE} and ${ABSOLUTE} cannot both be zero`]
      : []),
  ],
  create: (args, handle) => new DefaultPreemption(args, handle),
}

export class DefaultPreemption implements PostFilterPlugin {
  readonly name = 'DefaultPreemption'
  /** It holds no Pod back itself: what the filters wait for wakes the Pod. */
  readonly events = []
  readonly #args: Required<DefaultPreemptionArgs>
  readonly #handle: PluginHandle
  readonly #budgets: Lister<PodDisruptionBudget>

  constructor(args: DefaultPreemptionArgs, handle: PluginHandle) {
    this.#args = { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100, ...args }
    this.#handle = handle
    this.#budgets = handle.lister(POD_DISRUPTION_BUDGETS)
  }

  /** Rejects when a victim cannot be evicted: the Pod is then tried again after a while. */
  async postFilter(
    pod: PodInfo,
    verdicts: ReadonlyMap<string, Verdict>,
    cycle: CycleView,
    signal: AbortSignal,
  ): Promise<{ readonly nominatedNode: string } | PostFilterRefusal> {
    const reason = ineligible(pod, verdicts, cycle)
    if (reason !== undefined) return unschedulable(`preemption: ${reason}`)
    const found = this.#findCandidate(pod, verdicts, cycle)
    if (typeof found === 'string') return { ...unschedulable(`preemption: ${found}`), clearsNomination: true }
    await evict(this.#handle, found.victims, pod.pod, found.node, signal)
    this.#handle.preempted?.(found.victims.length)
    await this.#clearLowerNominations(pod, found.node, cycle, signal)
    return { nominatedNode: found.node }
  }

  /** The node to free, or why there is none. */
  #findCandidate(pod: PodInfo, verdicts: ReadonlyMap<string, Verdict>, cycle: CycleView): Candidate | string {
    const { nodes } = cycle.snapshot
    const nowMs = this.#handle.clock.nowMs()
    const helpful = nodes.filter(({ name }) => verdicts.get(name)?.code === 'Unschedulable')
    const offset = helpful.length === 0 ? 0 : this.#handle.random.int(helpful.length)
    const search = { preemptor: pod, cycle, budgets: new DisruptionBudgets(this.#budgets), nowMs }
    const tried = dryRun(search, helpful, offset, candidatesWanted(helpful.length, this.#args))
    const best = pickCandidate(tried.candidates, nowMs)
    if (best !== undefined) return best
    const hopeless = unresolvable('Preemption is not helpful for scheduling')
    const diagnosis = new Diagnosis()
    for (const { name } of nodes) diagnosis.reject(name, tried.verdicts.get(name) ?? hopeless)
    return diagnosis.message(nodes.length)
  }

  async #clearLowerNominations(pod: PodInfo, node: string, cycle: CycleView, signal: AbortSignal): Promise<void> {
    const priority = podPriority(pod.pod)
    const lower = cycle
      .nominatedPods(node, Number.NEGATIVE_INFINITY)
      .filter((other) => podPriority(other.pod) < priority)
    try {
      await clearNominations(
        this.#handle,
        lower.map((other) => other.pod),
        signal,
      )
    } catch (err: unknown) {
      // They wait a little longer than they must; the node is the preemptor's all the same.
      this.#handle.logger.warn({ err }, 'cannot clear the nominations of pods with lower priority')
    }
  }
}

/** Pods that may not preempt, and those for which somebody is leaving already. */
function ineligible({ pod }: PodInfo, verdicts: ReadonlyMap<string, Verdict>, cycle: CycleView): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const { nominatedNodeName = '' } = pod.status ?? {}
  if (nominatedNodeName === '' || verdicts.get(nominatedNodeName)?.code === 'UnschedulableAndUnresolvable')
    return undefined
  const others = [...(cycle.snapshot.get(nominatedNodeName)?.pods.values() ?? [])]
  const isSomebodyLeaving = others.some((other) => mayPreempt(pod, other.pod) && isLeavingForPreemption(other.pod))
  return isSomebodyLeaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined
}
