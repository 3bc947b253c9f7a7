/** Upstream: pkg/apis/apps/validation/validation.go. */
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { PodTemplateSpec, ReplicationController } from '#machinery/api/core/v1/types.gen.ts'
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { labelSelectorAsMatcher, matcherOfSet } from '#machinery/selectors/label.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validatePodTemplate } from '../core/pod/validation.ts'
import {
  checkImmutable,
  checkLabelSelector,
  checkNonNegative,
  checkNotMoreThan100Percent,
  checkOneOf,
  checkPositiveIntOrPercent,
  isEmptySelector,
  percentOf,
} from '../validation.ts'

type FrozenTemplate = DeepReadonly<PodTemplateSpec>

const STATEFUL_SET_UPDATE_REFUSED =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

export function validateDeployment({ spec }: DeepReadonly<Deployment>): FieldError[] {
  const errors: FieldError[] = []
  checkNonNegative(errors, 'spec.replicas', spec.replicas)
  checkSelector(errors, spec.selector, spec.template, 'deployment')
  validateAlwaysRestarting(errors, spec.template, true)
  validateDeploymentStrategy(errors, spec.strategy)
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit)
  checkNonNegative(errors, 'spec.progressDeadlineSeconds', spec.progressDeadlineSeconds)
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec
  if (deadline !== undefined && deadline <= minReadySeconds) {
    errors.push(fieldInvalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
  }
  return errors
}

function validateDeploymentStrategy(
  errors: FieldError[],
  strategy: DeepReadonly<Deployment>['spec']['strategy'],
): void {
  const type = strategy?.type ?? ''
  if (type === 'Recreate') {
    if (strategy?.rollingUpdate === undefined) return
    const detail = "may not be specified when strategy `type` is 'Recreate'"
    errors.push(fieldForbidden('spec.strategy.rollingUpdate', detail))
    return
  }
  if (type !== 'RollingUpdate') {
    errors.push(fieldNotSupported('spec.strategy.type', type, ['Recreate', 'RollingUpdate']))
    return
  }
  const rolling = strategy?.rollingUpdate
  if (rolling === undefined) {
    errors.push(fieldRequired('spec.strategy.rollingUpdate', 'this should be defaulted and never be nil'))
    return
  }
  const field = 'spec.strategy.rollingUpdate'
  checkPositiveIntOrPercent(errors, `${field}.maxUnavailable`, rolling.maxUnavailable)
  checkPositiveIntOrPercent(errors, `${field}.maxSurge`, rolling.maxSurge)
  if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge)) {
    const detail = 'may not be 0 when `maxSurge` is 0'
    errors.push(fieldInvalid(`${field}.maxUnavailable`, rolling.maxUnavailable, detail))
  }
  checkNotMoreThan100Percent(errors, `${field}.maxUnavailable`, rolling.maxUnavailable)
}

const isZero = (value: number | string | undefined): boolean => value === 0 || percentOf(value) === 0

export function validateDeploymentUpdate(next: DeepReadonly<Deployment>, old: DeepReadonly<Deployment>): FieldError[] {
  const errors = validateDeployment(next)
  checkImmutable(errors, 'spec.selector', next.spec.selector, old.spec.selector)
  return errors
}

export function validateReplicaSet({ spec }: DeepReadonly<ReplicaSet>): FieldError[] {
  const errors: FieldError[] = []
  checkNonNegative(errors, 'spec.replicas', spec.replicas)
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  checkSelector(errors, spec.selector, spec.template, 'deployment')
  validateAlwaysRestarting(errors, spec.template, true)
  return errors
}

export function validateReplicaSetUpdate(next: DeepReadonly<ReplicaSet>, old: DeepReadonly<ReplicaSet>): FieldError[] {
  const errors = validateReplicaSet(next)
  checkImmutable(errors, 'spec.selector', next.spec.selector, old.spec.selector)
  return errors
}

export function validateReplicationController({ spec }: DeepReadonly<ReplicationController>): FieldError[] {
  const errors: FieldError[] = []
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  if (Object.keys(spec.selector ?? {}).length === 0) errors.push(fieldRequired('spec.selector', ''))
  checkNonNegative(errors, 'spec.replicas', spec.replicas)
  if (spec.template === undefined) {
    errors.push(fieldRequired('spec.template', ''))
    return errors
  }
  const labels = spec.template.metadata?.labels ?? {}
  if (spec.selector !== undefined && !matcherOfSet(spec.selector).matches(labels)) {
    errors.push(fieldInvalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  }
  validateAlwaysRestarting(errors, spec.template, true)
  return errors
}

export function validateDaemonSet({ spec }: DeepReadonly<DaemonSet>): FieldError[] {
  const errors: FieldError[] = []
  checkSelector(errors, spec.selector, spec.template, 'daemonset')
  validateAlwaysRestarting(errors, spec.template, false)
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit)
  const type = spec.updateStrategy?.type ?? ''
  if (type !== 'OnDelete' && type !== 'RollingUpdate') {
    errors.push(fieldNotSupported('spec.updateStrategy', type, ['OnDelete', 'RollingUpdate']))
  }
  const rolling = spec.updateStrategy?.rollingUpdate
  if (type === 'RollingUpdate' && rolling !== undefined) {
    const field = 'spec.updateStrategy.rollingUpdate'
    checkPositiveIntOrPercent(errors, `${field}.maxUnavailable`, rolling.maxUnavailable)
    checkPositiveIntOrPercent(errors, `${field}.maxSurge`, rolling.maxSurge)
    if (!isZero(rolling.maxUnavailable) && !isZero(rolling.maxSurge)) {
      errors.push(fieldInvalid(`${field}.maxSurge`, rolling.maxSurge, 'may not be set when maxUnavailable is non-zero'))
    } else if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge)) {
      errors.push(fieldInvalid(`${field}.maxUnavailable`, rolling.maxUnavailable, 'cannot be 0 when maxSurge is 0'))
    }
    checkNotMoreThan100Percent(errors, `${field}.maxUnavailable`, rolling.maxUnavailable)
  }
  return errors
}

