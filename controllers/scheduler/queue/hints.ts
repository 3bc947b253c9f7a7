/**
 * Whether an event may make a Pod schedulable: the plugins that refused it are asked. Upstream: scheduler
 * backend/queue/scheduling_queue.go isPodWorthRequeuing.
 */
import type { AnyPlugin, ClusterEvent, EventHint } from '../framework/interfaces.ts'
import type { EventDurations, HintAnswer } from './event-durations.ts'
import { eventLabel } from './event-label.ts'
import type { QueuedPod } from './queued-pod.ts'

/** What to do with a Pod that waits. */
export type Strategy = 'stay' | 'after-backoff' | 'now'

/** Refuses Pods on behalf of extenders, which say nothing about events: any may help. */
export const EXTENDER = 'Extender'
/** Refuses Pods while there is no node at all. */
export const NO_NODES = 'NoNodes'

export class HintTable {
  /** Plugin -> `resource/action` -> hints. A plugin without hints is woken by everything. */
  readonly #plugins = new Map<string, ReadonlyMap<string, readonly EventHint[]> | undefined>()

  readonly #durations: EventDurations | undefined

  constructor(plugins: readonly Pick<AnyPlugin, 'name' | 'events'>[], durations?: EventDurations) {
    this.#durations = durations
    this.#plugins.set(NO_NODES, byEvent([{ resource: 'nodes', actions: ['add'] }]))
    for (const { name, events } of plugins) {
      if (events === undefined) this.#plugins.set(name, undefined)
      else this.#plugins.set(name, byEvent(events))
    }
  }

  /** Plugins that an event of this kind concerns. */
  interested(event: ClusterEvent): string[] {
    const names = [...this.#plugins].filter(
      ([, hints]) => hints === undefined || hints.get(`${event.resource}/${event.action}`)?.some(concerns(event)),
    )
    return [...names.map(([name]) => name), EXTENDER]
  }

  strategy(pod: QueuedPod, event: ClusterEvent): Strategy {
    if (pod.gatedBy !== undefined) return this.#mayHelp(pod.gatedBy, pod, event) ? 'after-backoff' : 'stay'
    if (pod.rejectedBy.size === 0 && pod.pendingBy.size === 0) return 'after-backoff'
    for (const plugin of pod.pendingBy) if (this.#mayHelp(plugin, pod, event)) return 'now'
    for (const plugin of pod.rejectedBy) if (this.#mayHelp(plugin, pod, event)) return 'after-backoff'
    return 'stay'
  }

  #mayHelp(plugin: string, pod: QueuedPod, event: ClusterEvent): boolean {
    const hints = this.#plugins.get(plugin)
    if (hints === undefined) return true
    const isConcerned = concerns(event)
    for (const hint of hints.get(`${event.resource}/${event.action}`) ?? [])
      if (isConcerned(hint) && this.#answer(plugin, hint, pod, event) !== 'QueueSkip') return true
    return false
  }

  /** A hint that fails must not leave the Pod waiting. */
  #answer(plugin: string, { mayHelp }: EventHint, pod: QueuedPod, event: ClusterEvent): HintAnswer {
    const startedMs = this.#durations?.now() ?? 0
    let answer: HintAnswer = 'Queue'
    try {
      if (mayHelp?.(pod.info.pod, event) === false) answer = 'QueueSkip'
    } catch {
      answer = 'Error'
    }
    this.#durations?.hinted(plugin, eventLabel(event), answer, startedMs)
    return answer
  }
}

/** An update of no particular kind only concerns those who want to know of every update. */
const concerns =
  ({ action, kind }: ClusterEvent) =>
  ({ kinds }: EventHint): boolean =>
    action !== 'update' || kinds === undefined || (kind !== undefined && kinds.includes(kind))

function byEvent(events: readonly EventHint[]): ReadonlyMap<string, readonly EventHint[]> {
  const table = new Map<string, EventHint[]>()
  for (const hint of events) {
    for (const action of hint.actions) {
      const id = `${hint.resource}/${action}`
      table.set(id, [...(table.get(id) ?? []), hint])
    }
  }
  return table
}
