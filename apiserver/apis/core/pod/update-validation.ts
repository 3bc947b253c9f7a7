/**
 * What may change on a stored pod, and on its ephemeral containers.
 * Upstream: pkg/apis/core/validation ValidatePodUpdate, ValidatePodEphemeralContainersUpdate.
 */
import type {
  Affinity,
  Container,
  NodeAffinity,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  Toleration,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired, keyField } from '#machinery/meta/field-error.ts'
import { inclusiveRangeMessage } from '#machinery/meta/validation.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { APPARMOR_PREFIX, MIRROR_POD, validatePodAnnotations } from './annotations-validation.ts'
import { checkImagePadding } from './container-validation.ts'
import type { PodRules } from './rules.ts'
import { DEFAULT_POD_RULES } from './rules.ts'
import { validateTolerations } from './scheduling-validation.ts'
import { goDifference } from './spec-difference.ts'
import { isSameSpec } from './spec-equality.ts'
import { validateMetadataAndSpec } from './validation.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenSpec = DeepReadonly<PodSpec>

const MAX_INT_32 = 2 ** 31 - 1
const UPDATE_REFUSED =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'

export function validatePodUpdate(pod: FrozenPod, old: FrozenPod, rules: PodRules = DEFAULT_POD_RULES): FieldError[] {
  const errors: FieldError[] = []
  const isSpecChanged = !isSameSpec(pod.spec, old.spec)
  // What was accepted once is not judged again by rules that may have come later.
  if (isSpecChanged) validateMetadataAndSpec(errors, pod, rules)
  else validatePodAnnotations(errors, 'metadata.annotations', pod.metadata.annotations, pod.spec, rules)
  checkAnnotations(errors, pod, old)
  if (!isSpecChanged) return errors
  if (checkContainers(errors, pod.spec, old.spec) && checkDeadline(errors, pod.spec, old.spec)) {
    checkRest(errors, pod.spec, old.spec, rules)
  }
  return errors
}

function checkRest(errors: FieldError[], spec: FrozenSpec, old: FrozenSpec, rules: PodRules): void {
  checkTolerations(errors, spec.tolerations ?? [], old.tolerations ?? [], rules)
  checkGates(errors, spec, old)
  const munged = withAllowedChanges(spec, old)
  if ((old.schedulingGates ?? []).length > 0) restoreOfGated(errors, munged, old)
  if (isSameSpec(munged, old)) return
  errors.push(fieldForbidden('spec', `${UPDATE_REFUSED}\n${goDifference('core.PodSpec', old, munged)}`))
}

/** Upstream: ValidatePodSpecificAnnotationUpdates. */
export function checkAnnotations(errors: FieldError[], pod: FrozenPod, old: FrozenPod): void {
  const next = pod.metadata.annotations ?? {}
  const before = old.metadata.annotations ?? {}
  const refuse = (key: string, verb: string): void => {
    const at = keyField('metadata.annotations', key)
    if (key.startsWith(APPARMOR_PREFIX)) errors.push(fieldForbidden(at, `may not ${verb} AppArmor annotations`))
    if (key === MIRROR_POD) errors.push(fieldForbidden(at, `may not ${verb} mirror pod annotation`))
  }
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(next, key) || next[key] !== before[key]) refuse(key, 'remove or update')
  }
  for (const key of Object.keys(next)) if (!Object.hasOwn(before, key)) refuse(key, 'add')
}

/** False when the lists cannot be compared any further. */
function checkContainers(errors: FieldError[], spec: FrozenSpec, old: FrozenSpec): boolean {
  for (const list of ['containers', 'initContainers'] as const) {
    const containers: readonly DeepReadonly<Container>[] = spec[list] ?? []
    if (containers.length !== (old[list] ?? []).length) {
      errors.push(fieldForbidden(`spec.${list}`, 'pod updates may not add or remove containers'))
      return false
    }
    containers.forEach((container, i) => {
      if ((container.image ?? '') === '') errors.push(fieldRequired(`spec.${list}[${i}].image`, ''))
      checkImagePadding(errors, `spec.${list}[${i}]`, container)
    })
  }
  return true
}

/** From none to a positive one, or to a smaller one. False ends the validation, as upstream's return does. */
function checkDeadline(errors: FieldError[], spec: FrozenSpec, old: FrozenSpec): boolean {
  const { activeDeadlineSeconds: next } = spec
  const { activeDeadlineSeconds: before } = old
  const field = 'spec.activeDeadlineSeconds'
  if (next === undefined) {
    if (before !== undefined) {
      errors.push(fieldInvalid(field, null, 'must not update from a positive integer to nil value'))
    }
    return true
  }
  if (next < 0 || next > MAX_INT_32) {
    errors.push(fieldInvalid(field, next, inclusiveRangeMessage(0, MAX_INT_32)))
    return false
  }
  if (before === undefined || next <= before) return true
  errors.push(fieldInvalid(field, next, 'must be less than or equal to previous value'))
  return false
}

function checkTolerations(
  errors: FieldError[],
  next: readonly DeepReadonly<Toleration>[],
  before: readonly DeepReadonly<Toleration>[],
  rules: PodRules,
): void {
  const isKept = (old: DeepReadonly<Toleration>): boolean => next.some((other) => isSameToleration(old, other))
  if (before.every(isKept)) validateTolerations(errors, 'spec.tolerations', next, rules)
  else {
    const detail = 'existing toleration can not be modified except its tolerationSeconds'
    errors.push(fieldForbidden('spec.tolerations', detail))
  }
}

function isSameToleration(a: DeepReadonly<Toleration>, b: DeepReadonly<Toleration>): boolean {
  const { tolerationSeconds: _a, ...left } = a
  const { tolerationSeconds: _b, ...right } = b
  return deepEqual(left, right)
}

