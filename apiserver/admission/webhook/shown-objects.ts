/** What a webhook is shown: the objects in the version it asked for. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newInternalError, StatusError } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionAttributes } from '../interfaces.ts'
import type { Invocation } from './matching.ts'
import { isForeignKind } from './matching.ts'

/** The objects in the version the webhook wants; null where there is none. */
export interface ShownObjects {
  readonly object: DeepReadonly<KubeObject> | null
  readonly oldObject: DeepReadonly<KubeObject> | null
}

export async function showObjects(
  { resource, view }: Invocation,
  attributes: AdmissionAttributes,
): Promise<ShownObjects> {
  const { object, oldObject } = attributes
  const isAsItIs = view === undefined || isForeignKind(attributes)
  const show = async (one: DeepReadonly<KubeObject> | undefined): Promise<DeepReadonly<KubeObject> | null> => {
    if (one === undefined) return null
    return isAsItIs ? one : view.show(one, resource.version)
  }
  try {
    return { object: await show(object), oldObject: await show(oldObject) }
  } catch (err: unknown) {
    throw err instanceof StatusError ? err : newInternalError(errorMessage(err))
  }
}
