// Chart + values → rendered files. Upstream: helm pkg/engine/engine.go, pkg/chart/common/util/values.go.

import { capabilitiesObject, filesObject, normalizeKubeVersion, releaseObject } from './chart/objects.ts'
import type { Capabilities, ReleaseOptions } from './chart/objects.ts'
import { isCompatibleRange, processDependencies } from './chart/dependencies.ts'
import { metadataObject } from './chart/metadata.ts'
import { validateSchemas } from './chart/schema.ts'
import type { Chart, ChartFile } from './chart/types.ts'
import { coalesceValues } from './chart/values.ts'
import { type GoMap, type GoObject, type GoValue, isMap, TypedMap } from './gotypes/value.ts'
import { GoError, toGoError } from './gotypes/error.ts'
import { compareBytes } from './gotypes/utf8.ts'
import { FUNCTION_TABLE } from './helm/function-table.ts'
import { dropNoValue } from './helm/functions.ts'
import { cleanPath } from './sprig/paths.ts'
import { cleanupParseError, reformatExecError } from './template/errors.ts'
import { parse } from './template/parse.ts'
import { type Environment, LimitError, type Limits, State } from './template/state.ts'
import { Template, TemplateSet } from './template/template-set.ts'

export interface RenderOptions {
  readonly release: ReleaseOptions
  readonly capabilities: Capabilities
  /** Synchronous read of the cluster for `lookup`; without it lookups find nothing. */
  readonly lookup?: (apiVersion: string, kind: string, namespace: string, name: string) => GoMap
  readonly limits?: Partial<Limits>
  readonly randomBytes: (size: number) => Uint8Array
  readonly nowMs: () => number
  /** A missing map key is an error (helm lint --strict). */
  readonly strict?: boolean
  readonly skipSchemaValidation?: boolean
  /** Keep the NOTES.txt of subcharts too. */
  readonly subchartNotes?: boolean
}

export interface RenderResult {
  /** By template path, `chart/templates/x.yaml`; partials and NOTES.txt are left out. */
  readonly files: Map<string, string>
  readonly notes: string
  /** The chart with disabled dependencies removed. */
  readonly chart: Chart
  /** Values after coalescing. */
  readonly values: GoMap
}

const DEFAULT_LIMITS: Limits = { depth: 1000, outputChars: 64 * 1024 * 1024, steps: 20_000_000 }

interface Renderable {
  readonly path: string
  readonly file: ChartFile
  readonly scope: GoMap
  readonly basePath: string
}

export function renderChart(chart: Chart, values: GoMap, options: RenderOptions): RenderResult {
  checkKubeVersion(chart, options.capabilities)
  const active = processDependencies(chart, values)
  const coalesced = coalesceValues(active, values)
  if (options.skipSchemaValidation !== true) validateSchemas(active, coalesced)
  const renderables = new Map<string, Renderable>()
  const shared: Shared = {
    release: releaseObject(options.release),
    capabilities: capabilitiesObject(options.capabilities),
  }
  collect(active, renderables, shared, valuesObject(coalesced), '')
  const rendered = renderAll(renderables, options)
  return { ...splitNotes(rendered, active, options), chart: active, values: coalesced }
}

function checkKubeVersion(chart: Chart, capabilities: Capabilities): void {
  const constraint = chart.metadata.kubeVersion
  if (constraint === '') return
  const version = normalizeKubeVersion(capabilities.kubeVersion)
  if (!isCompatibleRange(constraint, version)) {
    throw new GoError(`chart requires kubeVersion: ${constraint} which is incompatible with Kubernetes ${version}`)
  }
}

interface Shared {
  readonly release: GoMap
  readonly capabilities: GoObject
}

function valuesObject(values: GoMap): GoMap {
  return values instanceof TypedMap ? values : new TypedMap('common.Values', null, values)
}

