/** The `extenders` of a KubeSchedulerConfiguration. Upstream: apis/config/validation/validation.go validateExtenders. */

import { errorMessage } from '#machinery/util/errors.ts'
import { parseDurationMs } from '#machinery/util/go-duration.ts'
import { isObject } from '#machinery/util/json.ts'
import { checkInteger, checkList, checkObject, unknownFields } from '../framework/args.ts'
import type { ExtenderConfiguration, ExtenderTls } from './configuration.ts'

type Fields = Readonly<Record<string, unknown>>

const DEFAULT_TIMEOUT_MS = 5_000
const FIELDS = [
  'urlPrefix',
  'filterVerb',
  'preemptVerb',
  'prioritizeVerb',
  'weight',
  'bindVerb',
  'enableHTTPS',
  'tlsConfig',
  'httpTimeout',
  'nodeCacheCapable',
  'managedResources',
  'ignorable',
]
const TLS_FIELDS = ['insecure', 'serverName', 'certFile', 'keyFile', 'caFile', 'certData', 'keyData', 'caData']

export function checkExtender(value: unknown, path: string): string[] {
  return checkObject(value, path, (extender) => {
    const { urlPrefix, prioritizeVerb, weight = 1, httpTimeout, managedResources, tlsConfig } = extender
    const errors = unknownFields(extender, path, FIELDS)
    if (!URL.canParse(String(urlPrefix ?? ''))) errors.push(`${path}.urlPrefix: Invalid value: must be a URL`)
    if (prioritizeVerb !== undefined && prioritizeVerb !== '')
      errors.push(...checkInteger(weight, `${path}.weight`, 1, Number.MAX_SAFE_INTEGER))
    errors.push(...checkTimeout(httpTimeout, `${path}.httpTimeout`))
    if (tlsConfig !== undefined)
      errors.push(
        ...checkObject(tlsConfig, `${path}.tlsConfig`, (tls) => unknownFields(tls, `${path}.tlsConfig`, TLS_FIELDS)),
      )
    errors.push(...checkList(managedResources, `${path}.managedResources`, checkManaged))
    errors.push(...checkDuplicates(managedResources, `${path}.managedResources`))
    return errors
  })
}

function checkManaged(value: unknown, path: string): string[] {
  return checkObject(value, path, ({ name }) => {
    const isExtended = typeof name === 'string' && name.includes('/') && !name.includes('kubernetes.io/')
    return isExtended ? [] : [`${path}.name: Invalid value: ${JSON.stringify(name)}: must be an extended resource`]
  })
}

/** Among all of them, an extender accounts for a resource once. */
function checkDuplicates(value: unknown, path: string): string[] {
  const names = Array.isArray(value) ? value.map((item) => (isObject(item) ? item['name'] : undefined)) : []
  return names.flatMap((name, i) =>
    names.indexOf(name) < i ? [`${path}[${i}].name: Invalid value: duplicate extender managed resource name`] : [],
  )
}

function checkTimeout(value: unknown, path: string): string[] {
  try {
    timeoutMs(value)
    return []
  } catch (err: unknown) {
    return [`${path}: Invalid value: ${errorMessage(err)}`]
  }
}

function timeoutMs(value: unknown): number {
  const ms = value === undefined ? 0 : parseDurationMs(String(value))
  return ms === 0 ? DEFAULT_TIMEOUT_MS : ms
}

export function extenderOf(extender: Fields): ExtenderConfiguration {
  const text = (field: string): string => String(extender[field] ?? '')
  return {
    urlPrefix: text('urlPrefix'),
    filterVerb: text('filterVerb'),
    prioritizeVerb: text('prioritizeVerb'),
    preemptVerb: text('preemptVerb'),
    bindVerb: text('bindVerb'),
    weight: Number(extender['weight'] ?? 1),
    enableHttps: extender['enableHTTPS'] === true,
    tls: extender['tlsConfig'] as ExtenderTls | undefined,
    timeoutMs: timeoutMs(extender['httpTimeout']),
    nodeCacheCapable: extender['nodeCacheCapable'] === true,
    managedResources: ((extender['managedResources'] ?? []) as readonly Fields[]).map((resource) => ({
      name: String(resource['name']),
      ignoredByScheduler: resource['ignoredByScheduler'] === true,
    })),
    ignorable: extender['ignorable'] === true,
  }
}
