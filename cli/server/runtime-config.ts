/**
 * --runtime-config: which API versions are served besides the stable ones, in kube-apiserver's words: `api/all`, `api/ga`,
 * `api/beta`, `api/alpha`, `group/version`, `group/version/resource`, each with `=true` or `=false`; the more specific goes first.
 * Upstream: apiserver pkg/server/resourceconfig/helpers.go, pkg/server/options/api_enablement.go.
 * Differs: a stable version cannot be turned off, for the server needs what it serves; turning on what is not here is an error.
 */
import type { IsApiEnabled } from '#apiserver/apis/feature-gates.ts'
import { STABLE_APIS_ON } from '#apiserver/apis/feature-gates.ts'
import type { OptionalApi } from '#apiserver/registry/install.ts'
import { optionalApis } from '#apiserver/registry/install.ts'
import { schemaFacts } from '#machinery/schema/facts.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { CliError } from '../errors.ts'

/** What an `api/…` key stands for. */
const STAGES: ReadonlyMap<string, RegExp> = new Map([
  ['api/all', /^/],
  ['api/ga', /^v\d+$/],
  ['api/beta', /^v\d+beta\d+$/],
  ['api/alpha', /^v\d+alpha\d+$/],
])
const TRUE = ['', '1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False']

export class RuntimeConfig {
  readonly #values: ReadonlyMap<string, boolean>
  readonly #apis: readonly OptionalApi[]

  /** `given`: `key=value` or `key`, the last of a key counts. Throws CliError for what cannot be. */
  constructor(given: readonly string[], apis: readonly OptionalApi[] = optionalApis()) {
    this.#apis = apis
    this.#values = new Map(given.map(parsePair))
    for (const [key, isOn] of this.#values) this.#check(key, isOn)
  }

  /** Whether the resource is on as far as versions go; gates are looked at elsewhere. */
  readonly isApiEnabled: IsApiEnabled = (group, version, resource) => {
    const specific = this.#values.get(`${group}/${version}/${resource}`) ?? this.#values.get(`${group}/${version}`)
    if (specific !== undefined) return specific
    let isEnabled = STABLE_APIS_ON(group, version, resource)
    for (const [key, pattern] of STAGES) if (pattern.test(version)) isEnabled = this.#values.get(key) ?? isEnabled
    return isEnabled
  }

  /** A version that is on and has nothing to serve, for want of a gate, is easily overlooked. */
  logSettings(logger: Logger, isGateEnabled: (name: string) => boolean): void {
    for (const { group, version, resource, featureGate } of this.#apis) {
      if (featureGate === undefined || isGateEnabled(featureGate) || !this.isApiEnabled(group, version, resource))
        continue
      logger.warn(
        { api: `${group}/${version}`, resource, gate: featureGate },
        'an API is not served because its feature gate is off',
      )
    }
  }

  #check(key: string, isOn: boolean): void {
    if (STAGES.has(key)) {
      if (!isOn && (key === 'api/all' || key === 'api/ga')) throw stableNeeded(key)
      return
    }
    const [group = '', version = '', resource, ...rest] = key.split('/')
    if (version === '' || rest.length > 0) throw refusal(`runtime-config invalid key ${key}`)
    this.#checkVersion(group, version)
    if (resource !== undefined && resource.toLowerCase() !== resource) {
      const form = `group/version/resource and resource is always lowercase plural, not "${resource}"`
      throw refusal(`invalid key ${key}: ${form}`)
    }
    if (STABLE_APIS_ON(group, version, '')) {
      if (!isOn) throw stableNeeded(key)
    } else if (isOn && !this.#has(group, version, resource)) {
      const served = [...new Set(this.#apis.map((api) => `${api.group}/${api.version}`))].join(', ')
      throw refusal(`${key} is not supported`, `Of the alpha and beta versions there are ${served}.`)
    }
  }

  #checkVersion(group: string, version: string): void {
    const { kinds } = schemaFacts().file
    if (!kinds.some(([known]) => known === group)) throw refusal(`unknown api groups ${group}`)
    if (kinds.some(([known, knownVersion]) => known === group && knownVersion === version)) return
    throw refusal(`group version ${group}/${version} that has not been registered`)
  }

  #has(group: string, version: string, resource: string | undefined): boolean {
    return this.#apis.some(
      (api) => api.group === group && api.version === version && (resource ?? api.resource) === api.resource,
    )
  }
}

function parsePair(item: string): [string, boolean] {
  const at = item.indexOf('=')
  const key = (at < 0 ? item : item.slice(0, at)).trim()
  const value = at < 0 ? '' : item.slice(at + 1).trim()
  if (TRUE.includes(value) && (value !== '' || !STAGES.has(key))) return [key, true]
  if (FALSE.includes(value)) return [key, false]
  throw refusal(`invalid value ${key}=${value}`)
}

function stableNeeded(key: string): CliError {
  return refusal(`${key}=false is not supported`, 'The server needs the stable versions itself: leave it out.')
}

function refusal(
  problem: string,
  advice = 'Keys are api/all, api/beta, api/alpha or group/version[/resource].',
): CliError {
  return new CliError('FLAG_INVALID', `--runtime-config: ${problem}`, advice)
}
