/**
 * Mutating admission may touch managedFields, but not spoil them: an invalid list is put back, with a warning.
 * Upstream: apiserver pkg/endpoints/handlers/fieldmanager/admission.go.
 */
import type { KubeObject, ObjectMeta } from '#machinery/api/meta/v1.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { RequestContext } from '../generic/interfaces.ts'
import { parseOwners } from './owners.ts'

export function checkAdmittedOwners(
  draft: KubeObject,
  before: ObjectMeta['managedFields'],
  context: Pick<RequestContext, 'warn'>,
): void {
  const after = draft.metadata.managedFields
  if (after === before || after === undefined) return
  try {
    parseOwners(after)
  } catch (err) {
    if (before === undefined) delete draft.metadata.managedFields
    else draft.metadata.managedFields = before
    const cause = 'this could be caused by an outdated mutating admission controller; please fix your requests'
    context.warn(`.metadata.managedFields was in an invalid state after admission; ${cause}: ${errorMessage(err)}`)
  }
}
