/**
 * A profile's plugins: defaults, what its multiPoint set adds and takes away, what each extension point's set does.
 * Upstream: scheduler framework/runtime expandMultiPointPlugins, apis/config/v1 mergePluginSet.
 */
import type { PluginSet, ProfileConfiguration } from '../config/configuration.ts'
import type { AnyPlugin, PluginArgs, PluginDefinition, PluginHandle } from '../framework/interfaces.ts'
import type { ExtensionPoint } from './extension-points.ts'
import { EXTENSION_POINTS, isCalledAt } from './extension-points.ts'
import type { PluginTable, PluginUse } from './profile.ts'
import { Profile } from './profile.ts'
import type { EventDurations } from '../queue/event-durations.ts'
import { PluginDurations, Recorder } from './recorder.ts'
import { DEFAULT_PLUGINS, REGISTRY } from './registry.ts'

interface Enabled {
  readonly name: string
  readonly weight: number
}

const FIT = 'NodeResourcesFit'

export interface ProfileTools {
  /** Extenders account for them. */
  readonly ignoredResources?: readonly string[]
  /** Plugins there are besides the built-in ones. */
  readonly outOfTree?: ReadonlyMap<string, PluginDefinition>
  /** Of all profiles. */
  readonly durations?: PluginDurations
  readonly eventDurations?: EventDurations
}

/** Throws when a plugin is enabled at a point it does not implement. */
export function createProfile(
  config: ProfileConfiguration,
  handle: PluginHandle,
  {
    ignoredResources = [],
    outOfTree,
    durations = new PluginDurations(handle.clock),
    eventDurations,
  }: ProfileTools = {},
): Profile {
  const made = new Map<string, AnyPlugin>()
  const pluginOf = (name: string): AnyPlugin => {
    const known = made.get(name)
    if (known !== undefined) return known
    const definition = REGISTRY.get(name) ?? outOfTree?.get(name)
    if (definition === undefined) throw new Error(`profile ${config.schedulerName}: no plugin ${name}`)
    const args = config.args.get(name) ?? {}
    const created = definition.create(name === FIT ? withIgnored(args, ignoredResources) : args, handle)
    made.set(name, created)
    return created
  }
  const everywhere = mergeSets(
    DEFAULT_PLUGINS.map(({ definition, weight }) => ({ name: definition.name, weight })),
    config.multiPoint,
  )
  const table = Object.fromEntries(
    EXTENSION_POINTS.map((point) => [point, usesAt(point, everywhere, config.points[point], pluginOf)]),
  ) as unknown as PluginTable
  checkTable(config.schedulerName, table)
  const recorder = new Recorder(handle.clock, durations)
  return new Profile(config.schedulerName, table, config.percentageOfNodesToScore, recorder, eventDurations)
}

function withIgnored(args: PluginArgs, added: readonly string[]): PluginArgs {
  const own = (args['ignoredResources'] ?? []) as readonly string[]
  return added.length === 0 ? args : { ...args, ignoredResources: [...own, ...added] }
}

/** Own plugins of the point first where they replace one of `everywhere`, then those, then the rest of the own. */
function usesAt(
  point: ExtensionPoint,
  everywhere: readonly Enabled[],
  { enabled, disabled }: PluginSet = { enabled: [], disabled: [] },
  pluginOf: (name: string) => AnyPlugin,
): PluginUse[] {
  const own = new Set(enabled.map(({ name }) => name))
  const general = new Map(everywhere.map((entry) => [entry.name, entry]))
  const inherited = disabled.includes('*')
    ? []
    : everywhere.filter(({ name }) => !own.has(name) && !disabled.includes(name) && isCalledAt(pluginOf(name), point))
  const replacing = enabled.filter(({ name }) => general.has(name))
  const additional = enabled.filter(({ name }) => !general.has(name))
  for (const { name } of enabled) {
    if (!isCalledAt(pluginOf(name), point)) throw new Error(`plugin "${name}" does not extend ${point} plugin`)
  }
  return [...replacing, ...inherited, ...additional].map(({ name, weight }) => ({
    plugin: pluginOf(name),
    weight: weight !== 0 ? weight : (general.get(name)?.weight ?? 1),
  }))
}

function mergeSets(defaults: readonly Enabled[], { enabled, disabled }: PluginSet): Enabled[] {
  const added = new Map(enabled.map((entry) => [entry.name, entry]))
  const names = new Set(defaults.map(({ name }) => name))
  const kept = disabled.includes('*') ? [] : defaults.filter(({ name }) => !disabled.includes(name))
  const withWeight = ({ name, weight }: Enabled, otherwise = 1): Enabled => ({
    name,
    weight: weight === 0 ? otherwise : weight,
  })
  const keptNames = new Set(kept.map(({ name }) => name))
  return [
    ...kept.map((entry) => withWeight(added.get(entry.name) ?? entry, entry.weight)),
    ...enabled
      .filter(({ name }) => !names.has(name) || !keptNames.has(name))
      .map((entry) => withWeight(entry, defaults.find(({ name }) => name === entry.name)?.weight)),
  ]
}

function checkTable(profile: string, table: PluginTable): void {
  if (table.queueSort.length !== 1) throw new Error(`profile ${profile}: exactly one queue sort plugin is required`)
  if (table.bind.length === 0) throw new Error(`profile ${profile}: at least one bind plugin is needed`)
}
