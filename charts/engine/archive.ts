// Packed charts: .tgz → files, with Helm's limits and path checks, and an own ustar/pax/GNU reader.
// Upstream: helm pkg/chart/loader/archive/archive.go.

import { gunzipSync } from 'node:zlib'
import type { ChartFile } from './chart/types.ts'
import { GoError } from './gotypes/error.ts'
import { quote } from './gofmt/quote.ts'
import { cleanPath } from './sprig/paths.ts'

const MAX_CHART_BYTES = 100 * 1024 * 1024
const MAX_FILE_BYTES = 5 * 1024 * 1024
const MAX_FILES = 20_000
const BLOCK = 512
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

interface Entry {
  readonly name: string
  readonly type: string
  readonly data: Buffer
}

export function loadArchiveFiles(archive: Buffer): ChartFile[] {
  const files: ChartFile[] = []
  for (const entry of readTar(gunzip(archive))) {
    if (entry.type === '5' || entry.name.endsWith('/')) continue
    if (entry.type !== '0' && entry.type !== '\0' && entry.type !== '7') continue
    if (files.length >= MAX_FILES) throw new GoError(`chart archive holds more than ${MAX_FILES} files`)
    const data = entry.data.subarray(0, 3).equals(BOM) ? entry.data.subarray(3) : entry.data
    files.push({ path: chartPath(entry.name), data: Buffer.from(data) })
  }
  if (files.length === 0) throw new GoError('no files in chart archive')
  return files
}

function gunzip(archive: Buffer): Buffer {
  if (archive.length < 3 || archive[0] !== 0x1f || archive[1] !== 0x8b) throw new GoError('gzip: invalid header')
  try {
    return gunzipSync(archive, { maxOutputLength: MAX_CHART_BYTES + 1024 * 1024 })
  } catch (error) {
    if (error instanceof RangeError)
      throw new GoError(`decompressed chart is larger than the maximum size ${MAX_CHART_BYTES}`)
    throw new GoError(`gzip: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The first path element (the chart's folder) is dropped; everything that leaves the chart is refused. */
function chartPath(name: string): string {
  const delimiter = name.includes('\\') ? '\\' : '/'
  const parts = name.split(delimiter)
  const inner = parts.slice(1).join(delimiter).replaceAll(delimiter, '/')
  if (inner.startsWith('/')) throw new GoError('chart illegally contains absolute paths')
  const path = cleanPath(inner)
  if (path === '.') throw new GoError(`chart illegally contains content outside the base directory: ${quote(name)}`)
  if (path.startsWith('..')) throw new GoError('chart illegally references parent directory')
  if (/^[a-zA-Z]:\//.test(path)) throw new GoError('chart contains illegally named files')
  if (parts[0] === 'Chart.yaml') throw new GoError('chart yaml not in base directory')
  return path
}

function* readTar(tar: Buffer): Generator<Entry> {
  let longName: string | undefined
  let remaining = MAX_CHART_BYTES
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) return
    const size = numberField(header, 124, 12)
    const type = String.fromCharCode(header[156] ?? 0)
    const start = at + BLOCK
    if (start + size > tar.length) throw new GoError('unexpected EOF')
    const data = tar.subarray(start, start + size)
    at = start + Math.ceil(size / BLOCK) * BLOCK
    if (type === 'L') longName = textField(data, 0, data.length)
    else if (type === 'x') longName = paxPath(data) ?? longName
    else if (type !== 'g' && type !== 'K') {
      const name = longName ?? headerName(header)
      longName = undefined
      checkSize(name, size, remaining)
      remaining -= size
      yield { name, type, data }
    }
  }
}

function checkSize(name: string, size: number, remaining: number): void {
  if (size > remaining) throw new GoError(`decompressed chart is larger than the maximum size ${MAX_CHART_BYTES}`)
  if (size > MAX_FILE_BYTES) {
    throw new GoError(`decompressed chart file ${quote(name)} is larger than the maximum file size ${MAX_FILE_BYTES}`)
  }
}

function textField(block: Buffer, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? field.length : end)
}

function numberField(block: Buffer, offset: number, length: number): number {
  if (((block[offset] ?? 0) & 0x80) !== 0) {
    let value = 0
    for (let i = offset + 1; i < offset + length; i++) value = value * 256 + (block[i] ?? 0)
    if (!Number.isSafeInteger(value)) throw new GoError('archive/tar: invalid tar header')
    return value
  }
  const text = textField(block, offset, length).trim()
  if (!/^[0-7]*$/.test(text)) throw new GoError('archive/tar: invalid tar header')
  return text === '' ? 0 : Number.parseInt(text, 8)
}

function headerName(header: Buffer): string {
  const name = textField(header, 0, 100)
  const isUstar = textField(header, 257, 5) === 'ustar'
  const prefix = isUstar ? textField(header, 345, 155) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

/** The path record of a pax header: "<length> path=<value>\n". */
function paxPath(data: Buffer): string | undefined {
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at)
    const length = Number(data.toString('utf8', at, space))
    if (space < 0 || !Number.isInteger(length) || length <= 0) throw new GoError('archive/tar: invalid tar header')
    const record = data.toString('utf8', space + 1, at + length - 1)
    if (record.startsWith('path=')) return record.slice('path='.length)
    at += length
  }
  return undefined
}
