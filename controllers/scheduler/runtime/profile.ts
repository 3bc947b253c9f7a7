/**
 * One schedulerName: its plugins by extension point, in the order they are called. Upstream: scheduler framework/runtime.
 */

import type {
  AnyPlugin,
  BindPlugin,
  FilterPlugin,
  FrozenPod,
  PermitPlugin,
  PostFilterPlugin,
  PreBindPlugin,
  ReservePlugin,
  ScorePlugin,
} from '../framework/interfaces.ts'
import { HintTable } from '../queue/hints.ts'
import type { ExtensionPoint } from './extension-points.ts'

export interface PluginUse {
  readonly plugin: AnyPlugin
  /** Of its scores. */
  readonly weight: number
}

export type PluginTable = Readonly<Record<ExtensionPoint, readonly PluginUse[]>>

export class Profile {
  readonly schedulerName: string
  /** Absent: as for all profiles. */
  readonly percentageOfNodesToScore: number | undefined
  readonly hints: HintTable
  readonly preEnqueue: readonly AnyPlugin[]
  readonly filters: readonly {
    readonly plugin: FilterPlugin
    readonly hasPreFilter: boolean
    readonly hasFilter: boolean
  }[]
  readonly postFilters: readonly PostFilterPlugin[]
  readonly scores: readonly { readonly plugin: ScorePlugin; readonly weight: number; readonly hasPreScore: boolean }[]
  readonly reserves: readonly ReservePlugin[]
  readonly permits: readonly PermitPlugin[]
  readonly preBinds: readonly PreBindPlugin[]
  readonly binds: readonly BindPlugin[]
  /** Each once. */
  readonly plugins: readonly AnyPlugin[]

  constructor(schedulerName: string, table: PluginTable, percentageOfNodesToScore?: number) {
    const pluginsAt = <T>(point: ExtensionPoint): readonly T[] => table[point].map(({ plugin }) => plugin as T)
    this.schedulerName = schedulerName
    this.percentageOfNodesToScore = percentageOfNodesToScore
    this.preEnqueue = pluginsAt('preEnqueue')
    this.filters = filtersOf(table)
    this.postFilters = pluginsAt('postFilter')
    const preScores = new Set(pluginsAt<AnyPlugin>('preScore'))
    this.scores = table.score.map(({ plugin, weight }) => ({
      plugin: plugin as ScorePlugin,
      weight,
      hasPreScore: preScores.has(plugin),
    }))
    this.reserves = pluginsAt('reserve')
    this.permits = pluginsAt('permit')
    this.preBinds = pluginsAt('preBind')
    this.binds = pluginsAt('bind')
    this.plugins = [...new Set(Object.values(table).flatMap((uses) => uses.map(({ plugin }) => plugin)))]
    this.hints = new HintTable(this.plugins)
  }

  /** The plugin that keeps the Pod out of the queue. */
  gateOf(pod: FrozenPod): string | undefined {
    return this.preEnqueue.find((plugin) => plugin.preEnqueue?.(pod) !== undefined)?.name
  }
}

/** PreFilter plugins in their order, then those that only filter: the order of the filters is the table's. */
function filtersOf(table: PluginTable): Profile['filters'] {
  const filters = new Set(table.filter.map(({ plugin }) => plugin))
  const preFilters = new Set(table.preFilter.map(({ plugin }) => plugin))
  return [...new Set([...filters, ...preFilters])].map((plugin) => ({
    plugin: plugin as FilterPlugin,
    hasPreFilter: preFilters.has(plugin),
    hasFilter: filters.has(plugin),
  }))
}
