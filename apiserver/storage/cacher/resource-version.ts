/** The resourceVersion parameter of reads. Upstream: storage/api_object_versioner.go. */
import { newBadRequest } from '#machinery/meta/errors.ts'

const DIGITS = /^[0-9]{1,20}$/

/** A revision other than '' and '0', which the callers tell apart; one beyond all there can be is the largest. Throws BadRequest. */
export function parseRevision(resourceVersion: string): number {
  if (DIGITS.test(resourceVersion)) return Math.min(Number(resourceVersion), Number.MAX_SAFE_INTEGER)
  throw newBadRequest(`invalid resource version: "${resourceVersion}" is not a number this server has given out`)
}

/** No particular revision is asked for. */
export function isUnset(resourceVersion: string): boolean {
  return resourceVersion === '' || resourceVersion === '0'
}
