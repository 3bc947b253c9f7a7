/**
 * From what a HelmChart (or the command line) names to the bytes of a chart archive: a URL, a chart of a repository, or a
 * local file or folder. Upstream: helm pkg/downloader, pkg/action/install.go (LocateChart).
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FetchOptions } from './fetch.ts'
import { fetchFile } from './fetch.ts'
import { chartVersions, selectVersion } from './index-file.ts'

export interface ChartReference {
  /** URL, name within `repo`, or local path. */
  readonly chart: string
  readonly repo?: string
  /** Version or constraint; '' = the newest. */
  readonly version: string
  readonly allowLocal: boolean
}

export type ChartFetchOptions = Omit<FetchOptions, 'limitBytes'>

export interface ChartFile {
  /** From the chart's folder, with slashes. */
  readonly path: string
  readonly data: Buffer
}

export type ChartSource =
  | { readonly type: 'archive'; readonly bytes: Buffer }
  | { readonly type: 'files'; readonly files: readonly ChartFile[] }

const ARCHIVE_LIMIT_BYTES = 100 * 1024 * 1024
const INDEX_LIMIT_BYTES = 50 * 1024 * 1024
const FILES_MAX = 10_000

export async function resolveChart(reference: ChartReference, options: ChartFetchOptions): Promise<ChartSource> {
  const { chart, repo = '' } = reference
  if (chart.startsWith('oci://') || repo.startsWith('oci://')) {
    throw new Error(
      `${chart}: OCI registries are not supported yet: use an https:// archive, a repository or chartContent`,
    )
  }
  if (/^https?:\/\//.test(chart))
    return { type: 'archive', bytes: await fetchFile(chart, { ...options, limitBytes: ARCHIVE_LIMIT_BYTES }) }
  if (repo !== '') return { type: 'archive', bytes: await fromRepository(chart, repo, reference.version, options) }
  if (reference.allowLocal) return readLocal(chart)
  throw new Error(`chart "${chart}" is neither a URL nor accompanied by repo`)
}

async function fromRepository(
  chart: string,
  repo: string,
  version: string,
  options: ChartFetchOptions,
): Promise<Buffer> {
  const base = repo.endsWith('/') ? repo : `${repo}/`
  const index = await fetchFile(new URL('index.yaml', base).href, { ...options, limitBytes: INDEX_LIMIT_BYTES })
  const found = selectVersion(chartVersions(index.toString('utf8'), chart), version)
  const url = found?.urls[0]
  if (found === undefined || url === undefined) {
    throw new Error(`chart "${chart}"${version === '' ? '' : ` version "${version}"`} not found in ${repo} repository`)
  }
  const bytes = await fetchFile(new URL(url, base).href, { ...options, limitBytes: ARCHIVE_LIMIT_BYTES })
  const digest = createHash('sha256').update(bytes).digest('hex')
  if (found.digest !== '' && digest !== found.digest.replace(/^sha256:/, '')) {
    throw new Error(
      `chart "${chart}" ${found.version}: the archive's SHA-256 is ${digest}, the index says ${found.digest}`,
    )
  }
  return bytes
}

async function readLocal(path: string): Promise<ChartSource> {
  const info = await stat(path).catch(() => undefined)
  if (info === undefined) throw new Error(`chart path "${path}" does not exist`)
  if (!info.isDirectory()) return { type: 'archive', bytes: await readFile(path) }
  const files: ChartFile[] = []
  await readFolder(path, '', files)
  return { type: 'files', files }
}

async function readFolder(root: string, relative: string, files: ChartFile[]): Promise<void> {
  for (const name of (await readdir(join(root, relative))).sort()) {
    const path = relative === '' ? name : `${relative}/${name}`
    const info = await stat(join(root, path))
    if (info.isDirectory()) await readFolder(root, path, files)
    else if (files.push({ path, data: await readFile(join(root, path)) }) > FILES_MAX) {
      throw new Error(`chart path "${root}" holds more than ${FILES_MAX} files`)
    }
  }
}
