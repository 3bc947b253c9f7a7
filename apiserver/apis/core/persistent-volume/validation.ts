/**
 * PersistentVolume. Upstream: pkg/apis/core/validation ValidatePersistentVolume(Update).
 * Differs: the difference of two sources is printed with the members' API names.
 */
import type { PersistentVolume, PersistentVolumeSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  keyField,
} from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { jsonDiff } from '#machinery/util/unified-diff.ts'
import { checkImmutable } from '../../validation.ts'
import { validateNodeSelectorTerms } from '../pod/affinity-validation.ts'
import {
  checkAccessModes,
  checkBasicResource,
  checkClassName,
  checkPositiveQuantity,
  checkVolumeMode,
} from './shared-validation.ts'
import { SOURCES, validateSource } from './source-validation.ts'

type FrozenVolume = DeepReadonly<PersistentVolume>
type FrozenSpec = DeepReadonly<PersistentVolumeSpec>

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain']
const RECLAIM = 'spec.persistentVolumeReclaimPolicy'
const GA_LABELS: ReadonlyMap<string, string> = new Map([
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
  ['beta.kubernetes.io/os', 'kubernetes.io/os'],
  ['beta.kubernetes.io/arch', 'kubernetes.io/arch'],
  ['beta.kubernetes.io/instance-type', 'node.kubernetes.io/instance-type'],
])

export function validatePersistentVolume({ metadata, spec }: FrozenVolume): FieldError[] {
  const errors: FieldError[] = []
  if ((spec.accessModes ?? []).length === 0) errors.push(fieldRequired('spec.accessModes', ''))
  checkAccessModes(errors, 'spec.accessModes', spec.accessModes ?? [])
  validateCapacity(errors, spec)
  const { persistentVolumeReclaimPolicy: policy = '', nodeAffinity } = spec
  if (policy !== '' && !RECLAIM_POLICIES.includes(policy)) {
    errors.push(fieldNotSupported(RECLAIM, policy, RECLAIM_POLICIES))
  }
  if (nodeAffinity !== undefined) {
    const at = 'spec.nodeAffinity.required'
    if (nodeAffinity.required === undefined) errors.push(fieldRequired(at, 'must specify required node constraints'))
    else validateNodeSelectorTerms(errors, `${at}.nodeSelectorTerms`, nodeAffinity.required.nodeSelectorTerms)
  }
  validateSource(errors, 'spec', spec, metadata.name ?? '')
  if (policy === 'Recycle' && /^\/[./]*$/.test(spec.hostPath?.path ?? '')) {
    errors.push(fieldForbidden(RECLAIM, "may not be 'recycle' for a hostPath mount of '/'"))
  }
  checkClassName(errors, 'spec.storageClassName', spec.storageClassName)
  checkVolumeMode(errors, 'spec.volumeMode', spec.volumeMode)
  validateAttributesClass(errors, 'spec', spec)
  return errors
}

/** A volume that is no object of its own: of a CSI driver, and little more than its source. */
export function validateInlineVolume(errors: FieldError[], field: string, spec: FrozenSpec): void {
  const { accessModes = [], persistentVolumeReclaimPolicy: policy = '', volumeMode: mode } = spec
  const forbid = (member: string, detail: string): void => {
    errors.push(fieldForbidden(`${field}.${member}`, `${detail} in the context of inline volumes`))
  }
  if (spec.claimRef !== undefined) forbid('claimRef', 'may not be specified')
  if (Object.keys(spec.capacity ?? {}).length > 0) forbid('capacity', 'may not be specified')
  if (spec.csi === undefined) {
    errors.push(fieldRequired(`${field}.csi`, 'has to be specified in the context of inline volumes'))
  }
  if (accessModes.length === 0) errors.push(fieldRequired(`${field}.accessModes`, ''))
  checkAccessModes(errors, `${field}.accessModes`, accessModes)
  if (policy !== '' && policy !== 'Retain') forbid('persistentVolumeReclaimPolicy', 'may only be Retain')
  if (spec.nodeAffinity !== undefined) forbid('nodeAffinity', 'may not be specified')
  validateSource(errors, field, spec, '')
  if ((spec.storageClassName ?? '') !== '') forbid('storageClassName', 'may not be specified')
  if (mode !== undefined && mode !== 'Filesystem') {
    forbid('volumeMode', 'may not specify volumeMode other than Filesystem')
  }
  validateAttributesClass(errors, field, spec)
}

