/**
 * One attempt to place a Pod: the scheduling cycle, and what follows from its decision, the binding beside the loop or preemption.
 * Upstream: pkg/scheduler/schedule_one.go.
 */
import { isNotFound } from '#machinery/meta/errors.ts'
import type { ControllerContext } from '#sdk'
import type { SchedulerCache } from '../cache/scheduler-cache.ts'
import type { CycleView, FrozenPod, Nomination } from '../framework/interfaces.ts'
import { podKey, podName } from '../framework/pod-info.ts'
import { isVerdict } from '../framework/verdicts.ts'
import type { SchedulerMetrics } from '../metrics.ts'
import { NO_NODES } from '../queue/hints.ts'
import type { QueuedPod } from '../queue/queued-pod.ts'
import type { SchedulingQueue } from '../queue/scheduling-queue.ts'
import type { Decision } from './binding-cycle.ts'
import { bind, needsPreBind, permitted, reserveAndPermit, unreserve } from './binding-cycle.ts'
import type { BoundedTasks } from './bounded-tasks.ts'
import { messageOf } from './diagnosis.ts'
import { tellExpectation } from './expectation.ts'
import type { Extender } from './extender.ts'
import type { Failure } from './failure.ts'
import { bindingRefusal, REFUSED, rejection } from './failure.ts'
import type { FilterRun } from './filter-run.ts'
import type { Outcomes } from './outcomes.ts'
import type { PermitWaits } from './permit-waits.ts'
import type { PreBinds } from './pre-binds.ts'
import type { Profile } from './profile.ts'
import type { SchedulingCycle } from './scheduling-cycle.ts'

export interface AttemptParts {
  readonly context: ControllerContext
  readonly metrics: SchedulerMetrics | undefined
  readonly extenders: readonly Extender[]
  readonly cache: SchedulerCache
  readonly queue: SchedulingQueue
  readonly cycle: SchedulingCycle
  /** Bindings, evictions and status writes. */
  readonly tasks: BoundedTasks
  readonly waits: PermitWaits
  readonly preBinds: PreBinds
  readonly outcomes: Outcomes
  /** Undefined: the Pod is another scheduler's. */
  profileOf(pod: FrozenPod): Profile | undefined
}

export class Attempts {
  readonly #parts: AttemptParts
  readonly #outcomes: Outcomes

  constructor(parts: AttemptParts) {
    this.#parts = parts
    this.#outcomes = parts.outcomes
  }

  /** Ends with the decision; what it takes to bind goes on beside. Never rejects. */
  async run(queued: QueuedPod, signal: AbortSignal): Promise<void> {
    const { pod } = queued.info
    const profile = this.#parts.profileOf(pod)
    if (profile === undefined || this.#parts.cache.isAssumed(queued.key)) {
      this.#parts.queue.done(queued.key)
      return
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#outcomes.record(pod, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${podName(pod)}`)
      this.#parts.queue.done(queued.key)
      return
    }
    const startedMs = this.#parts.context.clock.monotonicMs()
    try {
      const { node, run } = await this.#parts.cycle.findNode(profile, queued.info, signal)
      this.#parts.metrics?.decided(this.#outcomes.secondsSince(startedMs))
      run?.countEvaluations()
      if (node !== undefined && run !== undefined) this.#commit(queued, profile, node, run, startedMs, signal)
      else await this.#unfit(queued, profile, run, startedMs, signal)
    } catch (err: unknown) {
      if (!signal.aborted) this.#outcomes.failed(queued, err, startedMs, signal)
    }
  }

