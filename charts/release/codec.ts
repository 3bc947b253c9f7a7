/** The bytes of a stored release: base64(gzip(JSON)). Upstream: helm pkg/storage/driver/util.go. */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { isObject } from '#machinery/util/json.ts'
import { PENDING, type Release } from './record.ts'

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 0x08])
/** Far above what fits a Secret; guards against a gzip bomb in a hand-made one. */
const RELEASE_LIMIT_BYTES = 64 * 1024 * 1024

/** What goes into `data.release` of a ConfigMap; a Secret's `data` has it in base64 once more. */
export async function encodeRelease(release: Release): Promise<string> {
  // What is replaced in a moment need not be small: level 1 is several times faster than Helm's 9.
  const level = PENDING.has(release.info.status) ? 1 : 9
  const compressed = await promisify(gzip)(JSON.stringify(release), { level } as never)
  return compressed.toString('base64')
}

/** Throws when the text is no release; records of very old Helm are not compressed. */
export async function decodeRelease(text: string): Promise<Release> {
  const bytes = Buffer.from(text, 'base64')
  const isCompressed = bytes.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)
  const json = isCompressed ? await promisify(gunzip)(bytes, { maxOutputLength: RELEASE_LIMIT_BYTES } as never) : bytes
  const value: unknown = JSON.parse(json.toString())
  if (!isObject(value) || typeof value['name'] !== 'string' || !isObject(value['info'])) {
    throw new Error('not a Helm release record')
  }
  return value as unknown as Release
}
