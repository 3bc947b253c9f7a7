/** Annotations that mean something to a pod. Upstream: pkg/apis/core/validation ValidatePodSpecificAnnotations and the profile matches. */
import type { AppArmorProfile, PodSpec, SeccompProfile, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, keyField } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { visitContainers } from './containers.ts'
import { checkDescendingPath } from './paths.ts'
import type { PodRules } from './rules.ts'
import { validateTolerations } from './scheduling-validation.ts'

type Annotations = Readonly<Record<string, string>>
type FrozenSpec = DeepReadonly<PodSpec>

export const MIRROR_POD = 'kubernetes.io/config.mirror'
export const APPARMOR_PREFIX = 'container.apparmor.security.beta.kubernetes.io/'
export const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod'
export const SECCOMP_CONTAINER_PREFIX = 'container.seccomp.security.alpha.kubernetes.io/'
const TOLERATIONS = 'scheduler.alpha.kubernetes.io/tolerations'
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
const LOCALHOST_PREFIX = 'localhost/'
const SECCOMP_NAMES = ['runtime/default', 'docker/default', 'unconfined']

export function validatePodAnnotations(
  errors: FieldError[],
  field: string,
  annotations: Annotations | undefined,
  spec: FrozenSpec,
  rules: PodRules,
): void {
  if (annotations === undefined) return
  for (const [key, value] of Object.entries(annotations)) {
    if (key === MIRROR_POD) {
      if ((spec.nodeName ?? '') !== '') continue
      const detail = 'must set spec.nodeName if mirror pod annotation is set'
      errors.push(fieldInvalid(keyField(field, key), value, detail))
    } else if (key === TOLERATIONS) checkTolerations(errors, field, value, rules)
    else if (key === DELETION_COST) checkDeletionCost(errors, keyField(field, key), value)
    else if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER_PREFIX)) {
      checkSeccomp(errors, `${field}.${key}`, value)
    } else if (key.startsWith(APPARMOR_PREFIX)) checkAppArmor(errors, keyField(field, key), key, value, spec)
  }
}

function checkTolerations(errors: FieldError[], field: string, value: string, rules: PodRules): void {
  if (value === '') return
  try {
    const tolerations: unknown = JSON.parse(value)
    if (!Array.isArray(tolerations)) return
    validateTolerations(errors, `${field}.${TOLERATIONS}`, tolerations as Toleration[], rules)
  } catch (error: unknown) {
    errors.push(fieldInvalid(field, TOLERATIONS, error instanceof Error ? error.message : String(error)))
  }
}

function checkDeletionCost(errors: FieldError[], field: string, value: string): void {
  const isCanonical = /^(?:0|-?[1-9]\d{0,9})$/.test(value)
  if (isCanonical && Number(value) === (Number(value) | 0)) return
  errors.push(fieldInvalid(field, value, 'must be a 32bit integer'))
}

function checkSeccomp(errors: FieldError[], field: string, profile: string): void {
  if (SECCOMP_NAMES.includes(profile)) return
  if (profile.startsWith(LOCALHOST_PREFIX)) {
    checkDescendingPath(errors, field, profile.slice(LOCALHOST_PREFIX.length))
  } else errors.push(fieldInvalid(field, profile, 'must be a valid seccomp profile'))
}

function checkAppArmor(errors: FieldError[], field: string, key: string, profile: string, spec: FrozenSpec): void {
  const container = key.slice(APPARMOR_PREFIX.length)
  let isKnown = false
  visitContainers(spec, ({ name }) => {
    if (name === container) isKnown = true
  })
  if (!isKnown) errors.push(fieldInvalid(field, container, 'container not found'))
  const isProfile = ['', 'runtime/default', 'unconfined'].includes(profile) || profile.startsWith(LOCALHOST_PREFIX)
  if (!isProfile) errors.push(fieldInvalid(field, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`))
}

/** Profiles that are given both ways must be the same. `at` is the path of the spec. */
export function validateProfileMatches(
  errors: FieldError[],
  at: string,
  annotations: Annotations | undefined,
  spec: FrozenSpec,
): void {
  if (annotations === undefined) return
  const ofPod = spec.securityContext?.seccompProfile
  checkMatch(errors, `${at}.securityContext.seccompProfile`, 'seccomp', annotations[SECCOMP_POD], ofPod)
  const appArmorOfPod = spec.os?.name === 'windows' ? undefined : spec.securityContext?.appArmorProfile
  visitContainers(spec, ({ name, securityContext }, list, i) => {
    const path = `${at}.${list}[${i}].securityContext`
    const seccomp = annotations[`${SECCOMP_CONTAINER_PREFIX}${name}`]
    checkMatch(errors, `${path}.seccompProfile`, 'seccomp', seccomp, securityContext?.seccompProfile)
    if (spec.os?.name === 'windows') return
    const appArmor = securityContext?.appArmorProfile ?? appArmorOfPod
    checkMatch(errors, `${path}.appArmorProfile`, 'apparmor', annotations[`${APPARMOR_PREFIX}${name}`], appArmor)
  })
}

function checkMatch(
  errors: FieldError[],
  field: string,
  kind: 'seccomp' | 'apparmor',
  annotation: string | undefined,
  profile: DeepReadonly<SeccompProfile | AppArmorProfile> | undefined,
): void {
  if (annotation === undefined || profile === undefined) return
  const { type, localhostProfile } = profile
  const isDefault = annotation === 'runtime/default' || (kind === 'seccomp' && annotation === 'docker/default')
  const isSameType =
    (type === 'Unconfined' && annotation === 'unconfined') ||
    (type === 'RuntimeDefault' && isDefault) ||
    (type === 'Localhost' && annotation.startsWith(LOCALHOST_PREFIX))
  if (!isSameType) {
    if (!['Unconfined', 'RuntimeDefault', 'Localhost'].includes(type)) return
    errors.push(fieldForbidden(`${field}.type`, `${kind} type in annotation and field must match`))
  } else if (type === 'Localhost' && annotation.slice(LOCALHOST_PREFIX.length) !== localhostProfile) {
    errors.push(fieldForbidden(`${field}.localhostProfile`, `${kind} profile in annotation and field must match`))
  }
}
