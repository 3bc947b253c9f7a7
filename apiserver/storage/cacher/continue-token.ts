/**
 * Continue tokens of paged lists: base64url of {v, rv, start}, as upstream's, so that the same mistakes give the same
 * errors. Upstream: apiserver pkg/storage/continue.go.
 */
import { posix } from 'node:path'
import { newBadRequest } from '#machinery/meta/errors.ts'
import { isObject } from '#machinery/util/json.ts'

const TOKEN_VERSION = 'meta.k8s.io/v1'
const BASE64URL = /^[A-Za-z0-9_-]*$/

/** A token with this revision continues at the latest state: what a client gets after its token has expired. */
export const INCONSISTENT_REVISION = -1

interface ContinuePosition {
  readonly revision: number
  /** The first key that may be on the page. */
  readonly startKey: string
}

/** The token of a page that ends with `lastKey`. */
export function encodeContinueAfter(lastKey: string, prefix: string, revision: number): string {
  return encodeContinue({ startKey: `${lastKey}\0`, revision }, prefix)
}

export function encodeContinue(position: ContinuePosition, prefix: string): string {
  const token = { v: TOKEN_VERSION, rv: position.revision, start: position.startKey.slice(prefix.length) }
  return Buffer.from(JSON.stringify(token)).toString('base64url')
}

/** Throws BadRequest for anything this server did not make. */
export function decodeContinue(token: string, prefix: string): ContinuePosition {
  const decoded = decodeJson(token)
  if (!isObject(decoded)) throw invalid('continue key is not valid')
  const { v: version = '', rv: revision = 0, start = '' } = decoded
  if (version !== TOKEN_VERSION) {
    throw invalid(`continue key is not valid: server does not recognize this encoded version ${String(version)}`)
  }
  if (typeof revision !== 'number' || typeof start !== 'string') throw invalid('continue key is not valid')
  if (!Number.isSafeInteger(revision) || revision === 0) {
    throw invalid(`continue key is not valid: incorrect encoded start resourceVersion (version ${TOKEN_VERSION})`)
  }
  if (start === '') throw invalid(`continue key is not valid: encoded start key empty (version ${TOKEN_VERSION})`)
  // The key must not lead out of the prefix.
  const path = start.startsWith('/') ? start : `/${start}`
  const isClean = path === '/' || (posix.normalize(path) === path && !path.endsWith('/'))
  if (!isClean) throw invalid(`continue key is not valid: ${start}`)
  return { revision: Math.max(revision, INCONSISTENT_REVISION), startKey: prefix + path.slice(1) }
}

function decodeJson(token: string): unknown {
  if (!BASE64URL.test(token)) throw invalid('continue key is not valid: illegal base64 data')
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
  } catch {
    throw invalid('continue key is not valid: not JSON')
  }
}

function invalid(why: string): Error {
  return newBadRequest(`invalid continue token: ${why}`)
}
