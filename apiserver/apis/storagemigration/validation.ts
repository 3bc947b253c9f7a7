/** Rules of storagemigration.k8s.io. Upstream: pkg/apis/storagemigration/validation. */
import type { Condition } from '#machinery/api/meta/v1.ts'
import type { StorageVersionMigration } from '#machinery/api/storagemigration/v1beta1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1035Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateConditions } from '../condition-validation.ts'
import { checkImmutable } from '../validation.ts'

type Migration = DeepReadonly<StorageVersionMigration>

const WELL_FORMED = /^[1-9][0-9]*$/

export function validateStorageVersionMigration({ spec }: Migration): FieldError[] {
  const errors: FieldError[] = []
  const { group = '', resource = '' } = spec?.resource ?? {}
  const path = 'spec.resource'
  if (resource === '') errors.push(fieldRequired(`${path}.resource`, 'resource is required to be set'))
  else checkJoined(errors, `${path}.resource`, resource, isDns1035Label(resource))
  if (group !== '') checkJoined(errors, `${path}.group`, group, isDns1123Subdomain(group))
  return errors
}

function checkJoined(errors: FieldError[], field: string, value: string, problems: readonly string[]): void {
  if (problems.length > 0) errors.push(fieldInvalid(field, value, problems.join(',')))
}

export function validateStorageVersionMigrationUpdate(migration: Migration, old: Migration): FieldError[] {
  const errors = validateStorageVersionMigration(migration)
  checkImmutable(errors, 'spec', migration.spec, old.spec)
  return errors
}

export function validateStorageVersionMigrationStatusUpdate({ status }: Migration, old: Migration): FieldError[] {
  const errors: FieldError[] = []
  const { resourceVersion = '', conditions = [] } = status ?? {}
  const oldVersion = old.status?.resourceVersion ?? ''
  const versionField = 'status.resourceVersion'
  if (resourceVersion !== '' && !WELL_FORMED.test(resourceVersion))
    errors.push(fieldInvalid(versionField, resourceVersion, `resource version is not well formed: ${resourceVersion}`))
  errors.push(...validateConditions(conditions, 'status.conditions'))
  if (oldVersion !== '' && oldVersion !== resourceVersion)
    errors.push(fieldInvalid(versionField, resourceVersion, 'field is immutable'))
  for (const detail of contradictions(conditions, old.status?.conditions ?? []))
    errors.push(fieldInvalid('status.conditions', conditions, detail))
  return errors
}

function contradictions(conditions: DeepReadonly<Condition[]>, old: DeepReadonly<Condition[]>): string[] {
  const [succeeded, failed] = ['Succeeded', 'Failed'].map((type) => isTrue(conditions, type))
  return [
    succeeded && failed ? 'Both success and failed conditions cannot be true at the same time' : '',
    isTrue(old, 'Succeeded') && !succeeded ? 'Success condition cannot be set to false once it is true' : '',
    isTrue(old, 'Failed') && !failed ? 'Failed condition cannot be set to false once it is true' : '',
  ].filter((detail) => detail !== '')
}

const isTrue = (conditions: DeepReadonly<Condition[]>, type: string): boolean =>
  conditions.find((condition) => condition.type === type)?.status === 'True'
