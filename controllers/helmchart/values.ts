/**
 * The values of a HelmChart's release, layer over layer, low to high: valuesContent, values, valuesSecrets, then the same
 * three of the HelmChartConfig, then set. Upstream: helm-controller pkg/controllers/chart (setValuesSecret), klipper-helm.
 */
import { SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Secret } from '#machinery/api/core/v1/types.gen.ts'
import type { HelmChart, HelmChartConfig, HelmValuesSecret } from '#machinery/api/helm/v1/types.ts'
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** One layer as text (YAML) or as an object, with where it came from for error messages. */
export interface ValuesLayer {
  readonly source: string
  readonly content: string | DeepReadonly<Record<string, unknown>>
}

export interface ChartValues {
  readonly layers: readonly ValuesLayer[]
  /** `--set` and `--set-string` assignments, applied last. */
  readonly assignments: readonly { readonly text: string; readonly isString: boolean }[]
}

/** A Secret the values need is not there: the chart waits for it. */
export class ValuesUnavailableError extends Error {
  override readonly name = 'ValuesUnavailableError'
}

export async function chartValues(
  client: Client,
  chart: DeepReadonly<HelmChart>,
  config: DeepReadonly<HelmChartConfig> | undefined,
  signal: AbortSignal,
): Promise<ChartValues> {
  const namespace = chart.metadata.namespace ?? ''
  const layers: ValuesLayer[] = []
  for (const [owner, spec] of [
    ['HelmChart', chart.spec],
    ['HelmChartConfig', config?.spec],
  ] as const) {
    if (spec?.valuesContent !== undefined)
      layers.push({ source: `${owner} spec.valuesContent`, content: spec.valuesContent })
    if (spec?.values !== undefined) layers.push({ source: `${owner} spec.values`, content: spec.values })
    for (const reference of spec?.valuesSecrets ?? [])
      layers.push(...(await secretLayers(client, namespace, reference, signal)))
  }
  return { layers, assignments: assignmentsOf(chart.spec?.set) }
}

async function secretLayers(
  client: Client,
  namespace: string,
  reference: DeepReadonly<HelmValuesSecret>,
  signal: AbortSignal,
): Promise<ValuesLayer[]> {
  const { name = '', keys = [], ignoreUpdates = false } = reference
  if (name === '' || keys.length === 0) return [] // As upstream: without keys the Secret is not used.
  const secret = await client.get(SECRETS, { namespace, name }, { signal }).catch(undefinedIfNotFound)
  if (secret === undefined) {
    if (ignoreUpdates) return []
    throw new ValuesUnavailableError(
      `Secret "${name}" named by valuesSecrets does not exist in namespace "${namespace}"`,
    )
  }
  return keys.flatMap((key) => layerOfKey(secret, key, ignoreUpdates))
}

function layerOfKey(secret: DeepReadonly<Secret>, key: string, isOptional: boolean): ValuesLayer[] {
  const encoded = secret.data?.[key]
  const source = `Secret ${secret.metadata.name} key ${key}`
  if (encoded !== undefined) return [{ source, content: Buffer.from(encoded, 'base64').toString('utf8') }]
  if (isOptional) return []
  throw new ValuesUnavailableError(`${source}, named by valuesSecrets, does not exist`)
}

const TYPED = /^(-?\d+|true|false|null)$/

/** Integers, booleans and null keep their type; anything else is a string whose commas are text. */
function assignmentsOf(set: DeepReadonly<Record<string, string | number>> | undefined): ChartValues['assignments'] {
  return Object.entries(set ?? {})
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, value]) => {
      const text = String(value)
      return TYPED.test(text)
        ? { text: `${key}=${text}`, isString: false }
        : { text: `${key}=${text.replaceAll(',', '\\,')}`, isString: true }
    })
}
