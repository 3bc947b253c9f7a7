/**
 * The same owner named twice is one owner, and whoever names it twice is told so.
 * Upstream: apiserver pkg/endpoints/handlers/rest.go dedupOwnerReferencesAndAddWarning.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { RequestContext } from './interfaces.ts'

const ADVICE =
  'API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed'

export function dropDuplicateOwners(
  { metadata }: KubeObject,
  context: Pick<RequestContext, 'warn'>,
  isAfterAdmission: boolean,
): void {
  const references = metadata.ownerReferences
  if (references === undefined || references.length < 2) return
  const kept: typeof references = []
  const duplicates: string[] = []
  for (const reference of references) {
    const isKnown = kept.some((other) => other.uid === reference.uid && deepEqual(other, reference))
    if (isKnown) duplicates.push(reference.uid)
    else kept.push(reference)
  }
  if (duplicates.length === 0) return
  metadata.ownerReferences = kept
  const when = isAfterAdmission ? ' after mutating admission happens' : ''
  context.warn(`.metadata.ownerReferences contains duplicate entries${when}; ${ADVICE}: ${duplicates.join(', ')}`)
}
