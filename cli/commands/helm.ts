/** `knarr helm template|list|get`: render charts offline, read releases of a running cluster; output as Helm prints it. */
import { readFileSync } from 'node:fs'
import type { Capabilities, Chart, GoMap, Hook } from '#charts/engine/index.ts'
import {
  chartCrds,
  joinManifests,
  jsonToGo,
  loadChartArchive,
  loadChartFiles,
  mergeValues,
  parseKubeVersion,
  parseStrvals,
  readValues,
  renderChart,
  sortManifests,
  toYaml,
} from '#charts/engine/index.ts'
import type { Release } from '#charts/release/record.ts'
import { ReleaseStorage } from '#charts/release/storage.ts'
import { resolveChart } from '#charts/repo/resolve.ts'
import { NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { schemaFacts } from '#machinery/schema/facts.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { CliError } from '../errors.ts'
import { clientFromKubeconfig } from '../kubeconfig.ts'
import { VERSION_INFO } from '../version.ts'

export interface TemplateOptions {
  readonly namespace: string
  readonly values: readonly string[]
  readonly set: readonly string[]
  readonly setString: readonly string[]
  readonly repo?: string
  readonly version: string
  readonly kubeVersion?: string
  readonly apiVersions: readonly string[]
  readonly includeCrds: boolean
  readonly skipTests: boolean
  readonly isUpgrade: boolean
}

export async function printTemplate(name: string, chartName: string, options: TemplateOptions): Promise<void> {
  const text = await chartFailure(chartName, async () => {
    const chart = await loadChart(chartName, options)
    return renderText(name, chart, valuesOf(options), options)
  })
  process.stdout.write(text)
}

async function chartFailure<T>(chart: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (err: unknown) {
    throw new CliError('CHART', errorMessage(err), `Correct the chart ${chart} or its values.`, err)
  }
}

async function loadChart(chart: string, options: TemplateOptions): Promise<Chart> {
  const reference = {
    chart,
    version: options.version,
    allowLocal: true,
    ...(options.repo !== undefined && { repo: options.repo }),
  }
  const source = await resolveChart(reference, { signal: AbortSignal.timeout(300_000) })
  return source.type === 'archive' ? loadChartArchive(source.bytes) : loadChartFiles(source.files, { obeyIgnore: true })
}

function valuesOf(options: TemplateOptions): GoMap {
  let values: GoMap = new Map()
  for (const file of options.values) values = mergeValues(values, readValues(readFileSync(file, 'utf8')))
  for (const text of options.set) values = parseStrvals(text, { target: values })
  for (const text of options.setString) values = parseStrvals(text, { target: values, asStrings: true })
  return values
}

function renderText(name: string, chart: Chart, values: GoMap, options: TemplateOptions): string {
  const { isUpgrade, namespace } = options
  const { files, chart: active } = renderChart(chart, values, {
    release: { name, namespace, revision: 1, isInstall: !isUpgrade, isUpgrade },
    capabilities: capabilitiesOf(options),
    randomBytes: (size) => systemRandom.bytes(size),
    nowMs: () => systemClock.nowMs(),
  })
  const { manifests, hooks } = sortManifests(files)
  const crds = options.includeCrds
    ? chartCrds(active).map(({ path, content }) => `---\n# Source: ${path}\n${content}\n`)
    : []
  const printed = hooks.filter((hook) => !options.skipTests || !hook.events.includes('test'))
  return `${(crds.join('') + joinManifests(manifests)).trim()}\n${printed.map(hookText).join('')}`
}

const hookText = (hook: Hook): string => `---\n# Source: ${hook.path}\n${hook.manifest}\n`

function capabilitiesOf({ kubeVersion, apiVersions }: TemplateOptions): Capabilities {
  const known = schemaFacts().file.kinds.flatMap(([group, version, kind]) => {
    const groupVersion = apiVersionOf({ group, version })
    return [groupVersion, `${groupVersion}/${kind}`]
  })
  return {
    kubeVersion: parseKubeVersion(kubeVersion ?? VERSION_INFO.gitVersion),
    apiVersions: [...new Set([...known, ...apiVersions])],
  }
}

export interface ListOptions {
  readonly namespace: string
  readonly allNamespaces: boolean
  readonly output: string
  readonly kubeconfig?: string
}

export async function printReleases(options: ListOptions): Promise<void> {
  const client = clientFromKubeconfig(options.kubeconfig)
  const namespaces = options.allNamespaces
    ? (await client.list(NAMESPACES)).items.map(({ metadata }) => metadata.name ?? '')
    : [options.namespace]
  const rows: Record<string, string>[] = []
  for (const namespace of namespaces) {
    const stored = await Promise.all(storagesOf(client, namespace).map((storage) => storage.all()))
    rows.push(...latest(stored.flat().map(({ release }) => release)).map(rowOf))
  }
  process.stdout.write(options.output === 'json' ? `${JSON.stringify(rows)}\n` : table(rows))
}

/** Releases are kept in Secrets, or in ConfigMaps when the HelmChart says so. */
function storagesOf(client: Client, namespace: string): ReleaseStorage[] {
  return (['secret', 'configmap'] as const).map(
    (driver) => new ReleaseStorage({ client, clock: systemClock, namespace, driver }),
  )
}

function latest(releases: readonly Release[]): Release[] {
  const newest = new Map<string, Release>()
  for (const release of releases) {
    if ((newest.get(release.name)?.version ?? 0) < release.version) newest.set(release.name, release)
  }
  return [...newest.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function rowOf(release: Release): Record<string, string> {
  const { metadata } = release.chart
  return {
    name: release.name,
    namespace: release.namespace,
    revision: String(release.version),
    updated: release.info.last_deployed,
    status: release.info.status,
    chart: `${String(metadata['name'])}-${String(metadata['version'])}`,
    app_version: String(metadata['appVersion'] ?? ''),
  }
}

const COLUMNS = ['name', 'namespace', 'revision', 'updated', 'status', 'chart', 'app_version'] as const

function table(rows: readonly Record<string, string>[]): string {
  const lines = [
    COLUMNS.map((column) => column.replace('_', ' ').toUpperCase()),
    ...rows.map((row) => COLUMNS.map((column) => row[column] ?? '')),
  ]
  const widths = COLUMNS.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('\t')
          .trimEnd()}\n`,
    )
    .join('')
}

export interface GetOptions {
  readonly namespace: string
  readonly revision?: string
  readonly kubeconfig?: string
}

export async function printRelease(what: string, name: string, options: GetOptions): Promise<void> {
  const print = PARTS[what]
  if (print === undefined) {
    throw new CliError(
      'FLAG_INVALID',
      `"${what}" is no part of a release`,
      `Use one of ${Object.keys(PARTS).join(', ')}.`,
    )
  }
  const client = clientFromKubeconfig(options.kubeconfig)
  const stored = await Promise.all(storagesOf(client, options.namespace).map((storage) => storage.history(name)))
  const history = stored.flat().map(({ release }) => release)
  const release =
    options.revision === undefined
      ? history.at(-1)
      : history.find(({ version }) => String(version) === options.revision)
  if (release === undefined) {
    throw new CliError(
      'NOT_FOUND',
      `release "${name}" not found in namespace "${options.namespace}"`,
      'knarr helm list -A shows all releases.',
    )
  }
  process.stdout.write(print(release))
}

const hooksText = (release: Release): string =>
  (release.hooks ?? []).map((hook) => `---\n# Source: ${hook.path}\n${hook.manifest}\n`).join('')

const valuesText = (release: Release): string => `USER-SUPPLIED VALUES:\n${toYaml(jsonToGo(release.config ?? {}))}`

const PARTS: Readonly<Record<string, (release: Release) => string>> = {
  manifest: (release) => `${release.manifest}\n`,
  values: valuesText,
  notes: (release) => `NOTES:\n${release.info.notes ?? ''}\n`,
  hooks: hooksText,
  all: (release) =>
    `NAME: ${release.name}\nNAMESPACE: ${release.namespace}\nREVISION: ${release.version}\nSTATUS: ${release.info.status}\n${valuesText(release)}\nHOOKS:\n${hooksText(release)}MANIFEST:\n${release.manifest}\n`,
}
