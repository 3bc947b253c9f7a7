/**
 * DefaultPreemption: a Pod that fits nowhere makes Pods of lower priority leave the node where that does least harm, and
 * waits for it as its nominated node. The loop goes on while they are told; the Pod stays out of it until they have been.
 *
 * Reads: poddisruptionbudgets from the cache. Writes: see eviction.ts. Asks: extenders with a preempt verb.
 * Upstream: plugins/defaultpreemption, pkg/scheduler/framework/preemption (v1.36, SchedulerAsyncPreemption).
 */
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type {
  CycleView,
  FrozenPod,
  Nomination,
  PluginDefinition,
  PluginHandle,
  PodInfo,
  PostFilterPlugin,
  PostFilterRefusal,
  PreemptionCandidate,
  Verdict,
} from '../../framework/interfaces.ts'
import { podKey, podPriority } from '../../framework/pod-info.ts'
import { failed, unresolvable, unschedulable } from '../../framework/verdicts.ts'
import { Diagnosis } from '../../runtime/diagnosis.ts'
import { checkPreemptionArgs, type DefaultPreemptionArgs } from './args.ts'
import { DisruptionBudgets } from './disruption-budgets.ts'
import { candidatesWanted, dryRun } from './dry-run.ts'
import { clearNominations, evict, isLeavingForPreemption, PLUGIN } from './eviction.ts'
import { askExtenders } from './extenders.ts'
import { pickCandidate } from './pick-candidate.ts'
import { mayPreempt } from './victims.ts'

const PREEMPTING = unresolvable('waiting for the preemption for this pod to be finished')

export const defaultPreemption: PluginDefinition = {
  name: PLUGIN,
  checkArgs: checkPreemptionArgs,
  create: (args, handle) => new DefaultPreemption(args, handle),
}

export class DefaultPreemption implements PostFilterPlugin {
  readonly name = PLUGIN
  /** What the filters wait for wakes the Pod; the end of the eviction lets it through. */
  readonly events = []
  /** Pods whose victims are being told, by UID. */
  readonly #preempting = new Set<string>()
  readonly #args: Required<DefaultPreemptionArgs>
  readonly #handle: PluginHandle
  readonly #budgets: Lister<PodDisruptionBudget>

  constructor(args: DefaultPreemptionArgs, handle: PluginHandle) {
    this.#args = { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100, ...args }
    this.#handle = handle
    this.#budgets = handle.lister(POD_DISRUPTION_BUDGETS)
  }

  preEnqueue(pod: FrozenPod): Verdict | undefined {
    return this.#preempting.has(podKey(pod)) ? PREEMPTING : undefined
  }

  async postFilter(
    pod: PodInfo,
    verdicts: ReadonlyMap<string, Verdict>,
    cycle: CycleView,
    signal: AbortSignal,
  ): Promise<Nomination | PostFilterRefusal> {
    this.#handle.preempting?.()
    const reason = ineligible(pod, verdicts, cycle)
    if (reason !== undefined) return unschedulable(`preemption: ${reason}`)
    const { candidates, explanation } = this.#findCandidates(pod, verdicts, cycle)
    if (candidates.length === 0) return { ...unschedulable(`preemption: ${explanation()}`), clearsNomination: true }
    try {
      const agreed = await askExtenders(this.#handle, pod.pod, candidates, cycle.snapshot, signal)
      const best = pickCandidate(agreed, this.#handle.clock.nowMs())
      if (best === undefined) return unschedulable('preemption: no candidate node for preemption')
      return this.#nominate(pod.pod, best, cycle)
    } catch (err: unknown) {
      return failed(err, `preemption: ${errorMessage(err)}`)
    }
  }

  #nominate(pod: FrozenPod, { node, victims }: PreemptionCandidate, cycle: CycleView): Nomination {
    const staying = victims.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    if (staying.length === 0) return { nominatedNode: node }
    this.#handle.preempted?.(victims.length)
    const lower = cycle
      .nominatedPods(node, Number.NEGATIVE_INFINITY)
      .map((other) => other.pod)
      .filter((other) => podPriority(other) < podPriority(pod))
    const key = podKey(pod)
    this.#preempting.add(key)
    return {
      nominatedNode: node,
      afterwards: async (signal) => {
        const startedMs = this.#handle.clock.monotonicMs()
        const took = (): number => (this.#handle.clock.monotonicMs() - startedMs) / 1000
        try {
          await this.#clearNominations(lower, signal)
          await evict(this.#handle, staying, pod, node, signal)
          this.#handle.evicted?.('success', took())
        } catch (err: unknown) {
          this.#handle.evicted?.('error', took())
          throw err
        } finally {
          this.#preempting.delete(key)
        }
      },
    }
  }

  /** The nodes that can be freed, and, asked for when there is none, why. */
  #findCandidates(pod: PodInfo, verdicts: ReadonlyMap<string, Verdict>, cycle: CycleView): Found {
    const { nodes } = cycle.snapshot
    const nowMs = this.#handle.clock.nowMs()
    const helpful = nodes.filter(({ name }) => verdicts.get(name)?.code === 'Unschedulable')
    const offset = helpful.length === 0 ? 0 : this.#handle.random.int(helpful.length)
    const search = { preemptor: pod, cycle, budgets: new DisruptionBudgets(this.#budgets), nowMs }
    const tried = dryRun(search, helpful, offset, candidatesWanted(helpful.length, this.#args))
    const explanation = (): string => {
      const hopeless = unresolvable('Preemption is not helpful for scheduling')
      const diagnosis = new Diagnosis()
      for (const { name } of nodes) diagnosis.reject(name, tried.verdicts.get(name) ?? hopeless)
      return diagnosis.message(nodes.length)
    }
    return { candidates: tried.candidates, explanation }
  }

  async #clearNominations(pods: readonly FrozenPod[], signal: AbortSignal): Promise<void> {
    try {
      await clearNominations(this.#handle, pods, signal)
    } catch (err: unknown) {
      // They wait a little longer than they must; the node is the preemptor's all the same.
      this.#handle.logger.warn({ err }, 'cannot clear the nominations of pods with lower priority')
    }
  }
}

interface Found {
  readonly candidates: readonly PreemptionCandidate[]
  explanation(): string
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
