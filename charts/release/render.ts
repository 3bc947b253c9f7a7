/**
 * Renders a chart for a release: the engine's output in the form that is applied and recorded. `lookup` is synchronous in
 * templates and asynchronous here, so what is missing is fetched and the chart rendered again, a bounded number of times.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Capabilities, Chart, GoMap, Hook, RenderOptions, RenderResult } from '../engine/index.ts'
import { jsonToGo, joinManifests, renderChart, sortManifests } from '../engine/index.ts'
import type { RenderedChart } from './actions.ts'
import { chartRecord } from './chart-record.ts'
import type { RecordedHook } from './record.ts'

export interface ReleaseContext {
  readonly name: string
  readonly namespace: string
  readonly revision: number
  readonly isUpgrade: boolean
}

export interface RenderDependencies {
  readonly capabilities: Capabilities
  readonly randomBytes: (size: number) => Uint8Array
  readonly nowMs: () => number
  /** The live object, or the list when name is ''; undefined when there is none. Absent: lookups find nothing. */
  readonly lookup?: (query: LookupQuery) => Promise<DeepReadonly<KubeObject> | undefined>
}

export interface LookupQuery {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** A template whose lookups depend on earlier lookups needs one pass for each step. */
const LOOKUP_PASSES_MAX = 5

export async function renderRelease(
  chart: Chart,
  values: GoMap,
  release: ReleaseContext,
  dependencies: RenderDependencies,
): Promise<RenderedChart> {
  const result = await renderWithLookups(chart, values, release, dependencies)
  const { manifests, hooks } = sortManifests(result.files)
  return {
    manifest: joinManifests(manifests),
    hooks: hooks.map(hookRecord),
    notes: result.notes,
    record: chartRecord(result.chart),
  }
}

async function renderWithLookups(
  chart: Chart,
  values: GoMap,
  release: ReleaseContext,
  { capabilities, randomBytes, nowMs, lookup }: RenderDependencies,
): Promise<RenderResult> {
  const found = new Map<string, GoMap>()
  for (let pass = 1; ; pass++) {
    const missing = new Map<string, LookupQuery>()
    const options: RenderOptions = {
      release: { ...release, isInstall: !release.isUpgrade },
      capabilities,
      randomBytes,
      nowMs,
      lookup: (apiVersion, kind, namespace, name) => {
        const query = { apiVersion, kind, namespace, name }
        const known = found.get(JSON.stringify(query))
        if (known === undefined && lookup !== undefined) missing.set(JSON.stringify(query), query)
        return known ?? new Map()
      },
    }
    const result = attempt(() => renderChart(chart, values, options))
    if (missing.size === 0 || lookup === undefined || pass > LOOKUP_PASSES_MAX) return result()
    // A failure of this pass may be due to what was not fetched yet: only the last one counts.
    for (const [id, query] of missing) found.set(id, jsonToGo((await lookup(query)) ?? {}) as GoMap)
  }
}

/** Runs now, fails when asked for the result. */
function attempt<T>(action: () => T): () => T {
  try {
    const value = action()
    return () => value
  } catch (err: unknown) {
    return () => {
      throw err
    }
  }
}

function hookRecord(hook: Hook): RecordedHook {
  return {
    name: hook.name,
    kind: hook.kind,
    path: hook.path,
    manifest: hook.manifest,
    events: [...hook.events],
    last_run: { phase: '' },
    ...(hook.weight !== 0 && { weight: hook.weight }),
    ...(hook.deletePolicies.length > 0 && { delete_policies: [...hook.deletePolicies] }),
  }
}
