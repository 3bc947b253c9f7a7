/** A plugin's refusal. Upstream: apiserver pkg/admission/errors.go NewForbidden. */
import type { StatusCause } from '#machinery/api/meta/v1.ts'
import { newForbidden, StatusError } from '#machinery/meta/errors.ts'
import type { AdmissionAttributes } from './interfaces.ts'

export function admissionForbidden(attributes: AdmissionAttributes, why: string, cause?: StatusCause): StatusError {
  const { metadata } = attributes.object ?? {}
  const name = attributes.name || metadata?.name || metadata?.generateName || ''
  const error = newForbidden(attributes, name, why)
  if (cause === undefined) return error
  const { status } = error
  return new StatusError({
    ...status,
    details: { ...status.details, causes: [...(status.details?.causes ?? []), cause] },
  })
}

/** Main resource, not a subresource of it. */
export function isResource(attributes: AdmissionAttributes, group: string, resource: string): boolean {
  return attributes.resource === resource && attributes.group === group && attributes.subresource === ''
}
