/**
 * Binds Pods to nodes: one scheduling cycle after the other, bindings beside them.
 *
 * Reads: pods, nodes and what plugins want, from caches.  Writes: pods/binding, pods/status (PodScheduled,
 * nominatedNodeName); events; what plugins write.
 * Upstream: pkg/scheduler. Differs: one cycle is synchronous from the snapshot to the decision.
 */
import { NAMESPACES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import { untilAborted } from '#machinery/informers/factory.ts'
import type { ComponentDefinition, ControllerComponent, ControllerContext } from '#sdk'
import { ApiEventRecorder, defineComponent } from '#sdk'
import { KUBE_SCHEDULER } from '../manager/names.ts'
import { SchedulerCache } from './cache/scheduler-cache.ts'
import type { SchedulerConfiguration } from './config/configuration.ts'
import { DEFAULT_CONFIGURATION } from './config/configuration.ts'
import type { FrozenPod, PluginDefinition, PluginHandle } from './framework/interfaces.ts'
import type { SchedulerMetrics } from './metrics.ts'
import { EventDurations } from './queue/event-durations.ts'
import { SchedulingQueue } from './queue/scheduling-queue.ts'
import { Attempts } from './runtime/attempts.ts'
import { BoundedTasks } from './runtime/bounded-tasks.ts'
import { createProfile } from './runtime/create-profile.ts'
import type { Extender } from './runtime/extender.ts'
import { Outcomes } from './runtime/outcomes.ts'
import { PermitWaits } from './runtime/permit-waits.ts'
import { PreBinds } from './runtime/pre-binds.ts'
import type { Profile } from './runtime/profile.ts'
import { PluginDurations } from './runtime/recorder.ts'
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

class Scheduler implements ControllerComponent {
  readonly #context: ControllerContext
  readonly #metrics: SchedulerMetrics | undefined
  readonly #extenders: readonly Extender[]
  readonly #cache = new SchedulerCache()
  readonly #profiles: ReadonlyMap<string, Profile>
  readonly #recorders = new Map<string, ApiEventRecorder>()
  readonly #queue: SchedulingQueue
  readonly #attempts: Attempts
  readonly #outcomes: Outcomes
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
    const cycle = new SchedulingCycle({
      cache: this.#cache,
      nominator: this.#queue.nominator,
      extenders,
      percentageOfNodesToScore: configuration.percentageOfNodesToScore,
      random: context.random,
      logger: context.logger,
    })
    const [queue, tasks, pods] = [this.#queue, this.#tasks, context.lister(PODS)]
    this.#outcomes = new Outcomes({ context, metrics, pods, queue, tasks, recorders: this.#recorders })
    this.#attempts = new Attempts({
      context,
      metrics,
      extenders,
      cache: this.#cache,
      queue,
      cycle,
      tasks,
      waits: this.#waits,
      preBinds: this.#preBinds,
      outcomes: this.#outcomes,
      profileOf: (pod) => this.#profileOf(pod),
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
    const { lastError } = this.#outcomes
    return {
      profiles: [...this.#profiles.keys()],
      queue: { ...this.#queue.lengths, inFlight: this.#queue.inFlight },
      cache: { nodes: this.#cache.nodeCount, pods: this.#cache.podCount, assumed: this.#cache.assumedCount },
      bindings: this.#tasks.size,
      waitingOnPermit: this.#waits.size,
      nominated: this.#queue.nominator.list(),
      ...(lastError === undefined ? {} : { lastError }),
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
      else await this.#attempts.run(pod, signal)
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
}
