/**
 * A KubeSchedulerConfiguration document, checked as a whole: every mistake is reported, not only the first.
 * Upstream: scheduler apis/config/v1/defaults.go, apis/config/validation/validation.go.
 */

import { isObject } from '#machinery/util/json.ts'
import { parseYamlDocuments } from '#machinery/yaml/yaml.ts'
import { checkInteger, unknownFields } from '../framework/args.ts'
import type { PluginArgs } from '../framework/interfaces.ts'
import type { ExtensionPoint } from '../runtime/extension-points.ts'
import { EXTENSION_POINTS } from '../runtime/extension-points.ts'
import type { PluginSet, ProfileConfiguration, SchedulerConfiguration } from './configuration.ts'
import { DEFAULT_CONFIGURATION } from './configuration.ts'
import { checkExtenders, extenderOf } from './extender-fields.ts'
import { checkProcessFields, PROCESS_FIELDS } from './process-fields.ts'
import { API_VERSION, checkPercentage, checkProfiles, nameOfProfile, withoutType } from './profile-fields.ts'

const KIND = 'KubeSchedulerConfiguration'
const KNOWN = [
  ...PROCESS_FIELDS,
  'percentageOfNodesToScore',
  'podInitialBackoffSeconds',
  'podMaxBackoffSeconds',
  'profiles',
  'extenders',
]

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
  const { podInitialBackoffSeconds: initial = 1, podMaxBackoffSeconds: max = 10 } = value
  const tooShort = 'must be greater than or equal to PodInitialBackoffSeconds'
  return [
    ...unknownFields(value, '', KNOWN),
    ...checkProcessFields(value),
    ...checkProfiles(value['profiles']),
    ...checkPercentage(value['percentageOfNodesToScore'], 'percentageOfNodesToScore'),
    ...checkInteger(initial, 'podInitialBackoffSeconds', { min: 1 }, 'must be greater than 0'),
    ...checkInteger(max, 'podMaxBackoffSeconds', { min: Number(initial) }, tooShort),
    ...checkExtenders(value['extenders'], 'extenders'),
  ]
}

function configurationOf(value: Fields): SchedulerConfiguration {
  const { profiles, extenders } = value
  const seconds = (field: string, otherwiseMs: number): number =>
    value[field] === undefined ? otherwiseMs : Number(value[field]) * 1000
  return {
    percentageOfNodesToScore: Number(value['percentageOfNodesToScore'] ?? 0),
    podInitialBackoffMs: seconds('podInitialBackoffSeconds', DEFAULT_CONFIGURATION.podInitialBackoffMs),
    podMaxBackoffMs: seconds('podMaxBackoffSeconds', DEFAULT_CONFIGURATION.podMaxBackoffMs),
    profiles: profilesOf(profiles),
    extenders: Array.isArray(extenders) ? extenders.map(extenderOf) : [],
  }
}

function profilesOf(value: unknown): readonly ProfileConfiguration[] {
  const profiles = Array.isArray(value) ? (value as readonly Fields[]) : []
  if (profiles.length === 0) return DEFAULT_CONFIGURATION.profiles
  return profiles.map((profile) => profileOf(profile, String(nameOfProfile(profile, profiles))))
}

function profileOf(profile: Fields, schedulerName: string): ProfileConfiguration {
  const plugins = (profile['plugins'] ?? {}) as Readonly<Record<string, unknown>>
  const points = EXTENSION_POINTS.flatMap((point) =>
    plugins[point] === undefined || plugins[point] === null ? [] : [[point, pluginSetOf(plugins[point])] as const],
  )
  const configs = (profile['pluginConfig'] ?? []) as readonly Fields[]
  const percentage = profile['percentageOfNodesToScore']
  return {
    schedulerName,
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
