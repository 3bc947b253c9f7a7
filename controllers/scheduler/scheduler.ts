/**
 * Binds Pods to nodes: one scheduling cycle after the other, bindings beside them.
 *
 * Reads: pods, nodes and what plugins want, from caches.  Writes: pods/binding, pods/status (PodScheduled,
 * nominatedNodeName); events; what plugins write.
 * Upstream: pkg/scheduler. Differs: one cycle is synchronous from the snapshot to the decision.
 */
import { NAMESPACES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { untilAborted } from '#machinery/informers/factory.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { errorMessage, isAbortError, toError } from '#machinery/util/errors.ts'
import type { ComponentDefinition, ControllerComponent, ControllerContext } from '#sdk'
import { ApiEventRecorder, defineComponent } from '#sdk'
import { KUBE_SCHEDULER } from '../manager/names.ts'
import { SchedulerCache } from './cache/scheduler-cache.ts'
import type { SchedulerConfiguration } from './config/configuration.ts'
import { DEFAULT_CONFIGURATION } from './config/configuration.ts'
import type {
  CycleView,
  FrozenPod,
  Nomination,
  PluginDefinition,
  PluginHandle,
  PodInfo,
} from './framework/interfaces.ts'
import { createPodInfo, podKey, podName } from './framework/pod-info.ts'
import { isVerdict } from './framework/verdicts.ts'
import type { AttemptResult, SchedulerMetrics } from './metrics.ts'
import { NO_NODES } from './queue/hints.ts'
import type { QueuedPod } from './queue/queued-pod.ts'
import { EventDurations } from './queue/event-durations.ts'
import { SchedulingQueue, setRejections } from './queue/scheduling-queue.ts'
import type { Decision } from './runtime/binding-cycle.ts'
import { bind, needsPreBind, permitted, reserveAndPermit, unreserve } from './runtime/binding-cycle.ts'
import { tellExpectation } from './runtime/expectation.ts'
import { BoundedTasks } from './runtime/bounded-tasks.ts'
import { createProfile } from './runtime/create-profile.ts'
import { messageOf } from './runtime/diagnosis.ts'
import type { Extender } from './runtime/extender.ts'
import type { Failure } from './runtime/failure.ts'
import { bindingRefusal, REFUSED, rejection, shortened } from './runtime/failure.ts'
import type { FilterRun } from './runtime/filter-run.ts'
import { PermitWaits } from './runtime/permit-waits.ts'
import { PreBinds } from './runtime/pre-binds.ts'
import { patchPodStatus, statusPatch, withdrawal } from './runtime/pod-status.ts'
import type { Profile } from './runtime/profile.ts'
import { PluginDurations } from './runtime/recorder.ts'
import { RejectedError } from './runtime/rejected-error.ts'
import { SchedulingCycle } from './runtime/scheduling-cycle.ts'
import { watchCluster } from './watch.ts'

export interface SchedulerOptions {
  readonly configuration?: SchedulerConfiguration
  readonly metrics?: SchedulerMetrics
  readonly extenders?: readonly Extender[]
  /** Plugins that profiles may name besides the built-in ones, for programs that start a scheduler themselves. */
  readonly plugins?: readonly PluginDefinition[]
}

/** Bindings, evictions and status writes under way at once. */
const TASKS_MAX = 100
/** Cycles in a row before others get their turn: this many, or this long. */
const CYCLES_MAX = 32
const CYCLES_MAX_MS = 5

export function schedulerComponent(options: SchedulerOptions = {}): ComponentDefinition {
  return defineComponent({
    name: KUBE_SCHEDULER,
    user: 'system:kube-scheduler',
    permissions: [],
    createComponent: (context) => new Scheduler(context, options),
  })
}

interface FailureContext {
  /** What a plugin's "no" means at this point. */
  readonly refusal?: typeof rejection
  /** The node that the Pod's status names, though the cache may not know it yet. */
  readonly told?: string | undefined
}

interface Telling {
  /** Nobody need hear of it. */
  readonly isQuiet?: boolean
  readonly told?: string | undefined
}

class Scheduler implements ControllerComponent {
  readonly #context: ControllerContext
  readonly #metrics: SchedulerMetrics | undefined
  readonly #extenders: readonly Extender[]
  readonly #pods: Lister<Pod>
  readonly #cache = new SchedulerCache()
  readonly #profiles: ReadonlyMap<string, Profile>
  readonly #recorders = new Map<string, ApiEventRecorder>()
  readonly #queue: SchedulingQueue
  readonly #cycle: SchedulingCycle
  readonly #tasks = new BoundedTasks(TASKS_MAX)
  readonly #waits: PermitWaits
  readonly #preBinds = new PreBinds()
  readonly #plugins: ReadonlyMap<string, PluginDefinition>
  readonly #durations: PluginDurations
  readonly #eventDurations: EventDurations
  readonly #awaited: Promise<void>[] = []
  readonly #shared = new Map<string, object>()
  readonly #stop = new AbortController()
  #wake: () => void = () => undefined
  #lastError: string | undefined
  #cyclesInARow = 0
  #turnStartedMs = 0

  constructor(context: ControllerContext, options: SchedulerOptions) {
    const { configuration = DEFAULT_CONFIGURATION, metrics, extenders = [], plugins = [] } = options
    this.#context = context
    this.#metrics = metrics
    this.#extenders = extenders
    this.#waits = new PermitWaits(context.clock)
    this.#durations = new PluginDurations(context.clock)
    this.#eventDurations = new EventDurations(context.clock)
    this.#plugins = new Map(plugins.map((plugin) => [plugin.name, plugin]))
    this.#pods = context.lister(PODS)
    this.#profiles = new Map(
      configuration.profiles.map((profile) => [profile.schedulerName, this.#newProfile(profile, configuration)]),
    )
    this.#queue = new SchedulingQueue({
      clock: context.clock,
      initialBackoffMs: configuration.podInitialBackoffMs,
      maxBackoffMs: configuration.podMaxBackoffMs,
      hints: new Map([...this.#profiles].map(([name, { hints }]) => [name, hints])),
      gateOf: (pod) => this.#profileOf(pod)?.gateOf(pod),
      onActive: () => this.#wake(),
      ...(metrics === undefined ? {} : { onIncoming: metrics.queued }),
    })
    this.#cycle = new SchedulingCycle({
      cache: this.#cache,
      nominator: this.#queue.nominator,
      extenders,
      percentageOfNodesToScore: configuration.percentageOfNodesToScore,
      random: context.random,
      logger: context.logger,
    })
    metrics?.measure({
      lengths: () => this.#queue.lengths,
      rejections: () => this.#queue.rejections(),
      inFlightEvents: () => this.#queue.inFlightEvents(),
      cacheSizes: () => ({
        nodes: this.#cache.nodeCount,
        pods: this.#cache.podCount,
        assumed_pods: this.#cache.assumedCount,
      }),
      bindings: () => this.#tasks.size,
      profiles: [...this.#profiles.values()],
      durations: this.#durations,
      eventDurations: this.#eventDurations,
    })
  }

  async run(signal: AbortSignal, onReady: () => void): Promise<void> {
    const plugins = [...this.#profiles.values()].flatMap((profile) => profile.plugins)
    const watch = watchCluster(this.#context, {
      cache: this.#cache,
      queue: this.#queue,
      isOurs: (pod) => this.#profileOf(pod) !== undefined,
      isGone: (key) => this.#waits.get(key)?.reject('', 'removed'),
      plugins,
      durations: this.#eventDurations,
    })
    const wake = (): void => {
      this.#waits.stop()
      this.#wake()
    }
    signal.addEventListener('abort', wake, { once: true })
    this.#queue.start()
    try {
      await untilAborted(Promise.all([watch.synced, ...this.#awaited]), signal)
      onReady()
      await this.#loop(signal)
      await this.#tasks.idle()
    } catch (err: unknown) {
      if (!signal.aborted) throw err
    } finally {
      signal.removeEventListener('abort', wake)
      watch.stop()
      this.#queue.stop()
      this.#stop.abort()
    }
  }

  debug(): object {
    return {
      profiles: [...this.#profiles.keys()],
      queue: { ...this.#queue.lengths, inFlight: this.#queue.inFlight },
      cache: { nodes: this.#cache.nodeCount, pods: this.#cache.podCount, assumed: this.#cache.assumedCount },
      bindings: this.#tasks.size,
      waitingOnPermit: this.#waits.size,
      nominated: this.#queue.nominator.list(),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    }
  }

  #profileOf({ spec }: FrozenPod): Profile | undefined {
    return this.#profiles.get(spec.schedulerName ?? '')
  }

  #newProfile(profile: SchedulerConfiguration['profiles'][number], { extenders }: SchedulerConfiguration): Profile {
    const { client, clock, random, logger } = this.#context
    const component = profile.schedulerName
    const events = new ApiEventRecorder({ client, clock, random, logger, component }, this.#stop.signal)
    this.#recorders.set(component, events)
    const ignored = extenders.flatMap(({ managedResources }) =>
      managedResources.filter(({ ignoredByScheduler }) => ignoredByScheduler).map(({ name }) => name),
    )
    const [durations, eventDurations] = [this.#durations, this.#eventDurations]
    const tools = { ignoredResources: ignored, outOfTree: this.#plugins, durations, eventDurations }
    return createProfile(profile, this.#newHandle(events), tools)
  }

  /** Caches a plugin asks for are full before the first cycle. */
  #newHandle(events: ApiEventRecorder): PluginHandle {
    const { client, clock, random, logger, informer, isGateEnabled } = this.#context
    const awaited: PluginHandle['informer'] = (resource, selection) => {
      const shared = informer(resource, selection)
      this.#awaited.push(shared.synced)
      return shared
    }
    const namespaces = awaited(NAMESPACES)
    return {
      client,
      clock,
      random,
      logger,
      events,
      isGateEnabled,
      informer: awaited,
      lister: (resource, selection) => awaited(resource, selection).lister,
      namespaceLabels: (name) => namespaces.lister.get({ name })?.metadata.labels,
      notify: (event) => this.#queue.notify(event),
      extenders: this.#extenders,
      waitingPod: (key) => this.#waits.get(key),
      waitingPods: () => this.#waits.values(),
      podInPreBind: (key) => this.#preBinds.get(key),
      shared: <T extends object>(name: string, create: () => T): T => {
        const known = (this.#shared.get(name) as T | undefined) ?? create()
        this.#shared.set(name, known)
        return known
      },
      preempting: () => this.#metrics?.triedPreemption(),
      preempted: (victims) => this.#metrics?.preempted(victims),
      evicted: (result, seconds) => this.#metrics?.evicted(result, seconds),
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pod = this.#queue.pop()
      if (pod === undefined) await this.#untilWoken()
      else await this.#scheduleOne(pod, signal)
      await this.#takeTurns()
      if (this.#tasks.isFull) await this.#tasks.room()
    }
  }

  /** Nothing can be added between the empty pop and the promise: both are one turn. */
  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  async #takeTurns(): Promise<void> {
    const { clock } = this.#context
    this.#cyclesInARow++
    if (this.#cyclesInARow < CYCLES_MAX && clock.monotonicMs() - this.#turnStartedMs < CYCLES_MAX_MS) return
    await new Promise((resolve) => setImmediate(resolve))
    this.#cyclesInARow = 0
    this.#turnStartedMs = clock.monotonicMs()
  }

  async #scheduleOne(queued: QueuedPod, signal: AbortSignal): Promise<void> {
    const { pod } = queued.info
    const profile = this.#profileOf(pod)
    if (profile === undefined || this.#cache.isAssumed(queued.key)) {
      this.#queue.done(queued.key)
      return
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#record(pod, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${podName(pod)}`)
      this.#queue.done(queued.key)
      return
    }
    const startedMs = this.#context.clock.monotonicMs()
    try {
      const { node, run } = await this.#cycle.findNode(profile, queued.info, signal)
      this.#metrics?.decided(this.#secondsSince(startedMs))
      run?.countEvaluations()
      if (node !== undefined && run !== undefined) this.#commit(queued, profile, node, run, startedMs, signal)
      else await this.#unfit(queued, profile, run, startedMs, signal)
    } catch (err: unknown) {
      if (!signal.aborted) this.#failed(queued, err, startedMs, signal)
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
    this.#cache.assume(queued.info, node)
    this.#queue.nominator.delete(queued.key)
    let waits: ReadonlyMap<string, number>
    try {
      waits = reserveAndPermit(decision)
    } catch (err: unknown) {
      this.#cache.forget(queued.key)
      throw err
    }
    if (waits.size === 0) this.#tasks.start(() => this.#bind(queued, decision, startedMs, signal))
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
    const { clock } = this.#context
    const waitedFromMs = clock.monotonicMs()
    const decided = this.#waits.add(queued.info.pod, decision.node, waits)
    await this.#tell(decision, signal)
    const verdict = await decided
    this.#metrics?.waitedOnPermit(verdict?.code ?? 'Success', this.#secondsSince(waitedFromMs))
    try {
      permitted(verdict)
      this.#tasks.start(() => this.#bind(queued, decision, startedMs, signal))
    } catch (err: unknown) {
      this.#unbound(queued, decision, err, startedMs, signal)
    }
  }

  /** Never rejects. */
  async #bind(queued: QueuedPod, decision: Decision, startedMs: number, signal: AbortSignal): Promise<void> {
    const { pod } = queued.info
    try {
      // What fails from here on is nobody's "no": it is tried again without waiting for an event.
      this.#queue.done(queued.key)
      const isPreBindNeeded = needsPreBind(decision)
      if (isPreBindNeeded) await this.#tell(decision, signal)
      await bind(decision, { extenders: this.#extenders, preBinds: this.#preBinds, isPreBindNeeded }, signal)
      this.#attempted('scheduled', pod, startedMs)
      this.#metrics?.placed(queued, this.#secondsSince(queued.firstActiveMs ?? startedMs))
      const { namespace, name } = pod.metadata
      this.#record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${decision.node}`)
    } catch (err: unknown) {
      this.#unbound(queued, decision, err, startedMs, signal, bindingRefusal)
    }
  }

  /** It is a courtesy: what goes wrong is only noted. */
  async #tell(decision: Decision, signal: AbortSignal): Promise<void> {
    if (decision.isTold || !this.#context.isGateEnabled('NominatedNodeNameForExpectation')) return
    decision.isTold = true
    try {
      await tellExpectation(this.#context.client, decision, signal)
    } catch (err: unknown) {
      if (!signal.aborted && !isNotFound(err)) this.#note(err, decision.pod.pod)
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
    const placed = this.#cache.get(queued.key)?.pod
    const isForgotten = this.#cache.forget(queued.key)
    if (signal.aborted) return
    this.#failed(queued, err, startedMs, signal, { refusal, told: decision.isTold ? decision.node : undefined })
    const event = { resource: 'pods', action: 'delete', old: placed, object: placed } as const
    if (isForgotten) this.#queue.notify(event, (other) => podKey(other) !== queued.key)
  }

  /** No node: preemption may make room on one. */
  async #unfit(
    queued: QueuedPod,
    profile: Profile,
    run: FilterRun | undefined,
    startedMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { snapshot } = this.#cycle
    if (run === undefined) {
      this.#attempted('unschedulable', queued.info.pod, startedMs)
      const message = 'no nodes available to schedule pods'
      this.#giveBack(queued, { ...REFUSED, message, rejectedBy: [NO_NODES], nominatedNode: '' }, signal)
      return
    }
    const postFilterMs = profile.recorder.now()
    const { nominatedNode, afterwards } = await this.#postFilter(profile, run, signal)
    run.countEvaluations()
    const isFound = nominatedNode !== undefined && nominatedNode !== ''
    profile.recorder.reached('PostFilter', isFound ? 'Success' : 'Unschedulable', postFilterMs)
    this.#attempted('unschedulable', queued.info.pod, startedMs)
    const { rejectedBy, pendingBy } = run.diagnosis
    const message = run.diagnosis.message(snapshot.nodes.length)
    this.#giveBack(queued, { ...REFUSED, message, rejectedBy, pendingBy, nominatedNode }, signal)
    if (afterwards !== undefined) this.#tasks.start(() => this.#makeRoom(queued, afterwards, signal))
  }

  /** The Pod waits in the queue meanwhile. Never rejects. */
  async #makeRoom(
    { key, info }: QueuedPod,
    afterwards: NonNullable<Nomination['afterwards']>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await afterwards(signal)
      this.#queue.openGate(key)
    } catch (err: unknown) {
      if (signal.aborted) return
      this.#note(err, info.pod)
      // No victim's end will wake it.
      this.#queue.activate(key)
    }
  }

  async #postFilter(
    profile: Profile,
    run: FilterRun,
    signal: AbortSignal,
  ): Promise<Pick<Failure, 'nominatedNode'> & Pick<Nomination, 'afterwards'>> {
    const { snapshot } = this.#cycle
    const { nominator } = this.#queue
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
      if (result.code === 'Error') this.#note(result.error ?? messageOf(result), run.pod.pod)
      if (result.clearsNomination === true) nominatedNode = ''
      run.diagnosis.explain(result)
    }
    return { nominatedNode }
  }

  #failed(
    queued: QueuedPod,
    err: unknown,
    startedMs: number,
    signal: AbortSignal,
    { refusal = rejection, told }: FailureContext = {},
  ): void {
    const { pod } = queued.info
    if (err instanceof RejectedError) {
      this.#attempted('unschedulable', pod, startedMs)
      this.#giveBack(queued, refusal(err.verdict), signal, { told })
      return
    }
    this.#attempted('error', pod, startedMs)
    // Somebody else was faster, or the Pod is gone: nothing to tell anybody.
    const isQuiet = isConflict(err) || isNotFound(err)
    if (!isQuiet && !isAbortError(err)) this.#note(err, pod)
    const failure = { ...REFUSED, reason: 'SchedulerError', message: errorMessage(err), nominatedNode: '' } as const
    this.#giveBack(queued, failure, signal, { isQuiet, told })
  }

  /** Back to the queue, with its newest state; the user is told why. */
  #giveBack(queued: QueuedPod, failure: Failure, signal: AbortSignal, { isQuiet, told }: Telling = {}): void {
    const { namespace = '', name = '', uid } = queued.info.pod.metadata
    const current = this.#pods.get({ namespace, name })
    if (current === undefined || current.metadata.uid !== uid || (current.spec.nodeName ?? '') !== '') {
      this.#queue.done(queued.key)
      this.#queue.nominator.delete(queued.key)
      return
    }
    if (current !== queued.info.pod) queued.info = createPodInfo(current)
    setRejections(queued, failure.rejectedBy, failure.pendingBy)
    this.#queue.putBack(queued)
    this.#nominate(queued.info, failure.nominatedNode)
    if (isQuiet !== true) this.#record(current, 'Warning', 'FailedScheduling', shortened(failure.message))
    const { clock } = this.#context
    const patch = isQuiet === true ? withdrawal(current, told) : statusPatch(current, failure, clock, told)
    if (patch !== undefined) this.#tasks.start(() => this.#writeStatus(current, patch, signal))
  }

  #nominate(info: PodInfo, node: string | undefined): void {
    if (node === '') this.#queue.nominator.delete(podKey(info.pod))
    else if (node !== undefined) this.#queue.nominator.set(info, node)
  }

  async #writeStatus(pod: FrozenPod, patch: object, signal: AbortSignal): Promise<void> {
    try {
      await patchPodStatus(this.#context.client, pod, patch, signal)
    } catch (err: unknown) {
      if (signal.aborted || isNotFound(err) || isConflict(err)) return
      this.#note(err, pod)
    }
  }

  #record(pod: FrozenPod, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorders.get(pod.spec.schedulerName ?? '')?.record(pod, type, reason, message)
  }

  #note(err: unknown, pod: FrozenPod): void {
    const { namespace, name } = pod.metadata
    this.#lastError = `${podName(pod)}: ${errorMessage(err)}`
    this.#context.logger.error({ pod: { namespace, name }, err: toError(err) }, 'scheduling failed, trying again')
  }

  #attempted(result: AttemptResult, pod: FrozenPod, startedMs: number): void {
    this.#metrics?.attempted(result, pod.spec.schedulerName ?? '', this.#secondsSince(startedMs))
  }

  #secondsSince(startedMs: number): number {
    return (this.#context.clock.monotonicMs() - startedMs) / 1000
  }
}
