/**
 * Admin access to devices others use is for namespaces an administrator has labelled. Upstream: pkg/registry/resource/utils.go
 * AuthorizedForAdmin, AuthorizedForAdminStatus.
 */
import type { DeviceClaim, ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { StoredObjects } from '../deps.ts'

const LABEL = 'resource.kubernetes.io/admin-access'

/** `path`: of the claim's spec. It cannot change, so it is looked at once. */
export function checkAdminRequests(
  path: string,
  claim: DeepReadonly<DeviceClaim> | undefined,
  namespace: string,
  objects: StoredObjects,
): FieldError[] {
  const place = (claim?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true)
  return place === -1 ? [] : checkNamespace(`${path}.devices.requests[${place}].adminAccess`, namespace, objects)
}

/** An allocation cannot change either. */
export function checkAdminResults(
  next: DeepReadonly<ResourceClaim>,
  old: DeepReadonly<ResourceClaim>,
  objects: StoredObjects,
): FieldError[] {
  const [before, place] = [old, next].map(({ status }) =>
    (status?.allocation?.devices?.results ?? []).findIndex(({ adminAccess }) => adminAccess === true),
  )
  if (before !== -1 || place === undefined || place === -1) return []
  const path = `status.allocation.devices.results[${place}].adminAccess`
  return checkNamespace(path, next.metadata.namespace ?? '', objects)
}

function checkNamespace(path: string, namespace: string, objects: StoredObjects): FieldError[] {
  if (objects.peek('', 'namespaces', '', namespace)?.metadata.labels?.[LABEL] === 'true') return []
  const problem = `admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`
  return [fieldForbidden(path, problem)]
}
