/**
 * The `profiles` of a KubeSchedulerConfiguration, checked. Upstream: apis/config/validation/validation.go
 * validateKubeSchedulerProfile, validatePluginConfig, validateCommonQueueSort; apis/config/scheme for args of another kind.
 */
import { deepEqual, isObject } from '#machinery/util/json.ts'
import { checkInteger, checkList, checkObject, duplicate, invalid, required, unknownFields } from '../framework/args.ts'
import type { PluginArgs } from '../framework/interfaces.ts'
import { EXTENSION_POINTS } from '../runtime/extension-points.ts'
import { REGISTRY } from '../runtime/registry.ts'
import { DEFAULT_SCHEDULER } from './configuration.ts'

type Fields = Readonly<Record<string, unknown>>

const API_GROUP = 'kubescheduler.config.k8s.io'
export const API_VERSION = `${API_GROUP}/v1`
const PLUGIN_SETS = ['multiPoint', ...EXTENSION_POINTS] as const
/** Upstream had them once. */
const REMOVED_PLUGINS = ['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits']
const REMOVED = `was invalid in version "v1" (KubeSchedulerConfiguration is version "${API_VERSION}")`

/** A profile that is alone has a name in any case. */
export const nameOfProfile = (profile: unknown, profiles: readonly unknown[]): unknown =>
  (isObject(profile) ? profile['schedulerName'] : undefined) ?? (profiles.length === 1 ? DEFAULT_SCHEDULER : '')

export function checkProfiles(value: unknown): string[] {
  const profiles: readonly unknown[] = Array.isArray(value) ? value : []
  const names = profiles.map((profile) => nameOfProfile(profile, profiles))
  return [
    ...checkList(value, 'profiles', (profile, path, place) => {
      const first = names.indexOf(names[place])
      return [
        ...checkProfile(profile, path, names[place]),
        ...(first < place ? [duplicate(`${path}.schedulerName`, `profiles[${first}].schedulerName`)] : []),
      ]
    }),
    ...checkQueueSort(profiles.map((profile) => (isObject(profile) ? profile['plugins'] : undefined))),
  ]
}

/** There is one queue. */
function checkQueueSort(plugins: readonly unknown[]): string[] {
  const sets = plugins.map((one) => (isObject(one) && isObject(one['queueSort']) ? one['queueSort'] : {}))
  const enabled = sets[0]?.['enabled']
  const errors: string[] = []
  if (Array.isArray(enabled) && enabled.length > 1)
    errors.push(
      invalid('profiles[0].plugins.queueSort.Enabled', enabled.length, 'only one queue sort plugin can be enabled'),
    )
  sets.forEach((set, i) => {
    if (!deepEqual(set, sets[0]))
      errors.push(invalid(`profiles[${i}].plugins.queueSort`, set, 'must be the same for all profiles'))
  })
  return errors
}

function checkProfile(value: unknown, path: string, name: unknown): string[] {
  return checkObject(value, path, (profile) => [
    ...unknownFields(profile, path, ['schedulerName', 'percentageOfNodesToScore', 'plugins', 'pluginConfig']),
    ...(name === '' ? [required(`${path}.schedulerName`)] : []),
    ...checkPercentage(profile['percentageOfNodesToScore'], `${path}.percentageOfNodesToScore`),
    ...checkPlugins(profile['plugins'], `${path}.plugins`),
    ...checkPluginConfigs(profile['pluginConfig'], `${path}.pluginConfig`),
  ])
}

export const checkPercentage = (value: unknown, path: string): string[] =>
  value === undefined || value === null
    ? []
    : checkInteger(value, path, { min: 0, max: 100 }, 'not in valid range [0-100]')

function checkPlugins(value: unknown, path: string): string[] {
  if (value === undefined || value === null) return []
  return checkObject(value, path, (plugins) => [
    ...unknownFields(plugins, path, PLUGIN_SETS),
    ...PLUGIN_SETS.flatMap((point) => {
      const set = plugins[point]
      return set === undefined || set === null ? [] : checkPluginSet(set, `${path}.${point}`)
    }),
  ])
}

function checkPluginSet(value: unknown, path: string): string[] {
  return checkObject(value, path, (set) => [
    ...unknownFields(set, path, ['enabled', 'disabled']),
    ...checkList(set['enabled'], `${path}.enabled`, checkEnabled),
    ...checkList(set['disabled'], `${path}.disabled`, (item, at) => checkObject(item, at, () => [])),
  ])
}

function checkEnabled(value: unknown, path: string): string[] {
  return checkObject(value, path, (plugin) => {
    const { name = '', weight = 0 } = plugin
    const errors = unknownFields(plugin, path, ['name', 'weight'])
    if (REMOVED_PLUGINS.includes(String(name))) errors.push(invalid(path, name, REMOVED))
    else if (!REGISTRY.has(String(name))) errors.push(invalid(`${path}.name`, name, 'no such plugin'))
    return [...errors, ...checkInteger(weight, `${path}.weight`, { min: 0, max: 1_000_000 }, 'not in valid range')]
  })
}

function checkPluginConfigs(value: unknown, path: string): string[] {
  const names = new Set<string>()
  return checkList(value, path, (item, at) =>
    checkObject(item, at, (config) => {
      const name = String(config['name'] ?? '')
      const repeated = names.has(name) ? [duplicate(at, name)] : []
      names.add(name)
      return [
        ...unknownFields(config, at, ['name', 'args']),
        ...repeated,
        ...checkPluginConfig(name, config['args'], at),
      ]
    }),
  )
}

function checkPluginConfig(name: string, args: unknown, path: string): string[] {
  if (REMOVED_PLUGINS.includes(name)) return [invalid(path, name, REMOVED)]
  const definition = REGISTRY.get(name)
  if (definition === undefined) return [invalid(`${path}.name`, name, 'no such plugin')]
  if (args === undefined || args === null) return []
  const at = `${path}.args`
  return checkObject(args, at, (fields) => [
    ...checkKind(name, fields, path),
    ...(definition.checkArgs?.(withoutType(fields), at) ?? unknownFields(fields, at, [])),
  ])
}

/** Args that say what they are have to be the plugin's. */
function checkKind(name: string, { apiVersion = API_VERSION, kind }: Fields, path: string): string[] {
  const [group = ''] = String(apiVersion).split('/')
  if (kind === undefined || (kind === `${name}Args` && group === API_GROUP)) return []
  const wanted = `args for plugin ${name} were not of type ${name}Args.${API_GROUP}`
  return [`decoding .${path}: ${wanted}, got ${String(kind)}.${group}`]
}

export function withoutType(args: PluginArgs): PluginArgs {
  const { apiVersion: _version, kind: _kind, ...rest } = args
  return rest
}
