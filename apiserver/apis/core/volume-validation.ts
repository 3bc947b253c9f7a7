/** PersistentVolumes and claims. Upstream: pkg/apis/core/validation ValidatePersistentVolume(Claim)(Update). */
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  keyField,
} from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkLabelSelector, checkOneOf } from '../validation.ts'
import { validateNodeSelectorTerms } from './pod/affinity-validation.ts'

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
const VOLUME_MODES = ['Block', 'Filesystem']
/** Members of a PersistentVolumeSpec that are not its source. */
const VOLUME_ATTRIBUTES: ReadonlySet<string> = new Set([
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
])
const CLAIM_UPDATE_REFUSED =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'

export function validatePersistentVolumeClaim({ spec }: DeepReadonly<PersistentVolumeClaim>): FieldError[] {
  const errors: FieldError[] = []
  checkAccessModes(errors, spec.accessModes)
  checkLabelSelector(errors, 'spec.selector', spec.selector)
  const storage = spec.resources?.requests?.['storage']
  if (storage === undefined) errors.push(fieldRequired(keyField('spec.resources', 'storage'), ''))
  else checkStorage(errors, keyField('spec.resources', 'storage'), storage)
  const { storageClassName = '' } = spec
  if (storageClassName !== '')
    addInvalid(errors, 'spec.storageClassName', storageClassName, isDns1123Subdomain(storageClassName))
  if (spec.volumeMode !== undefined) checkOneOf(errors, 'spec.volumeMode', spec.volumeMode, VOLUME_MODES, 'unsupported')
  return errors
}

function checkAccessModes(errors: FieldError[], modes: readonly string[] | undefined): void {
  if (modes === undefined || modes.length === 0) {
    errors.push(fieldRequired('spec.accessModes', 'at least 1 access mode is required'))
    return
  }
  for (const mode of modes) {
    if (!ACCESS_MODES.includes(mode)) errors.push(fieldNotSupported('spec.accessModes', mode, ACCESS_MODES))
  }
  if (modes.includes('ReadWriteOncePod') && modes.length > 1) {
    const detail = 'may not use ReadWriteOncePod with other access modes'
    errors.push(fieldForbidden('spec.accessModes', detail))
  }
}

function checkStorage(errors: FieldError[], field: string, text: string): void {
  const quantity = tryParseQuantity(String(text))
  if (quantity === undefined || quantity.sign <= 0) errors.push(fieldInvalid(field, text, 'must be greater than zero'))
}

export function validatePersistentVolumeClaimUpdate(
  next: DeepReadonly<PersistentVolumeClaim>,
  old: DeepReadonly<PersistentVolumeClaim>,
): FieldError[] {
  const errors = validatePersistentVolumeClaim(next)
  const comparable = (spec: DeepReadonly<PersistentVolumeClaimSpec>, allowsBinding: boolean): object => {
    const { resources, volumeAttributesClassName: _class, volumeName, storageClassName, ...rest } = spec
    const { requests: _requests, ...otherResources } = resources ?? {}
    return { ...rest, otherResources, ...(allowsBinding ? {} : { volumeName, storageClassName }) }
  }
  // Binding sets volumeName once; a class may be filled in where there was none.
  const isBinding = (old.spec.volumeName ?? '') === ''
  const keepsClass = old.spec.storageClassName === undefined || old.spec.storageClassName === next.spec.storageClassName
  if (!deepEqual(comparable(next.spec, isBinding && keepsClass), comparable(old.spec, isBinding && keepsClass))) {
    errors.push(fieldForbidden('spec', CLAIM_UPDATE_REFUSED))
  }
  const before = tryParseQuantity(String(old.spec.resources?.requests?.['storage'] ?? '0'))
  const after = tryParseQuantity(String(next.spec.resources?.requests?.['storage'] ?? '0'))
  if (before !== undefined && after !== undefined && after.compare(before) < 0) {
    errors.push(fieldForbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
  }
  return errors
}

export function validatePersistentVolume({ spec }: DeepReadonly<PersistentVolume>): FieldError[] {
  const errors: FieldError[] = []
  checkAccessModes(errors, spec.accessModes)
  const { capacity = {} } = spec
  if (Object.keys(capacity).length === 0) errors.push(fieldRequired('spec.capacity', ''))
  else if (capacity['storage'] === undefined || Object.keys(capacity).length > 1) {
    errors.push(fieldNotSupported('spec.capacity', Object.keys(capacity).join(','), ['storage']))
  } else checkStorage(errors, keyField('spec.capacity', 'storage'), capacity['storage'])
  const policies = ['Delete', 'Recycle', 'Retain']
  const { persistentVolumeReclaimPolicy: policy = '' } = spec
  if (policy !== '') checkOneOf(errors, 'spec.persistentVolumeReclaimPolicy', policy, policies)
  const sources = Object.keys(spec).filter((member) => !VOLUME_ATTRIBUTES.has(member))
  if (sources.length === 0) errors.push(fieldRequired('spec', 'must specify a volume type'))
  for (const extra of sources.slice(1))
    errors.push(fieldForbidden(`spec.${extra}`, 'may not specify more than 1 volume type'))
  if (spec.volumeMode !== undefined) checkOneOf(errors, 'spec.volumeMode', spec.volumeMode, VOLUME_MODES, 'unsupported')
  const terms = spec.nodeAffinity?.required
  if (spec.nodeAffinity !== undefined && terms === undefined) {
    errors.push(fieldRequired('spec.nodeAffinity.required', 'must specify required node constraints'))
  } else if (terms !== undefined) {
    validateNodeSelectorTerms(errors, 'spec.nodeAffinity.required.nodeSelectorTerms', terms.nodeSelectorTerms)
  }
  if (spec.local !== undefined && spec.nodeAffinity === undefined) {
    errors.push(fieldRequired('spec.nodeAffinity', 'Local volume requires node affinity'))
  }
  return errors
}

export function validatePersistentVolumeUpdate(
  next: DeepReadonly<PersistentVolume>,
  old: DeepReadonly<PersistentVolume>,
): FieldError[] {
  const errors = validatePersistentVolume(next)
  const source = (spec: object): object =>
    Object.fromEntries(Object.entries(spec).filter(([member]) => !VOLUME_ATTRIBUTES.has(member)))
  if (!deepEqual(source(next.spec), source(old.spec))) {
    errors.push(
      fieldForbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'),
    )
  }
  if (!deepEqual(next.spec.volumeMode, old.spec.volumeMode)) {
    errors.push(fieldInvalid('spec.volumeMode', next.spec.volumeMode ?? null, 'field is immutable'))
  }
  return errors
}
