/**
 * Admin access to devices takes a label of the namespace. Upstream: pkg/registry/resource AuthorizedForAdmin,
 * AuthorizedForAdminStatus.
 */
import type { DeviceClaim, ResourceClaimStatus } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const LABEL = 'resource.kubernetes.io/admin-access'

type Labels = Readonly<Record<string, string>> | undefined

/** The path is the one of a claim, also for templates, as upstream. */
export function checkAdminAccess(devices: DeepReadonly<DeviceClaim> | undefined, labels: () => Labels): FieldError[] {
  const index = (devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true)
  return index === -1 ? [] : requireLabel(`spec.devices.requests[${index}].adminAccess`, labels())
}

/** Once granted it stays: an allocation cannot change. */
export function checkAdminAccessStatus(
  next: DeepReadonly<ResourceClaimStatus> | undefined,
  old: DeepReadonly<ResourceClaimStatus> | undefined,
  labels: () => Labels,
): FieldError[] {
  if (grantOf(old) !== -1) return []
  const index = grantOf(next)
  return index === -1 ? [] : requireLabel(`status.allocation.devices.results[${index}].adminAccess`, labels())
}

const grantOf = (status: DeepReadonly<ResourceClaimStatus> | undefined): number =>
  (status?.allocation?.devices?.results ?? []).findIndex(({ adminAccess }) => adminAccess === true)

function requireLabel(field: string, labels: Labels): FieldError[] {
  if (labels?.[LABEL] === 'true') return []
  const detail = `admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`
  return [fieldForbidden(field, detail)]
}
