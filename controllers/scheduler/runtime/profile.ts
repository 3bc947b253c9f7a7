/**
 * One schedulerName: its plugins by extension point, in the order they are called. Upstream: scheduler framework/runtime.
 */

import type {
  AnyPlugin,
  BindPlugin,
  FilterPlugin,
  FrozenPod,
  PermitPlugin,
  PostBindPlugin,
  PostFilterPlugin,
  PreBindPlugin,
  ReservePlugin,
  ScorePlugin,
} from '../framework/interfaces.ts'
import type { EventDurations } from '../queue/event-durations.ts'
import { HintTable } from '../queue/hints.ts'
import type { ExtensionPoint } from './extension-points.ts'
import type { Evaluations } from './recorder.ts'
import { PluginDurations, Recorder } from './recorder.ts'

export interface PluginUse {
  readonly plugin: AnyPlugin
  /** Of its scores. */
  readonly weight: number
}

export interface FilterUse {
  readonly plugin: FilterPlugin
  readonly hasPreFilter: boolean
  readonly hasFilter: boolean
  readonly evaluations: Evaluations
}

export interface ScoreUse {
  readonly plugin: ScorePlugin
  readonly weight: number
  readonly hasPreScore: boolean
  readonly evaluations: Evaluations
}

/** For profiles nobody measures. */
const STILL = { monotonicMs: () => 0 }

export type PluginTable = Readonly<Record<ExtensionPoint, readonly PluginUse[]>>

export class Profile {
  readonly schedulerName: string
  /** Absent: as for all profiles. */
  readonly percentageOfNodesToScore: number | undefined
  readonly hints: HintTable
  readonly preEnqueue: readonly AnyPlugin[]
  readonly filters: readonly FilterUse[]
  readonly postFilters: readonly PostFilterPlugin[]
  readonly scores: readonly ScoreUse[]
  readonly reserves: readonly ReservePlugin[]
  readonly permits: readonly PermitPlugin[]
  readonly preBinds: readonly PreBindPlugin[]
  readonly binds: readonly BindPlugin[]
  readonly postBinds: readonly PostBindPlugin[]
  /** What they did, for the metrics. */
  readonly recorder: Recorder
  /** Each once. */
  readonly plugins: readonly AnyPlugin[]

  constructor(
    schedulerName: string,
    table: PluginTable,
    percentageOfNodesToScore?: number,
    recorder = new Recorder(STILL, new PluginDurations(STILL)),
    eventDurations?: EventDurations,
  ) {
    const pluginsAt = <T>(point: ExtensionPoint): readonly T[] => table[point].map(({ plugin }) => plugin as T)
    this.schedulerName = schedulerName
    this.percentageOfNodesToScore = percentageOfNodesToScore
    this.preEnqueue = pluginsAt('preEnqueue')
    this.recorder = recorder
    this.filters = filtersOf(table, recorder)
    this.postFilters = pluginsAt('postFilter')
    const preScores = new Set(pluginsAt<AnyPlugin>('preScore'))
    this.scores = table.score.map(({ plugin, weight }) => ({
      plugin: plugin as ScorePlugin,
      weight,
      hasPreScore: preScores.has(plugin),
      evaluations: recorder.evaluationsOf(plugin.name),
    }))
    this.reserves = pluginsAt('reserve')
    this.permits = pluginsAt('permit')
    this.preBinds = pluginsAt('preBind')
    this.binds = pluginsAt('bind')
    this.postBinds = pluginsAt('postBind')
    this.plugins = [...new Set(Object.values(table).flatMap((uses) => uses.map(({ plugin }) => plugin)))]
    this.hints = new HintTable(this.plugins, eventDurations)
  }

  /** The plugin that keeps the Pod out of the queue. */
  gateOf(pod: FrozenPod): string | undefined {
    return this.preEnqueue.find((plugin) => plugin.preEnqueue?.(pod) !== undefined)?.name
  }
}

/** PreFilter plugins in their order, then those that only filter: the order of the filters is the table's. */
function filtersOf(table: PluginTable, recorder: Recorder): FilterUse[] {
  const filters = new Set(table.filter.map(({ plugin }) => plugin))
  const preFilters = new Set(table.preFilter.map(({ plugin }) => plugin))
  return [...new Set([...filters, ...preFilters])].map((plugin) => ({
    plugin: plugin as FilterPlugin,
    hasPreFilter: preFilters.has(plugin),
    hasFilter: filters.has(plugin),
    evaluations: recorder.evaluationsOf(plugin.name),
  }))
}
