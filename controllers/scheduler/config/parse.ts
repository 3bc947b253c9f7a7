/**
 * A KubeSchedulerConfiguration document, checked as a whole: every mistake is reported, not only the first.
 * Upstream: scheduler apis/config/v1, apis/config/validation. Fields about the process (leaderElection, clientConnection,
 * profiling, parallelism) are accepted and do nothing here.
 */

import { isObject } from '#machinery/util/json.ts'
import { parseYamlDocuments } from '#machinery/yaml/yaml.ts'
import { checkInteger, checkList, checkObject, unknownFields } from '../framework/args.ts'
import type { PluginArgs } from '../framework/interfaces.ts'
import type { ExtensionPoint } from '../runtime/extension-points.ts'
import { EXTENSION_POINTS } from '../runtime/extension-points.ts'
import { REGISTRY } from '../runtime/registry.ts'
import type { PluginSet, ProfileConfiguration, SchedulerConfiguration } from './configuration.ts'
import { DEFAULT_CONFIGURATION, DEFAULT_SCHEDULER } from './configuration.ts'
import { checkExtender, extenderOf } from './extender-fields.ts'

const API_VERSION = 'kubescheduler.config.k8s.io/v1'
const KIND = 'KubeSchedulerConfiguration'
/** Of the process, not of what it decides. */
const IGNORED = [
  'leaderElection',
  'clientConnection',
  'enableProfiling',
  'enableContentionProfiling',
  'parallelism',
  'delayCacheUntilActive',
]
const KNOWN = [
  ...IGNORED,
  'percentageOfNodesToScore',
  'podInitialBackoffSeconds',
  'podMaxBackoffSeconds',
  'profiles',
  'extenders',
]
const PLUGIN_SETS = ['multiPoint', ...EXTENSION_POINTS] as const

type Fields = Readonly<Record<string, unknown>>

/** Throws an Error that lists what is wrong, one line each. */
export function parseSchedulerConfiguration(text: string): SchedulerConfiguration {
  const documents = parseYamlDocuments(text)
  const value = documents[0]?.value
  if (documents.length !== 1 || !isObject(value)) throw new Error('must be one KubeSchedulerConfiguration document')
  if (value['kind'] !== KIND || value['apiVersion'] !== API_VERSION) {
    const found = `${String(value['apiVersion'])} ${String(value['kind'])}`
    throw new Error(`must be a ${KIND} of ${API_VERSION}, not ${found}`)
  }
  const errors = checkConfiguration(value)
  if (errors.length > 0) throw new Error(errors.join('\n'))
  return configurationOf(value)
}

function checkConfiguration(value: Fields): string[] {
  const { profiles, extenders, podInitialBackoffSeconds: initial = 1, podMaxBackoffSeconds: max = 10 } = value
  const errors = unknownFields(value, '', KNOWN).map((line) => line.slice(1))
  errors.push(...checkInteger(value['percentageOfNodesToScore'], 'percentageOfNodesToScore', 0, 100))
  if (!(Number(initial) > 0)) errors.push('podInitialBackoffSeconds: Invalid value: must be greater than 0')
  if (!(Number(max) >= Number(initial)))
    errors.push('podMaxBackoffSeconds: Invalid value: must be greater than or equal to PodInitialBackoffSeconds')
  errors.push(...checkList(profiles, 'profiles', checkProfile), ...checkNames(profiles))
  errors.push(...checkList(extenders, 'extenders', checkExtender), ...checkBinders(extenders))
  return errors
}

function checkNames(profiles: unknown): string[] {
  if (!Array.isArray(profiles)) return []
  if (profiles.length === 0) return ['profiles: Required value']
  const names = profiles.map((profile) => (isObject(profile) ? (profile['schedulerName'] ?? DEFAULT_SCHEDULER) : ''))
  return names.flatMap((name, i) =>
    names.indexOf(name) < i ? [`profiles[${i}].schedulerName: Duplicate value: ${JSON.stringify(name)}`] : [],
  )
}

function checkBinders(extenders: unknown): string[] {
  if (!Array.isArray(extenders)) return []
  const binders = extenders.filter((extender) => isObject(extender) && Boolean(extender['bindVerb']))
  return binders.length > 1 ? [`extenders: Invalid value: found ${binders.length} extenders implementing bind`] : []
}