function checkGates(errors: FieldError[], spec: FrozenSpec, old: FrozenSpec): void {
  const before = new Set((old.schedulingGates ?? []).map(({ name }) => name))
  spec.schedulingGates?.forEach(({ name }, i) => {
    if (before.has(name)) return
    const detail = `only deletion is allowed, but found new scheduling gate '${name}'`
    errors.push(fieldForbidden(`spec.schedulingGates[${i}].name`, detail))
  })
}

/** The new spec with everything that may always change put back. */
function withAllowedChanges(spec: FrozenSpec, old: FrozenSpec): PodSpec {
  const munged = deepCopy<PodSpec>(spec)
  restoreImages(munged.containers, old.containers)
  restoreImages(munged.initContainers, old.initContainers)
  const members: (keyof PodSpec)[] = ['activeDeadlineSeconds', 'tolerations', 'schedulingGates']
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    members.push('terminationGracePeriodSeconds')
  }
  for (const member of members) restore(munged, old, member)
  return munged
}

function restoreImages(
  containers: Container[] | undefined,
  before: readonly DeepReadonly<Container>[] | undefined,
): void {
  containers?.forEach((container, i) => {
    const image = before?.[i]?.image
    if (image === undefined) delete container.image
    else container.image = image
  })
}

function restore(munged: PodSpec, old: FrozenSpec, member: keyof PodSpec): void {
  const target = munged as unknown as Record<string, unknown>
  if (old[member] === undefined) delete target[member]
  else target[member] = old[member]
}

/** A gated pod may still narrow down its nodes. */
function restoreOfGated(errors: FieldError[], munged: PodSpec, old: FrozenSpec): void {
  if (!deepEqual(munged.nodeSelector, old.nodeSelector)) {
    const next = munged.nodeSelector ?? {}
    if (Object.entries(old.nodeSelector ?? {}).some(([key, value]) => next[key] !== value)) {
      const detail = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'
      errors.push(fieldInvalid('spec.nodeSelector', munged.nodeSelector ?? null, detail))
    }
    restore(munged, old, 'nodeSelector')
  }
  const before = old.affinity?.nodeAffinity
  if (deepEqual(munged.affinity?.nodeAffinity, before)) return
  checkNodeAffinityChange(errors, munged.affinity?.nodeAffinity, before)
  const { nodeAffinity: _nodeAffinity, ...others } = munged.affinity ?? {}
  const affinity = { ...others, ...(before === undefined ? {} : { nodeAffinity: before }) } as Affinity
  if (old.affinity === undefined && Object.keys(affinity).length === 0) delete munged.affinity
  else munged.affinity = affinity
}

function checkNodeAffinityChange(
  errors: FieldError[],
  next: DeepReadonly<NodeAffinity> | undefined,
  before: DeepReadonly<NodeAffinity> | undefined,
): void {
  const oldTerms = before?.[REQUIRED]?.nodeSelectorTerms ?? []
  const terms = next?.[REQUIRED]?.nodeSelectorTerms ?? []
  const field = `spec.affinity.nodeAffinity.${REQUIRED}.nodeSelectorTerms`
  if (oldTerms.length === 0) return
  if (terms.length !== oldTerms.length) {
    const detail = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'
    errors.push(fieldInvalid(field, terms.length === 0 ? null : terms.map(internalTerm), detail))
    return
  }
  oldTerms.forEach((old, i) => {
    const term = terms[i] ?? {}
    if (hasOnlyAdditions(term, old)) return
    const detail = 'only additions are allowed (no mutations or deletions)'
    errors.push(fieldInvalid(`${field}[${i}]`, internalTerm(term), detail))
  })
}

function hasOnlyAdditions(term: DeepReadonly<NodeSelectorTerm>, old: DeepReadonly<NodeSelectorTerm>): boolean {
  const { matchExpressions = [], matchFields = [] } = old
  const { matchExpressions: expressions = [], matchFields: fields = [] } = term
  if (matchExpressions.length === 0 && matchFields.length === 0) return expressions.length + fields.length === 0
  return (
    deepEqual(expressions.slice(0, matchExpressions.length), matchExpressions) &&
    deepEqual(fields.slice(0, matchFields.length), matchFields)
  )
}

/** As upstream prints its internal type. */
export function internalTerm({ matchExpressions, matchFields }: DeepReadonly<NodeSelectorTerm>): object {
  const requirements = (list: typeof matchExpressions): object[] | null =>
    list?.map(({ key, operator, values }) => ({ Key: key, Operator: operator, Values: values ?? null })) ?? null
  return { MatchExpressions: requirements(matchExpressions), MatchFields: requirements(matchFields) }
}

export function validateEphemeralContainersUpdate(
  pod: FrozenPod,
  old: FrozenPod,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  if (old.metadata.annotations?.[MIRROR_POD] !== undefined) {
    return [fieldForbidden('[]', 'static pods do not support ephemeral containers')]
  }
  const errors: FieldError[] = []
  validateMetadataAndSpec(errors, pod, rules)
  checkAnnotations(errors, pod, old)
  const field = 'spec.ephemeralContainers'
  for (const before of old.spec.ephemeralContainers ?? []) {
    const name = JSON.stringify(before.name)
    const now = pod.spec.ephemeralContainers?.find((container) => container.name === before.name)
    if (now === undefined) {
      errors.push(fieldForbidden(field, `existing ephemeral containers ${name} may not be removed\n`))
    } else if (!deepEqual(now, before)) {
      const difference = goDifference('core.EphemeralContainer', before, now)
      errors.push(fieldForbidden(field, `existing ephemeral containers ${name} may not be changed\n${difference}`))
    }
  }
  return errors
}
