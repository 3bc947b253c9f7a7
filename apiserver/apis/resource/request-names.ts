/** References to a claim's requests: `request` or `request/alternative`. Upstream: pkg/apis/resource/validation. */
import type { DeviceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateItems } from './lists.ts'
import { checkLabel } from './names.ts'

const REQUESTS_MAX = 32
const UNKNOWN_REQUEST =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

export type RequestNames = ReadonlySet<string>

export function requestNamesOf(devices: DeepReadonly<DeviceClaim> | undefined): RequestNames {
  const names = new Set<string>()
  for (const { name, firstAvailable = [] } of devices?.requests ?? []) {
    names.add(name)
    for (const alternative of firstAvailable) names.add(`${name}/${alternative.name}`)
  }
  return names
}

export function checkRequestNames(
  errors: FieldError[],
  field: string,
  names: readonly string[] | undefined,
  known: RequestNames,
): void {
  validateItems(errors, field, names ?? [], { max: REQUESTS_MAX, keyOf: (name) => name }, (name, at) => {
    checkRequestName(errors, at, name, known)
  })
}

export function checkRequestName(errors: FieldError[], field: string, name: string, known: RequestNames): void {
  const segments = name.split('/')
  if (segments.length <= 2) for (const segment of segments) checkLabel(errors, field, segment)
  if (segments.length > 2 || !known.has(name)) errors.push(fieldInvalid(field, name, UNKNOWN_REQUEST))
}