function checkProfile(value: unknown, path: string): string[] {
  return checkObject(value, path, (profile) => {
    const errors = unknownFields(profile, path, [
      'schedulerName',
      'percentageOfNodesToScore',
      'plugins',
      'pluginConfig',
    ])
    if (profile['schedulerName'] === '') errors.push(`${path}.schedulerName: Required value`)
    errors.push(...checkInteger(profile['percentageOfNodesToScore'], `${path}.percentageOfNodesToScore`, 0, 100))
    errors.push(...checkPlugins(profile['plugins'], `${path}.plugins`))
    errors.push(...checkList(profile['pluginConfig'], `${path}.pluginConfig`, checkPluginConfig))
    return errors
  })
}

function checkPlugins(value: unknown, path: string): string[] {
  if (value === undefined || value === null) return []
  return checkObject(value, path, (plugins) => [
    ...unknownFields(plugins, path, PLUGIN_SETS),
    ...PLUGIN_SETS.flatMap((point) => {
      const set = plugins[point]
      if (set === undefined || set === null) return []
      const at = `${path}.${point}`
      return checkObject(set, at, ({ enabled, disabled }) => [
        ...checkList(enabled, `${at}.enabled`, checkEnabled),
        ...checkList(disabled, `${at}.disabled`, (item, where) =>
          nameOf(item) === '' ? [`${where}.name: Required value`] : [],
        ),
      ])
    }),
  ])
}

function checkEnabled(value: unknown, path: string): string[] {
  return checkObject(value, path, ({ name, weight }) => {
    const errors = checkInteger(weight, `${path}.weight`, 0, 1_000_000)
    if (!REGISTRY.has(String(name))) errors.push(`${path}.name: Invalid value: ${JSON.stringify(name)}: no such plugin`)
    return errors
  })
}

function checkPluginConfig(value: unknown, path: string): string[] {
  return checkObject(value, path, ({ name, args }) => {
    const definition = REGISTRY.get(String(name))
    if (definition === undefined) return [`${path}.name: Invalid value: ${JSON.stringify(name)}: no such plugin`]
    const at = `${path}.args`
    if (args === undefined || args === null) return []
    return checkObject(
      args,
      at,
      (fields) => definition.checkArgs?.(withoutType(fields), at) ?? unknownFields(fields, at, []),
    )
  })
}

function configurationOf(value: Fields): SchedulerConfiguration {
  const { profiles, extenders } = value
  const seconds = (field: string, otherwiseMs: number): number =>
    value[field] === undefined ? otherwiseMs : Number(value[field]) * 1000
  return {
    percentageOfNodesToScore: Number(value['percentageOfNodesToScore'] ?? 0),
    podInitialBackoffMs: seconds('podInitialBackoffSeconds', DEFAULT_CONFIGURATION.podInitialBackoffMs),
    podMaxBackoffMs: seconds('podMaxBackoffSeconds', DEFAULT_CONFIGURATION.podMaxBackoffMs),
    profiles: Array.isArray(profiles) ? profiles.map(profileOf) : DEFAULT_CONFIGURATION.profiles,
    extenders: Array.isArray(extenders) ? extenders.map(extenderOf) : [],
  }
}

function profileOf(profile: Fields): ProfileConfiguration {
  const plugins = (profile['plugins'] ?? {}) as Readonly<Record<string, unknown>>
  const points = EXTENSION_POINTS.flatMap((point) =>
    plugins[point] === undefined || plugins[point] === null ? [] : [[point, pluginSetOf(plugins[point])] as const],
  )
  const configs = (profile['pluginConfig'] ?? []) as readonly Fields[]
  const percentage = profile['percentageOfNodesToScore']
  return {
    schedulerName: String(profile['schedulerName'] ?? DEFAULT_SCHEDULER),
    ...(percentage === undefined ? {} : { percentageOfNodesToScore: Number(percentage) }),
    multiPoint: pluginSetOf(plugins['multiPoint'] ?? {}),
    points: Object.fromEntries(points) as Partial<Record<ExtensionPoint, PluginSet>>,
    args: new Map(configs.map(({ name, args }) => [String(name), withoutType((args ?? {}) as PluginArgs)])),
  }
}

function pluginSetOf(value: unknown): PluginSet {
  const { enabled, disabled } = value as Fields
  return {
    enabled: ((enabled ?? []) as readonly Fields[]).map(({ name, weight }) => ({
      name: String(name),
      weight: Number(weight ?? 0),
    })),
    disabled: ((disabled ?? []) as readonly unknown[]).map(nameOf),
  }
}

const nameOf = (item: unknown): string => (isObject(item) ? String(item['name'] ?? '') : '')

function withoutType(args: PluginArgs): PluginArgs {
  const { apiVersion: _version, kind: _kind, ...rest } = args
  return rest
}
