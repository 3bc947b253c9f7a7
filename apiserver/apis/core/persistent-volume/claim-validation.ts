/** PersistentVolumeClaim. Upstream: pkg/apis/core/validation ValidatePersistentVolumeClaim(Spec|Update|StatusUpdate). */
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  TypedObjectReference,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  keyField,
} from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { jsonDiff } from '#machinery/util/unified-diff.ts'
import { addInvalid, checkImmutable } from '../../validation.ts'
import { checkResourceQuantity, isNativeResource } from '../resource-names.ts'
import { validateClaimSpec } from './claim-spec-validation.ts'
import { checkBasicResource } from './shared-validation.ts'

type FrozenClaim = DeepReadonly<PersistentVolumeClaim>
type FrozenSpec = DeepReadonly<PersistentVolumeClaimSpec>

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class'
const REQUEST = 'spec.resources.requests.storage'
const IMMUTABLE =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
const RESIZE_STATES = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
].sort()

export function validatePersistentVolumeClaim({ spec }: FrozenClaim, old?: FrozenClaim): FieldError[] {
  const errors: FieldError[] = []
  const allowsOddGroup = old?.spec.dataSource?.apiGroup !== undefined || old?.spec.dataSourceRef?.apiGroup !== undefined
  validateClaimSpec(errors, 'spec', spec, allowsOddGroup)
  return errors
}

export function validatePersistentVolumeClaimUpdate(next: FrozenClaim, old: FrozenClaim): FieldError[] {
  const errors = validatePersistentVolumeClaim(next, old)
  const compared = comparableSpecs(errors, next, old)
  if (!deepEqual(compared.next, compared.old)) {
    const difference = jsonDiff(specAsGo(compared.old), specAsGo(compared.next))
    errors.push(fieldForbidden('spec', `${IMMUTABLE}\n${difference}`))
  }
  const size = quantity(next.spec.resources?.requests?.['storage'])
  const isShrunk = size.compare(quantity(old.spec.resources?.requests?.['storage'])) < 0
  if (isShrunk && size.compare(quantity(old.status?.capacity?.['storage'])) <= 0) {
    errors.push(fieldForbidden(REQUEST, 'field can not be less than status.capacity'))
  }
  checkImmutable(errors, 'volumeMode', next.spec.volumeMode, old.spec.volumeMode)
  validateAttributesClassUpdate(errors, next.spec, old)
  return errors
}

function quantity(text: string | undefined): Quantity {
  return (text === undefined ? undefined : tryParseQuantity(String(text))) ?? ZERO_QUANTITY
}

/** Both specs without the changes that are allowed. */
function comparableSpecs(
  errors: FieldError[],
  next: FrozenClaim,
  old: FrozenClaim,
): { readonly next: FrozenSpec; readonly old: FrozenSpec } {
  let after: FrozenSpec = next.spec
  let before: FrozenSpec = old.spec
  if ((before.volumeName ?? '') === '' && after.volumeName !== undefined) {
    before = { ...before, volumeName: after.volumeName }
  }
  const { storageClassName: oldClass } = old.spec
  const { storageClassName: newClass } = next.spec
  const oldBeta = old.metadata.annotations?.[BETA_CLASS]
  const newBeta = next.metadata.annotations?.[BETA_CLASS]
  const isFilledIn = oldClass === undefined && newClass !== undefined && (oldBeta === undefined || newClass === oldBeta)
  const isMoved = isFilledIn && oldBeta !== undefined && (newBeta === undefined || newBeta === oldBeta)
  if (!isMoved && (newBeta ?? '') !== (oldBeta ?? '')) {
    errors.push(fieldInvalid(`metadata.annotations.${BETA_CLASS}`, newBeta ?? '', 'field is immutable'))
  }
  if (isFilledIn) after = withoutMember(after, 'storageClassName')
  const { requests } = after.resources ?? {}
  if (next.status?.phase === 'Bound' && requests !== undefined) {
    const storage = before.resources?.requests?.['storage'] ?? '0'
    after = { ...after, resources: { ...after.resources, requests: { ...requests, storage } } }
  }
  if (next.status?.phase === 'Bound') {
    after = withoutMember(after, 'volumeAttributesClassName')
    const name = before.volumeAttributesClassName
    if (name !== undefined) after = { ...after, volumeAttributesClassName: name }
  }
  return { next: after, old: before }
}

function withoutMember(spec: FrozenSpec, member: keyof PersistentVolumeClaimSpec): FrozenSpec {
  return Object.fromEntries(Object.entries(spec).filter(([name]) => name !== member)) as unknown as FrozenSpec
}

/** A class that was applied once is not given up. */
function validateAttributesClassUpdate(errors: FieldError[], next: FrozenSpec, { spec, status }: FrozenClaim): void {
  const name = next.volumeAttributesClassName
  if (name === spec.volumeAttributesClassName || status?.currentVolumeAttributesClassName === undefined) return
  if (name !== undefined && name !== '') return
  const what = name === undefined ? 'nil' : 'empty string'
  const detail = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`
  errors.push(fieldForbidden('spec.volumeAttributesClassName', detail))
}

/** The internal type, member by member, as Go prints it. */
function specAsGo(spec: FrozenSpec): object {
  const { dataSource, dataSourceRef, resources, selector } = spec
  const reference = (source: DeepReadonly<TypedObjectReference>) => ({
    APIGroup: source.apiGroup ?? null,
    Kind: source.kind,
    Name: source.name,
  })
  return {
    AccessModes: spec.accessModes ?? null,
    Selector: selector ?? null,
    Resources: { Limits: resources?.limits ?? null, Requests: resources?.requests ?? null },
    VolumeName: spec.volumeName ?? '',
    StorageClassName: spec.storageClassName ?? null,
    VolumeMode: spec.volumeMode ?? null,
    DataSource: dataSource === undefined ? null : reference(dataSource),
    DataSourceRef:
      dataSourceRef === undefined ? null : { ...reference(dataSourceRef), Namespace: dataSourceRef.namespace ?? null },
    VolumeAttributesClassName: spec.volumeAttributesClassName ?? null,
  }
}

export function validatePersistentVolumeClaimStatusUpdate({ spec, status }: FrozenClaim): FieldError[] {
  const errors: FieldError[] = []
  if ((spec.accessModes ?? []).length === 0) errors.push(fieldRequired('Spec.accessModes', ''))
  for (const [name, text] of Object.entries(status?.capacity ?? {})) {
    checkBasicResource(errors, keyField('status.capacity', name), text)
  }
  const states = 'status.allocatedResourceStatuses'
  for (const [name, state] of Object.entries(status?.allocatedResourceStatuses ?? {})) {
    checkResourceKey(errors, states, name)
    if (!RESIZE_STATES.includes(state)) errors.push(fieldNotSupported(states, name, RESIZE_STATES))
  }
  const allocated = 'status.allocatedResources'
  for (const [name, text] of Object.entries(status?.allocatedResources ?? {})) {
    if (!checkResourceKey(errors, allocated, name)) continue
    const before = errors.length
    checkBasicResource(errors, keyField(allocated, name), text)
    if (errors.length === before) checkResourceQuantity(errors, keyField(allocated, name), 'storage', text)
  }
  return errors
}

function checkResourceKey(errors: FieldError[], field: string, name: string): boolean {
  const before = errors.length
  addInvalid(errors, field, name, isQualifiedName(name))
  if (errors.length === before && isNativeResource(name) && name !== 'storage') {
    errors.push(fieldNotSupported(field, name, ['storage']))
  }
  return errors.length === before
}