  /** The decision stands for everybody from here on; the API is told beside the loop. */
  #commit(
    queued: QueuedPod,
    profile: Profile,
    node: string,
    run: FilterRun,
    startedMs: number,
    signal: AbortSignal,
  ): void {
    const { states, timer } = run
    const decision: Decision = { profile, pod: queued.info, node, states, timer, isTold: false }
    this.#parts.cache.assume(queued.info, node)
    this.#parts.queue.nominator.delete(queued.key)
    let waits: ReadonlyMap<string, number>
    try {
      waits = reserveAndPermit(decision)
    } catch (err: unknown) {
      this.#parts.cache.forget(queued.key)
      throw err
    }
    if (waits.size === 0) this.#parts.tasks.start(() => this.#bind(queued, decision, startedMs, signal))
    else void this.#waitOnPermit(queued, decision, waits, startedMs, signal)
  }

  /** Takes no part in what is bounded: a gang may wait for its last member longer than anybody else can. Never rejects. */
  async #waitOnPermit(
    queued: QueuedPod,
    decision: Decision,
    waits: ReadonlyMap<string, number>,
    startedMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#parts.context
    const waitedFromMs = clock.monotonicMs()
    const decided = this.#parts.waits.add(queued.info.pod, decision.node, waits)
    await this.#tell(decision, signal)
    const verdict = await decided
    this.#parts.metrics?.waitedOnPermit(verdict?.code ?? 'Success', this.#outcomes.secondsSince(waitedFromMs))
    try {
      permitted(verdict)
      this.#parts.tasks.start(() => this.#bind(queued, decision, startedMs, signal))
    } catch (err: unknown) {
      this.#unbound(queued, decision, err, startedMs, signal)
    }
  }

  /** Never rejects. */
  async #bind(queued: QueuedPod, decision: Decision, startedMs: number, signal: AbortSignal): Promise<void> {
    const { pod } = queued.info
    try {
      // What fails from here on is nobody's "no": it is tried again without waiting for an event.
      this.#parts.queue.done(queued.key)
      const isPreBindNeeded = needsPreBind(decision)
      if (isPreBindNeeded) await this.#tell(decision, signal)
      await bind(
        decision,
        { extenders: this.#parts.extenders, preBinds: this.#parts.preBinds, isPreBindNeeded },
        signal,
      )
      this.#outcomes.attempted('scheduled', pod, startedMs)
      this.#parts.metrics?.placed(queued, this.#outcomes.secondsSince(queued.firstActiveMs ?? startedMs))
      const { namespace, name } = pod.metadata
      this.#outcomes.record(
        pod,
        'Normal',
        'Scheduled',
        `Successfully assigned ${namespace}/${name} to ${decision.node}`,
      )
    } catch (err: unknown) {
      this.#unbound(queued, decision, err, startedMs, signal, bindingRefusal)
    }
  }

  /** It is a courtesy: what goes wrong is only noted. */
  async #tell(decision: Decision, signal: AbortSignal): Promise<void> {
    if (decision.isTold || !this.#parts.context.isGateEnabled('NominatedNodeNameForExpectation')) return
    decision.isTold = true
    try {
      await tellExpectation(this.#parts.context.client, decision, signal)
    } catch (err: unknown) {
      if (!signal.aborted && !isNotFound(err)) this.#outcomes.note(err, decision.pod.pod)
    }
  }

  /** Undoes the decision. */
  #unbound(
    queued: QueuedPod,
    decision: Decision,
    err: unknown,
    startedMs: number,
    signal: AbortSignal,
    refusal = rejection,
  ): void {
    unreserve(decision)
    const placed = this.#parts.cache.get(queued.key)?.pod
    const isForgotten = this.#parts.cache.forget(queued.key)
    if (signal.aborted) return
    this.#outcomes.failed(queued, err, startedMs, signal, {
      refusal,
      told: decision.isTold ? decision.node : undefined,
    })
    const event = { resource: 'pods', action: 'delete', old: placed, object: placed } as const
    if (isForgotten) this.#parts.queue.notify(event, (other) => podKey(other) !== queued.key)
  }

  /** No node: preemption may make room on one. */
  async #unfit(
    queued: QueuedPod,
    profile: Profile,
    run: FilterRun | undefined,
    startedMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { snapshot } = this.#parts.cycle
    if (run === undefined) {
      this.#outcomes.attempted('unschedulable', queued.info.pod, startedMs)
      const message = 'no nodes available to schedule pods'
      this.#outcomes.giveBack(queued, { ...REFUSED, message, rejectedBy: [NO_NODES], nominatedNode: '' }, signal)
      return
    }
    const postFilterMs = profile.recorder.now()
    const { nominatedNode, afterwards } = await this.#postFilter(profile, run, signal)
    run.countEvaluations()
    const isFound = nominatedNode !== undefined && nominatedNode !== ''
    profile.recorder.reached('PostFilter', isFound ? 'Success' : 'Unschedulable', postFilterMs)
    this.#outcomes.attempted('unschedulable', queued.info.pod, startedMs)
    const { rejectedBy, pendingBy } = run.diagnosis
    const message = run.diagnosis.message(snapshot.nodes.length)
    this.#outcomes.giveBack(queued, { ...REFUSED, message, rejectedBy, pendingBy, nominatedNode }, signal)
    if (afterwards !== undefined) this.#parts.tasks.start(() => this.#makeRoom(queued, afterwards, signal))
  }

  /** The Pod waits in the queue meanwhile. Never rejects. */
  async #makeRoom(
    { key, info }: QueuedPod,
    afterwards: NonNullable<Nomination['afterwards']>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await afterwards(signal)
      this.#parts.queue.openGate(key)
    } catch (err: unknown) {
      if (signal.aborted) return
      this.#outcomes.note(err, info.pod)
      // No victim's end will wake it.
      this.#parts.queue.activate(key)
    }
  }

  async #postFilter(
    profile: Profile,
    run: FilterRun,
    signal: AbortSignal,
  ): Promise<Pick<Failure, 'nominatedNode'> & Pick<Nomination, 'afterwards'>> {
    const { snapshot } = this.#parts.cycle
    const { nominator } = this.#parts.queue
    const view: CycleView = {
      snapshot,
      filterState: (plugin) => run.states.get(plugin),
      wouldFit: (node, changes) => run.wouldFit(node, changes),
      nominatedPods: (node, minPriority) => nominator.onNode(node, minPriority),
    }
    let nominatedNode: string | undefined = profile.postFilters.length === 0 ? '' : undefined
    for (const plugin of profile.postFilters) {
      const startedMs = run.timer?.now() ?? 0
      const result = await plugin.postFilter(run.pod, run.diagnosis.verdictsOf(snapshot.nodes), view, signal)
      run.timer?.ran(plugin.name, 'PostFilter', isVerdict(result) ? result.code : 'Success', startedMs)
      if (!isVerdict(result)) return result
      if (result.code === 'Error') this.#outcomes.note(result.error ?? messageOf(result), run.pod.pod)
      if (result.clearsNomination === true) nominatedNode = ''
      run.diagnosis.explain(result)
    }
    return { nominatedNode }
  }
}