function validateCapacity(errors: FieldError[], { capacity = {} }: FrozenSpec): void {
  const names = Object.keys(capacity)
  if (names.length === 0) errors.push(fieldRequired('spec.capacity', ''))
  if (names.length !== 1 || names[0] !== 'storage') {
    errors.push(fieldNotSupported('spec.capacity', names.length === 0 ? null : capacity, ['storage']))
  }
  for (const [name, text] of Object.entries(capacity)) {
    checkBasicResource(errors, keyField('spec.capacity', name), text)
    checkPositiveQuantity(errors, keyField('spec.capacity', name), text)
  }
}

function validateAttributesClass(
  errors: FieldError[],
  field: string,
  { volumeAttributesClassName: name, csi }: FrozenSpec,
): void {
  if (name === undefined) return
  const at = `${field}.volumeAttributesClassName`
  if (name === '') errors.push(fieldRequired(at, 'an empty string is disallowed'))
  checkClassName(errors, at, name)
  if (csi === undefined) {
    errors.push(fieldRequired(`${field}.csi`, 'has to be specified when using volumeAttributesClassName'))
  }
}

/** `mayMove`: the gate MutablePVNodeAffinity. */
export function validatePersistentVolumeUpdate(next: FrozenVolume, old: FrozenVolume, mayMove = false): FieldError[] {
  const errors = validatePersistentVolume(next)
  const source = sourceOf(next.spec, old.spec)
  const before = sourceOf(old.spec, old.spec)
  if (!deepEqual(source, before)) {
    const detail = `spec.persistentvolumesource is immutable after creation\n${jsonDiff(before, source)}`
    errors.push(fieldForbidden('spec.persistentvolumesource', detail))
  }
  checkImmutable(errors, 'volumeMode', next.spec.volumeMode, old.spec.volumeMode)
  const { nodeAffinity } = old.spec
  if (!mayMove && nodeAffinity !== undefined && !isSameAffinity(next.spec, old.spec)) {
    const detail = 'field is immutable, except for updating from beta label to GA'
    errors.push(fieldInvalid('nodeAffinity', next.spec.nodeAffinity ?? null, detail))
  }
  if (old.spec.volumeAttributesClassName !== undefined && next.spec.volumeAttributesClassName === undefined) {
    errors.push(fieldForbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'))
  }
  return errors
}

/** The source; the secret to expand a CSI volume with may still be set. */
function sourceOf(spec: FrozenSpec, old: FrozenSpec): Record<string, unknown> {
  const source: Record<string, unknown> = {}
  for (const { member } of SOURCES) source[member] = spec[member] ?? null
  if (spec.csi !== undefined && old.csi !== undefined && old.csi.controllerExpandSecretRef === undefined) {
    const { controllerExpandSecretRef: _added, ...csi } = spec.csi
    source['csi'] = csi
  }
  return source
}

function isSameAffinity(next: FrozenSpec, old: FrozenSpec): boolean {
  const terms = next.nodeAffinity?.required?.nodeSelectorTerms ?? []
  const before = old.nodeAffinity?.required?.nodeSelectorTerms ?? []
  if (terms.length !== before.length) return false
  return terms.every((term, i) => {
    const { matchExpressions: expressions = [], ...rest } = term
    const { matchExpressions: oldExpressions = [], ...oldRest } = before[i] ?? {}
    if (expressions.length !== oldExpressions.length || !deepEqual(rest, oldRest)) return false
    return expressions.every((expression, j) => {
      const oldExpression = oldExpressions[j]
      if (oldExpression === undefined) return false
      const isRenamed = GA_LABELS.get(oldExpression.key) === expression.key
      return deepEqual(expression, isRenamed ? { ...oldExpression, key: expression.key } : oldExpression)
    })
  })
}
