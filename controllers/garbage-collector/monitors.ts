/**
 * One watch per deletable resource, kept in step with discovery: started when a resource appears, stopped when it goes.
 * Objects pass through to the graph and are not kept.
 * Upstream: pkg/controller/garbagecollector/{garbagecollector,graph_builder}.go Sync, syncMonitors.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DiscoveredResource, Discovery } from '#machinery/client/discovery.ts'
import type { ReflectorDependencies, ReflectorSink } from '#machinery/informers/reflector.ts'
import { Reflector } from '#machinery/informers/reflector.ts'
import type { GroupKind, Resource } from '#machinery/meta/resource.ts'
import { groupResourceString } from '#machinery/meta/resource.ts'
import { sleep } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { DependencyGraph } from './graph.ts'

interface Monitor {
  readonly resource: DiscoveredResource
  readonly stop: AbortController
  readonly synced: Promise<void>
  hasSynced: boolean
}

/** Events own nothing worth collecting and come in floods. */
const IGNORED = new Set(['events', 'events.events.k8s.io'])
const CRDS = 'customresourcedefinitions.apiextensions.k8s.io'
/** Monitors that fill the graph at the same time. */
const STARTING_MAX = 8
const START_WAIT_MS = 5_000

export class GraphMonitors {
  readonly #graph: DependencyGraph
  readonly #dependencies: ReflectorDependencies
  readonly #onDefinitionsChanged: () => void
  readonly #monitors = new Map<string, Monitor>()
  #byKind = new Map<string, DiscoveredResource>()

  constructor(graph: DependencyGraph, dependencies: ReflectorDependencies, onDefinitionsChanged: () => void) {
    this.#graph = graph
    this.#dependencies = dependencies
    this.#onDefinitionsChanged = onDefinitionsChanged
  }

  get count(): number {
    return this.#monitors.size
  }

  get isSynced(): boolean {
    for (const { hasSynced } of this.#monitors.values()) if (!hasSynced) return false
    return true
  }

  get unsynced(): string[] {
    return [...this.#monitors.values()]
      .filter(({ hasSynced }) => !hasSynced)
      .map(({ resource }) => groupResourceString(resource))
  }

  /** Undefined: no such kind is served. */
  resourceOf({ group, kind }: GroupKind): DiscoveredResource | undefined {
    return this.#byKind.get(`${group}/${kind}`)
  }

  /** Resolves when every monitor of this moment has listed once. */
  async synced(): Promise<void> {
    await Promise.all([...this.#monitors.values()].map((monitor) => monitor.synced))
  }

  /** Starts and stops what `discovery` calls for. Groups that failed discovery keep what they have. */
  async update(discovery: Discovery, signal: AbortSignal): Promise<void> {
    const failed = new Set(discovery.failures.map(({ groupVersion }) => groupVersion.split('/')[0]))
    const wanted = new Map<string, DiscoveredResource>()
    const byKind = new Map<string, DiscoveredResource>()
    for (const resource of discovery.resources) {
      byKind.set(`${resource.group}/${resource.kind}`, resource)
      const id = groupResourceString(resource)
      const isDeletable = ['delete', 'list', 'watch'].every((verb) => resource.verbs.includes(verb))
      if (isDeletable && !IGNORED.has(id)) wanted.set(id, resource)
    }
    for (const [id, { resource }] of this.#monitors)
      if (!wanted.has(id) && failed.has(resource.group)) {
        wanted.set(id, resource)
        byKind.set(`${resource.group}/${resource.kind}`, resource)
      }
    this.#byKind = byKind
    this.#stopObsolete(wanted)
    const missing = [...wanted].filter(([id]) => !this.#monitors.has(id)).map(([, resource]) => resource)
    await this.#startInTurns(missing, signal)
  }

  #stopObsolete(wanted: ReadonlyMap<string, DiscoveredResource>): void {
    for (const [id, monitor] of this.#monitors) {
      const now = wanted.get(id)
      if (now !== undefined && now.version === monitor.resource.version) continue
      monitor.stop.abort()
      this.#monitors.delete(id)
    }
  }

  /** A few at a time: a start must not hold up everything else in the process. */
  async #startInTurns(resources: readonly DiscoveredResource[], signal: AbortSignal): Promise<void> {
    const started: Monitor[] = resources.map((resource) => this.#newMonitor(resource))
    for (const monitor of started) this.#monitors.set(groupResourceString(monitor.resource), monitor)
    for (let next = 0; next < started.length && !signal.aborted; next += STARTING_MAX) {
      const turn = started.slice(next, next + STARTING_MAX)
      for (const monitor of turn) this.#run(monitor, signal)
      const waited = sleep(this.#dependencies.clock, START_WAIT_MS, signal).catch(() => undefined)
      await Promise.race([Promise.all(turn.map(({ synced }) => synced)), waited])
    }
  }

  readonly #sinks = new WeakMap<Monitor, ReflectorSink>()

  #newMonitor(resource: DiscoveredResource): Monitor {
    let markSynced: () => void = () => undefined
    const synced = new Promise<void>((resolve) => {
      markSynced = resolve
    })
    const monitor: Monitor = { resource, stop: new AbortController(), synced, hasSynced: false }
    this.#sinks.set(
      monitor,
      this.#sink(resource, () => {
        monitor.hasSynced = true
        markSynced()
      }),
    )
    // Nobody waits for a monitor that has been stopped.
    monitor.stop.signal.addEventListener('abort', () => markSynced(), { once: true })
    return monitor
  }

  #run(monitor: Monitor, signal: AbortSignal): void {
    const sink = this.#sinks.get(monitor)
    if (sink === undefined || monitor.stop.signal.aborted) return
    const stop = (): void => monitor.stop.abort(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    const reflector = new Reflector(monitor.resource as Resource, {}, sink, this.#dependencies)
    void reflector.run(monitor.stop.signal).finally(() => signal.removeEventListener('abort', stop))
  }

  #sink(resource: DiscoveredResource, onListed: () => void): ReflectorSink {
    const isDefinitions = groupResourceString(resource) === CRDS
    const changed = (): void => {
      if (isDefinitions) this.#onDefinitionsChanged()
    }
    return {
      replace: (objects) => {
        this.#replace(resource, objects)
        onListed()
        changed()
      },
      upsert: (object) => {
        this.#graph.upsert(resource, object)
        changed()
      },
      delete: (object) => {
        this.#graph.remove(object.metadata.uid ?? '')
        changed()
      },
      // Its definition is gone, or about to be: the next discovery stops this monitor.
      unserved: () => this.#onDefinitionsChanged(),
    }
  }

  #replace(resource: Resource, objects: readonly DeepReadonly<KubeObject>[]): void {
    const gone = new Set(this.#graph.uidsOf(resource))
    for (const object of objects) gone.delete(object.metadata.uid ?? '')
    for (const object of objects) this.#graph.upsert(resource, object)
    for (const uid of gone) this.#graph.remove(uid)
  }
}
