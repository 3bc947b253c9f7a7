/** The `extenders` of a KubeSchedulerConfiguration. Upstream: apis/config/validation/validation.go validateExtenders. */

import { errorMessage } from '#machinery/util/errors.ts'
import { parseDurationMs } from '#machinery/util/go-duration.ts'
import { isObject } from '#machinery/util/json.ts'
import { checkInteger, checkLabelName, checkList, checkObject, invalid, unknownFields } from '../framework/args.ts'
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

export function checkExtenders(value: unknown, path: string): string[] {
  const names = new Set<unknown>()
  return [...checkList(value, path, (extender, at) => checkExtender(extender, at, names)), ...checkBinders(value, path)]
}

function checkBinders(value: unknown, path: string): string[] {
  const extenders: readonly unknown[] = Array.isArray(value) ? value : []
  const binders = extenders.filter((extender) => isObject(extender) && Boolean(extender['bindVerb']))
  if (binders.length <= 1) return []
  return [invalid(path, `found ${binders.length} extenders implementing bind`, 'only one extender can implement bind')]
}

function checkExtender(value: unknown, path: string, names: Set<unknown>): string[] {
  return checkObject(value, path, (extender) => {
    const { urlPrefix = '', prioritizeVerb, weight = 0, httpTimeout, managedResources, tlsConfig } = extender
    const errors = unknownFields(extender, path, FIELDS)
    // Upstream finds out when it asks.
    if (!URL.canParse(String(urlPrefix))) errors.push(invalid(`${path}.urlPrefix`, urlPrefix, 'must be a URL'))
    if (prioritizeVerb !== undefined && prioritizeVerb !== '')
      errors.push(...checkInteger(weight, `${path}.weight`, { min: 1 }, 'must have a positive weight applied to it'))
    errors.push(...checkTimeout(httpTimeout, `${path}.httpTimeout`))
    if (tlsConfig !== undefined)
      errors.push(
        ...checkObject(tlsConfig, `${path}.tlsConfig`, (tls) => unknownFields(tls, `${path}.tlsConfig`, TLS_FIELDS)),
      )
    return [
      ...errors,
      ...checkList(managedResources, `${path}.managedResources`, (item, at) => checkManaged(item, at, names)),
    ]
  })
}

/** Among all extenders a resource is named once. */
function checkManaged(value: unknown, path: string, names: Set<unknown>): string[] {
  return checkObject(value, path, (resource) => {
    const { name } = resource
    const at = `${path}.name`
    const errors = unknownFields(resource, path, ['name', 'ignoredByScheduler'])
    const wrong = checkLabelName(name, at)
    const isExtended = typeof name === 'string' && isExtendedResource(name)
    if (wrong.length > 0) errors.push(...wrong)
    else if (!isExtended) errors.push(invalid(at, name, 'is an invalid extended resource name'))
    if (names.has(name)) errors.push(invalid(at, name, 'duplicate extender managed resource name'))
    names.add(name)
    return errors
  })
}

/** Upstream: core/v1/helper IsExtendedResourceName. */
const isExtendedResource = (name: string): boolean =>
  name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.')

function checkTimeout(value: unknown, path: string): string[] {
  try {
    timeoutMs(value)
    return []
  } catch (err: unknown) {
    return [invalid(path, value, errorMessage(err))]
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
