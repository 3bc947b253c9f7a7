/** From a chart's source and values layers to something that can be rendered against this cluster. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { RestMapper } from '#machinery/client/rest-mapper.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { apiVersionOf, tryParseApiVersion } from '#machinery/meta/resource.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { isObject } from '#machinery/util/json.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'
import type { Capabilities, Chart, GoMap } from '#charts/engine/index.ts'
import {
  chartCrds,
  goToJson,
  jsonToGo,
  loadChartArchive,
  loadChartFiles,
  mergeValues,
  parseKubeVersion,
  parseStrvals,
  processDependencies,
  readValues,
} from '#charts/engine/index.ts'
import type { RenderedChart } from '#charts/release/actions.ts'
import type { LookupQuery, ReleaseContext } from '#charts/release/render.ts'
import { renderRelease } from '#charts/release/render.ts'
import type { ChartSource } from '#charts/repo/resolve.ts'
import type { ChartValues } from './values.ts'

export interface PreparedChart {
  readonly chart: Chart
  readonly values: GoMap
  readonly config: JsonObject
  readonly crds: readonly { readonly path: string; readonly content: string }[]
}

export interface ChartRendererDependencies {
  readonly client: Client
  readonly mapper: RestMapper
  readonly clock: Clock
  readonly random: Random
}

export class ChartRenderer {
  readonly #dependencies: ChartRendererDependencies

  constructor(dependencies: ChartRendererDependencies) {
    this.#dependencies = dependencies
  }

  prepare(source: ChartSource, values: ChartValues): PreparedChart {
    const chart =
      source.type === 'archive' ? loadChartArchive(source.bytes) : loadChartFiles(source.files, { obeyIgnore: true })
    const merged = mergedValues(values)
    return {
      chart,
      values: merged,
      config: goToJson(merged) as JsonObject,
      crds: chartCrds(processDependencies(chart, merged)),
    }
  }

  async render(prepared: PreparedChart, release: ReleaseContext, signal: AbortSignal): Promise<RenderedChart> {
    const { clock, random } = this.#dependencies
    return renderRelease(prepared.chart, prepared.values, release, {
      capabilities: await this.#capabilities(signal),
      randomBytes: (size) => random.bytes(size),
      nowMs: () => clock.nowMs(),
      lookup: (query) => this.#lookup(query, signal),
    })
  }

  /** As discovery gives them: group/version and group/version/Kind. */
  async #capabilities(signal: AbortSignal): Promise<Capabilities> {
    const { client, mapper } = this.#dependencies
    const { body } = await client.raw({ method: 'GET', path: '/version', signal })
    const version = isObject(body) ? String(body['gitVersion']) : 'v1.36.0'
    const apiVersions = new Set<string>()
    for (const resource of await mapper.resources(signal)) {
      const groupVersion = apiVersionOf(resource)
      apiVersions.add(groupVersion)
      apiVersions.add(`${groupVersion}/${resource.kind}`)
    }
    return { kubeVersion: parseKubeVersion(version), apiVersions: [...apiVersions] }
  }

  async #lookup(query: LookupQuery, signal: AbortSignal): Promise<DeepReadonly<KubeObject> | undefined> {
    const { client, mapper } = this.#dependencies
    const groupVersion = tryParseApiVersion(query.apiVersion) ?? { group: '', version: query.apiVersion }
    const resource = await mapper.resourceFor({ ...groupVersion, kind: query.kind }, signal)
    if (resource === undefined)
      throw new Error(`lookup: no matches for kind "${query.kind}" in version "${query.apiVersion}"`)
    const place = resource.namespaced && query.namespace !== '' ? { namespace: query.namespace } : {}
    if (query.name !== '')
      return client.get(resource, { ...place, name: query.name }, { signal }).catch(undefinedIfNotFound)
    return (await client.list(resource, { ...place, signal })) as unknown as DeepReadonly<KubeObject>
  }
}

function mergedValues({ layers, assignments }: ChartValues): GoMap {
  let merged: GoMap = new Map()
  for (const { source, content } of layers) {
    const layer =
      typeof content === 'string' ? attempt(source, () => readValues(content)) : (jsonToGo(content) as GoMap)
    merged = mergeValues(merged, layer)
  }
  for (const { text, isString } of assignments) {
    merged = attempt(`set ${text}`, () => parseStrvals(text, { asStrings: isString, target: merged }))
  }
  return merged
}

function attempt<T>(source: string, action: () => T): T {
  try {
    return action()
  } catch (err: unknown) {
    throw new Error(`${source}: ${errorMessage(err)}`, { cause: err })
  }
}
