/** A chart repository's index.yaml: which versions of a chart there are, and where. Upstream: helm pkg/repo/v1/index.go. */
import { isObject } from '#machinery/util/json.ts'
import {
  checkConstraints,
  compareVersions,
  goToJson,
  parseConstraints,
  parseYaml,
  tryParseVersion,
} from '../engine/index.ts'

export interface ChartVersion {
  readonly version: string
  readonly urls: readonly string[]
  /** SHA-256 of the archive, hex; '' when the index has none. */
  readonly digest: string
}

/** Versions of one chart, newest first; entries without a readable version or URL are left out. */
export function chartVersions(indexText: string, chart: string): ChartVersion[] {
  const index = goToJson(parseYaml(indexText))
  const entries = isObject(index) ? index['entries'] : undefined
  if (!isObject(entries)) throw new Error('the repository index has no entries: is this a chart repository?')
  const listed = Object.hasOwn(entries, chart) ? entries[chart] : undefined
  if (!Array.isArray(listed)) return []
  return listed.filter(isObject).map(toChartVersion).filter(isUsable).sort(newestFirst)
}

function toChartVersion(entry: Record<string, unknown>): ChartVersion {
  const urls = Array.isArray(entry['urls']) ? entry['urls'].map(String) : []
  return { version: String(entry['version'] ?? ''), urls, digest: String(entry['digest'] ?? '') }
}

function isUsable({ version, urls }: ChartVersion): boolean {
  return urls.length > 0 && tryParseVersion(version) !== undefined
}

function newestFirst(a: ChartVersion, b: ChartVersion): number {
  const [left, right] = [tryParseVersion(a.version), tryParseVersion(b.version)]
  return left === undefined || right === undefined ? 0 : compareVersions(right, left)
}

/** Exact version first, then the newest that satisfies the constraint; '' is the newest that is no pre-release. */
export function selectVersion(versions: readonly ChartVersion[], wanted: string): ChartVersion | undefined {
  const exact = versions.find(({ version }) => version === wanted)
  if (exact !== undefined) return exact
  const constraints = parseConstraints(wanted === '' ? '*' : wanted)
  return versions.find(({ version }) => {
    const parsed = tryParseVersion(version)
    return parsed !== undefined && checkConstraints(constraints, parsed)
  })
}
