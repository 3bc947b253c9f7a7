/** Classes of storage and volume attributes. Upstream: pkg/apis/storage/validation/validation.go. */
import type { TopologySelectorTerm } from '#machinery/api/core/v1/types.gen.ts'
import type { StorageClass, VolumeAttributesClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
  fieldTooLong,
} from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkImmutable, checkName, checkOneOf } from '../validation.ts'

const PARAMETERS_MAX = 512
const PARAMETERS_MAX_BYTES = 256 * 1024

type FrozenClass = DeepReadonly<StorageClass>
type FrozenAttributes = DeepReadonly<VolumeAttributesClass>

export function validateStorageClass(storageClass: FrozenClass): FieldError[] {
  const errors: FieldError[] = []
  checkProvisioner(errors, 'provisioner', storageClass.provisioner)
  checkParameters(errors, storageClass.parameters ?? {})
  checkOneOf(errors, 'reclaimPolicy', storageClass.reclaimPolicy, ['Delete', 'Retain'], 'allowed')
  checkOneOf(errors, 'volumeBindingMode', storageClass.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'])
  checkTopologies(errors, storageClass.allowedTopologies ?? [])
  return errors
}

export function validateStorageClassUpdate(next: FrozenClass, old: FrozenClass): FieldError[] {
  const errors = validateStorageClass(next)
  checkImmutable(errors, 'parameters', next.parameters ?? {}, old.parameters ?? {})
  checkImmutable(errors, 'provisioner', next.provisioner, old.provisioner)
  checkImmutable(errors, 'reclaimPolicy', next.reclaimPolicy, old.reclaimPolicy)
  checkImmutable(errors, 'volumeBindingMode', next.volumeBindingMode, old.volumeBindingMode)
  return errors
}

export function validateVolumeAttributesClass({ driverName, parameters = {} }: FrozenAttributes): FieldError[] {
  const errors: FieldError[] = []
  checkProvisioner(errors, 'driverName', driverName)
  checkParameters(errors, parameters)
  if (Object.keys(parameters).length === 0) {
    errors.push(fieldRequired('parameters', 'must contain at least one key/value pair'))
  }
  return errors
}

export function validateVolumeAttributesClassUpdate(next: FrozenAttributes, old: FrozenAttributes): FieldError[] {
  const errors: FieldError[] = []
  refuseChange(errors, 'driverName', next.driverName, old.driverName)
  refuseChange(errors, 'parameters', next.parameters ?? {}, old.parameters ?? {})
  return [...errors, ...validateVolumeAttributesClass(next)]
}

function refuseChange(errors: FieldError[], field: string, next: unknown, old: unknown): void {
  if (!deepEqual(next, old)) errors.push(fieldForbidden(field, `updates to ${field} are forbidden.`))
}

function checkProvisioner(errors: FieldError[], field: string, name: string | undefined): void {
  checkName(errors, field, name, (value) => isQualifiedName(value.toLowerCase()))
}

function checkParameters(errors: FieldError[], parameters: Readonly<Record<string, string>>): void {
  const entries = Object.entries(parameters)
  if (entries.length > PARAMETERS_MAX) {
    errors.push(fieldTooLong('parameters', PARAMETERS_MAX))
    return
  }
  let bytes = 0
  for (const [key, value] of entries) {
    if (key === '') errors.push(fieldInvalid('parameters', key, 'field can not be empty.'))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (bytes > PARAMETERS_MAX_BYTES) errors.push(fieldTooLong('parameters', PARAMETERS_MAX_BYTES))
}

function checkTopologies(errors: FieldError[], topologies: DeepReadonly<TopologySelectorTerm[]>): void {
  const seen = new Set<string>()
  topologies.forEach((term, i) => {
    const field = `allowedTopologies[${i}].matchLabelExpressions`
    const values = checkTopologyTerm(errors, field, term)
    const identity = JSON.stringify([...values].sort(([a], [b]) => (a < b ? -1 : 1)))
    // Upstream counts a term without expressions as said before.
    if (seen.has(identity) || values.size === 0) errors.push(fieldDuplicate(field, ''))
    seen.add(identity)
  })
}

/** The values by key. */
function checkTopologyTerm(
  errors: FieldError[],
  field: string,
  { matchLabelExpressions = [] }: DeepReadonly<TopologySelectorTerm>,
): Map<string, string[]> {
  const valuesByKey = new Map<string, string[]>()
  matchLabelExpressions.forEach(({ key = '', values = [] }, i) => {
    const at = `${field}[${i}]`
    if (values.length === 0) errors.push(fieldRequired(`${at}.values`, ''))
    const seen = new Set<string>()
    values.forEach((value, j) => {
      if (seen.has(value)) errors.push(fieldDuplicate(`${at}.values[${j}]`, value))
      seen.add(value)
    })
    addInvalid(errors, `${at}.key`, key, isQualifiedName(key))
    if (valuesByKey.has(key)) errors.push(fieldDuplicate(`${at}.key`, key))
    valuesByKey.set(key, [...seen].sort())
  })
  return valuesByKey
}
