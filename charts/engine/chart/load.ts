// Files → chart. Upstream: helm pkg/chart/v2/loader/load.go.

import { loadArchiveFiles } from '../archive.ts'
import { GoError } from '../gotypes/error.ts'
import { compareBytes } from '../gotypes/utf8.ts'
import { type GoMap, type GoValue, isMap } from '../gotypes/value.ts'
import { jsonKind } from '../yaml/json.ts'
import { parseYaml, parseYamlDocuments } from '../yaml/parse.ts'
import { filterIgnored } from './ignore.ts'
import { readMetadata, validateMetadata } from './metadata.ts'
import type { Chart, ChartFile, ChartMetadata } from './types.ts'
import { mergeValues } from './values.ts'

const MAX_DEPTH = 20

/** Loads the files of a chart directory or an unpacked archive; .helmignore is obeyed when asked for. */
export function loadChartFiles(files: readonly ChartFile[], options: { obeyIgnore?: boolean } = {}): Chart {
  return load(options.obeyIgnore === true ? filterIgnored(files) : files, 0)
}

/** Loads a packed chart (.tgz). */
export function loadChartArchive(archive: Buffer): Chart {
  return load(loadArchiveFiles(archive), 0)
}

function textOf(file: ChartFile): string {
  const text = file.data.toString('utf8')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

function readMap(file: ChartFile): GoMap {
  try {
    const value = parseYaml(textOf(file))
    if (value === null) return new Map()
    if (isMap(value)) return value
    throw new GoError(
      `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(value)} into Go value of type v2.Metadata`,
    )
  } catch (error) {
    throw new GoError(`cannot load ${file.path}: ${withYamlPrefix(error)}`)
  }
}

function withYamlPrefix(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.startsWith('yaml: ') ? `error converting YAML to JSON: ${message}` : message
}

/** Every document of a values file, merged in order. */
export function readValues(text: string): GoMap {
  let values: GoMap = new Map()
  let documents: GoValue[]
  try {
    documents = parseYamlDocuments(text)
  } catch (error) {
    throw new GoError(`cannot unmarshal yaml document: ${withYamlPrefix(error)}`)
  }
  for (const document of documents) {
    if (document === null) continue
    if (!isMap(document)) {
      throw new GoError(
        `cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(document)} into Go value of type map[string]interface {}`,
      )
    }
    values = mergeValues(values, document)
  }
  return values
}

interface Parts {
  metadata: GoMap | undefined
  values: GoMap
  schema: Buffer | undefined
  lock: GoValue
  readonly templates: ChartFile[]
  readonly files: ChartFile[]
  readonly subcharts: Map<string, ChartFile[]>
}

function load(files: readonly ChartFile[], depth: number): Chart {
  if (depth > MAX_DEPTH) throw new GoError('charts are nested too deeply')
  const parts: Parts = {
    metadata: undefined,
    values: new Map(),
    schema: undefined,
    lock: null,
    templates: [],
    files: [],
    subcharts: new Map(),
  }
  const chartFile = files.find((file) => file.path === 'Chart.yaml')
  if (chartFile !== undefined) parts.metadata = readMap(chartFile)
  for (const file of files) place(parts, file)
  if (parts.metadata === undefined) throw new GoError('Chart.yaml file is missing')
  const metadata = readMetadata(parts.metadata)
  validateMetadata(metadata)
  return {
    metadata,
    values: parts.values,
    schema: parts.schema,
    templates: parts.templates,
    files: parts.files,
    lock: parts.lock,
    dependencies: loadSubcharts(metadata, parts.subcharts, depth),
  }
}

function place(parts: Parts, file: ChartFile): void {
  const { path } = file
  const isV1 = parts.metadata?.get('apiVersion') === undefined || parts.metadata.get('apiVersion') === 'v1'
  switch (path) {
    case 'Chart.yaml':
      return
    case 'Chart.lock':
      parts.lock = readMap(file)
      return
    case 'values.yaml':
      parts.values = readChartValues(file)
      return
    case 'values.schema.json':
      parts.schema = file.data
      return
    case 'requirements.yaml':
      parts.metadata = new Map([...(parts.metadata ?? []), ...readMap(file)])
      if (isV1) parts.files.push(file)
      return
    case 'requirements.lock':
      parts.lock = readMap(file)
      if (isV1) parts.files.push(file)
      return
    default:
      placeByFolder(parts, file)
  }
}

function readChartValues(file: ChartFile): GoMap {
  try {
    return readValues(textOf(file))
  } catch (error) {
    throw new GoError(`cannot load values.yaml: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function placeByFolder(parts: Parts, file: ChartFile): void {
  if (file.path.startsWith('templates/')) parts.templates.push(file)
  else if (file.path.startsWith('charts/') && !file.path.endsWith('.prov')) {
    const inner = file.path.slice('charts/'.length)
    const name = inner.split('/', 1)[0] as string
    const list = parts.subcharts.get(name) ?? []
    list.push({ path: inner, data: file.data })
    parts.subcharts.set(name, list)
  } else parts.files.push(file)
}

function loadSubcharts(
  metadata: ChartMetadata,
  subcharts: ReadonlyMap<string, readonly ChartFile[]>,
  depth: number,
): Chart[] {
  const charts: Chart[] = []
  for (const name of [...subcharts.keys()].sort(compareBytes)) {
    if (name.startsWith('_') || name.startsWith('.')) continue
    const files = subcharts.get(name) ?? []
    try {
      charts.push(
        name.endsWith('.tgz') ? load(unpack(metadata, name, files), depth + 1) : load(stripFolder(files), depth + 1),
      )
    } catch (error) {
      throw new GoError(
        `error unpacking subchart ${name} in ${metadata.name}: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
  return charts
}

function unpack(metadata: ChartMetadata, name: string, files: readonly ChartFile[]): ChartFile[] {
  const [file] = files
  if (file === undefined || file.path !== name) {
    throw new GoError(`error unpacking subchart tar in ${metadata.name}: expected ${name}, got ${file?.path ?? ''}`)
  }
  return loadArchiveFiles(file.data)
}

function stripFolder(files: readonly ChartFile[]): ChartFile[] {
  return files
    .filter((file) => file.path.includes('/'))
    .map((file) => ({ path: file.path.slice(file.path.indexOf('/') + 1), data: file.data }))
}