export function validateDaemonSetUpdate(next: DeepReadonly<DaemonSet>, old: DeepReadonly<DaemonSet>): FieldError[] {
  const errors = validateDaemonSet(next)
  checkImmutable(errors, 'spec.selector', next.spec.selector, old.spec.selector)
  return errors
}

export function validateStatefulSet({ spec }: DeepReadonly<StatefulSet>): FieldError[] {
  const errors: FieldError[] = []
  const policies = ['OrderedReady', 'Parallel']
  if (!policies.includes(spec.podManagementPolicy ?? '')) {
    const detail = `must be 'OrderedReady' or 'Parallel'`
    if ((spec.podManagementPolicy ?? '') === '') errors.push(fieldRequired('spec.podManagementPolicy', ''))
    else errors.push(fieldInvalid('spec.podManagementPolicy', spec.podManagementPolicy, detail))
  }
  const { type = '', rollingUpdate } = spec.updateStrategy ?? {}
  if (type === 'OnDelete' && rollingUpdate !== undefined) {
    const detail = "only allowed for updateStrategy 'RollingUpdate'"
    errors.push(fieldInvalid('spec.updateStrategy.rollingUpdate', rollingUpdate, detail))
  } else if (type === 'RollingUpdate') {
    checkNonNegative(errors, 'spec.updateStrategy.rollingUpdate.partition', rollingUpdate?.partition)
  } else if (type !== 'OnDelete') {
    if (type === '') errors.push(fieldRequired('spec.updateStrategy', ''))
    else errors.push(fieldInvalid('spec.updateStrategy', spec.updateStrategy, "must be 'RollingUpdate' or 'OnDelete'"))
  }
  checkNonNegative(errors, 'spec.replicas', spec.replicas)
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  checkNonNegative(errors, 'spec.ordinals.start', spec.ordinals?.start)
  checkSelector(errors, spec.selector, spec.template, 'statefulset')
  validateAlwaysRestarting(errors, spec.template, false)
  const retention = spec.persistentVolumeClaimRetentionPolicy
  for (const member of ['whenDeleted', 'whenScaled'] as const) {
    const field = `spec.persistentVolumeClaimRetentionPolicy.${member}`
    if (retention !== undefined) checkOneOf(errors, field, retention[member], ['Delete', 'Retain'], 'unsupported')
  }
  return errors
}

const STATEFUL_SET_MUTABLE: ReadonlySet<string> = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
])

export function validateStatefulSetUpdate(
  next: DeepReadonly<StatefulSet>,
  old: DeepReadonly<StatefulSet>,
): FieldError[] {
  const errors = validateStatefulSet(next)
  const fixed = (spec: object): object =>
    Object.fromEntries(Object.entries(spec).filter(([member]) => !STATEFUL_SET_MUTABLE.has(member)))
  if (!deepEqual(fixed(next.spec), fixed(old.spec))) errors.push(fieldForbidden('spec', STATEFUL_SET_UPDATE_REFUSED))
  return errors
}

function checkSelector(
  errors: FieldError[],
  selector: DeepReadonly<LabelSelector> | undefined,
  template: FrozenTemplate | undefined,
  kind: 'deployment' | 'daemonset' | 'statefulset',
): void {
  if (selector === undefined) {
    errors.push(fieldRequired('spec.selector', ''))
    return
  }
  const before = errors.length
  checkLabelSelector(errors, 'spec.selector', selector)
  if (isEmptySelector(selector)) {
    errors.push(fieldInvalid('spec.selector', selector, `empty selector is invalid for ${kind}`))
    return
  }
  if (errors.length > before) return
  const labels = template?.metadata?.labels ?? {}
  if (labelSelectorAsMatcher(selector).matches(labels)) return
  errors.push(fieldInvalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
}

/** Templates of controllers that keep their pods running. */
function validateAlwaysRestarting(
  errors: FieldError[],
  template: FrozenTemplate | undefined,
  deniesDeadline: boolean,
): void {
  validatePodTemplate(errors, 'spec.template', template)
  const { restartPolicy = '', activeDeadlineSeconds } = template?.spec ?? {}
  if (restartPolicy !== 'Always') {
    errors.push(fieldNotSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']))
  }
  if (activeDeadlineSeconds === undefined) return
  const detail = deniesDeadline ? 'activeDeadlineSeconds in ReplicaSet is not Supported' : 'must not be specified'
  errors.push(fieldForbidden('spec.template.spec.activeDeadlineSeconds', detail))
}