/** One scope per chart; a subchart's .Values is its table in the parent's values. */
function collect(
  chart: Chart,
  into: Map<string, Renderable>,
  shared: Shared,
  values: GoMap,
  parentPath: string,
): GoMap {
  const fullPath = parentPath === '' ? chart.metadata.name : `${parentPath}/charts/${chart.metadata.name}`
  const subcharts: GoMap = new Map()
  const scope: GoMap = new Map<string, GoValue>([
    ['Chart', metadataObject(chart.metadata, parentPath === '')],
    ['Files', filesObject(chart.files)],
    ['Release', shared.release],
    ['Capabilities', shared.capabilities],
    ['Values', values],
    ['Subcharts', subcharts],
  ])
  for (const child of chart.dependencies) {
    const table = values.get(child.metadata.name)
    const childValues: GoMap = isMap(table) ? table : new Map()
    subcharts.set(child.metadata.name, collect(child, into, shared, childValues, fullPath))
  }
  for (const file of chart.templates) {
    if (chart.metadata.type === 'library' && !baseName(file.path).startsWith('_')) continue
    const path = cleanPath(`${fullPath}/${file.path}`)
    into.set(path, { path, file, scope, basePath: `${fullPath}/templates` })
  }
  return scope
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Deepest first, then reverse alphabetical: what is parsed last wins, so parents override their subcharts. */
function inParseOrder(paths: Iterable<string>): string[] {
  const depth = (path: string): number => path.split('/').length
  return [...paths].sort((a, b) => depth(b) - depth(a) || compareBytes(b, a))
}

/** Parsed templates by file and by the path they were parsed under. */
const compiled = new WeakMap<ChartFile, Map<string, readonly Template[]>>()
const COMPILED_PATHS_MAX = 16

function templatesOf(renderable: Renderable): readonly Template[] {
  const { file, path } = renderable
  let byPath = compiled.get(file)
  if (byPath === undefined || byPath.size > COMPILED_PATHS_MAX) {
    byPath = new Map()
    compiled.set(file, byPath)
  }
  const known = byPath.get(path)
  if (known !== undefined) return known
  const trees = parse(path, file.data.toString('utf8'), (name) => FUNCTION_TABLE.has(name))
  const templates = [...trees.values()].map((tree) => new Template(tree, FUNCTION_TABLE))
  byPath.set(path, templates)
  return templates
}

function renderAll(renderables: ReadonlyMap<string, Renderable>, options: RenderOptions): Map<string, string> {
  const order = inParseOrder(renderables.keys())
  const templates = new TemplateSet(FUNCTION_TABLE)
  for (const path of order) {
    try {
      templates.addAll(templatesOf(renderables.get(path) as Renderable))
    } catch (error) {
      throw cleanupParseError(path, toGoError(error))
    }
  }
  const state = new State(environmentOf(options), templates)
  const rendered = new Map<string, string>()
  for (const path of order) {
    if (baseName(path).startsWith('_')) continue
    rendered.set(path, renderOne(state, templates, renderables.get(path) as Renderable))
  }
  return rendered
}

function renderOne(state: State, templates: TemplateSet, renderable: Renderable): string {
  const { path, scope, basePath } = renderable
  scope.set(
    'Template',
    new TypedMap('common.Values', null, [
      ['Name', path],
      ['BasePath', basePath],
    ]),
  )
  const template = templates.get(path)
  if (template === undefined) throw new GoError(`template: no template "${path}" associated with template "gotpl"`)
  try {
    return dropNoValue(state.capture(template, scope))
  } catch (error) {
    if (error instanceof LimitError) throw error
    throw reformatExecError(path, toGoError(error))
  }
}

function environmentOf(options: RenderOptions): Environment {
  const lookup = options.lookup
  return {
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    strict: options.strict === true,
    now: options.nowMs,
    randomBytes: options.randomBytes,
    lookup: lookup === undefined ? () => new Map() : lookup,
  }
}

function splitNotes(
  rendered: Map<string, string>,
  chart: Chart,
  options: RenderOptions,
): { files: Map<string, string>; notes: string } {
  const files = new Map<string, string>()
  const notes: string[] = []
  const rootNotes = `${chart.metadata.name}/templates/NOTES.txt`
  for (const [path, text] of rendered) {
    if (!path.endsWith('NOTES.txt')) files.set(path, text)
    else if (options.subchartNotes === true || path === rootNotes) notes.push(text)
  }
  return { files, notes: notes.join('\n') }
}
