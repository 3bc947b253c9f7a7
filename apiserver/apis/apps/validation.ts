/**
 * Workloads of apps/v1 and, because it is one of them, ReplicationController.
 * Upstream: pkg/apis/apps/validation/validation.go, pkg/apis/core/validation ValidateReplicationController.
 */
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from '#machinery/api/apps/v1/types.gen.ts'
import type { PodTemplateSpec, ReplicationController, Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Label, isLabelValue, isQualifiedName } from '#machinery/meta/validation.ts'
import { labelSelectorAsMatcher, matcherOfSet } from '#machinery/selectors/label.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateClaimSpec } from '../core/persistent-volume/claim-spec-validation.ts'
import { validatePodAnnotations } from '../core/pod/annotations-validation.ts'
import type { PodRules } from '../core/pod/rules.ts'
import { DEFAULT_POD_RULES } from '../core/pod/rules.ts'
import { validatePodTemplate } from '../core/pod/validation.ts'
import {
  addInvalid,
  checkImmutable,
  checkLabelSelector,
  checkNonNegative,
  checkNotMoreThan100Percent,
  checkPositiveIntOrPercent,
  checkTemplateMeta,
  isEmptySelector,
  percentOf,
} from '../validation.ts'

type FrozenTemplate = DeepReadonly<PodTemplateSpec>
type FrozenSelector = DeepReadonly<LabelSelector>

const STATEFUL_SET_UPDATE_REFUSED =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
const STATEFUL_SET_MUTABLE: ReadonlySet<string> = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
])
const RETENTION_POLICIES = ['Retain', 'Delete']

export function validateDeployment(
  { spec }: DeepReadonly<Deployment>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors: FieldError[] = []
  checkNonNegative(errors, 'spec.replicas', spec.replicas)
  checkSelector(errors, spec.selector, 'deployment')
  validateReplicatedTemplate(errors, spec, rules)
  validateDeploymentStrategy(errors, spec.strategy)
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit)
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec
  checkNonNegative(errors, 'spec.progressDeadlineSeconds', deadline)
  if (deadline !== undefined && deadline <= minReadySeconds) {
    errors.push(fieldInvalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
  }
  return errors
}

function validateDeploymentStrategy(
  errors: FieldError[],
  strategy: DeepReadonly<Deployment>['spec']['strategy'] = {},
): void {
  const { type = '', rollingUpdate: rolling } = strategy
  const field = 'spec.strategy.rollingUpdate'
  if (type === 'Recreate') {
    if (rolling === undefined) return
    errors.push(fieldForbidden(field, "may not be specified when strategy `type` is 'Recreate'"))
  } else if (type !== 'RollingUpdate') {
    const shown = { Type: type, RollingUpdate: rolling === undefined ? null : internalRollingUpdate(rolling) }
    errors.push(fieldNotSupported('spec.strategy', shown, ['Recreate', 'RollingUpdate']))
  } else if (rolling === undefined) {
    errors.push(fieldRequired(field, 'this should be defaulted and never be nil'))
  } else {
    checkPositiveIntOrPercent(errors, `${field}.maxUnavailable`, rolling.maxUnavailable)
    checkPositiveIntOrPercent(errors, `${field}.maxSurge`, rolling.maxSurge)
    if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge)) {
      const detail = 'may not be 0 when `maxSurge` is 0'
      errors.push(fieldInvalid(`${field}.maxUnavailable`, rolling.maxUnavailable, detail))
    }
    checkNotMoreThan100Percent(errors, `${field}.maxUnavailable`, rolling.maxUnavailable)
  }
}

/** As upstream prints its internal type. */
const internalRollingUpdate = (rolling: {
  readonly maxUnavailable?: number | string
  readonly maxSurge?: number | string
}): object => ({ MaxUnavailable: rolling.maxUnavailable ?? 0, MaxSurge: rolling.maxSurge ?? 0 })

/** Text that is neither number nor percentage counts as zero, as in upstream's getIntOrPercentValue. */
function isZero(value: number | string | undefined): boolean {
  if (typeof value !== 'string') return (value ?? 0) === 0
  return (percentOf(value) ?? (/^[+-]?\d+$/.test(value) ? Number(value) : 0)) === 0
}

export function validateDeploymentUpdate(
  next: DeepReadonly<Deployment>,
  old: DeepReadonly<Deployment>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors = validateDeployment(next, rules)
  checkImmutable(errors, 'spec.selector', next.spec.selector, old.spec.selector)
  return errors
}

export function validateReplicaSet(
  { spec }: DeepReadonly<ReplicaSet>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors: FieldError[] = []
  checkNonNegative(errors, 'spec.replicas', spec.replicas)
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  checkSelector(errors, spec.selector, 'deployment')
  validateReplicatedTemplate(errors, spec, rules)
  return errors
}

export function validateReplicaSetUpdate(
  next: DeepReadonly<ReplicaSet>,
  old: DeepReadonly<ReplicaSet>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors = validateReplicaSet(next, rules)
  checkImmutable(errors, 'spec.selector', next.spec.selector, old.spec.selector)
  return errors
}

export function validateReplicationController(
  { spec }: DeepReadonly<ReplicationController>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors: FieldError[] = []
  const { selector = {}, template } = spec
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  const hasSelector = Object.keys(selector).length > 0
  if (!hasSelector) errors.push(fieldRequired('spec.selector', ''))
  checkNonNegative(errors, 'spec.replicas', spec.replicas)
  if (template === undefined) {
    errors.push(fieldRequired('spec.template', ''))
    return errors
  }
  if (hasSelector && !matcherOfSet(selector).matches(template.metadata?.labels ?? {})) refuseLabels(errors, template)
  validatePodTemplate(errors, 'spec.template', template, rules)
  validateAlwaysRestarting(errors, template, 'ReplicationController')
  return errors
}

/** The template of a ReplicaSet, also of the one a Deployment makes. Upstream: ValidatePodTemplateSpecForReplicaSet. */
function validateReplicatedTemplate(
  errors: FieldError[],
  { selector, template }: DeepReadonly<ReplicaSet>['spec'],
  rules: PodRules,
): void {
  if (selector !== undefined && !isUsable(selector)) {
    errors.push(fieldInvalid('spec.selector', selector, 'invalid label selector'))
    return
  }
  checkMatch(errors, selector, template)
  validatePodTemplate(errors, 'spec.template', template, rules)
  validateAlwaysRestarting(errors, template, 'ReplicaSet')
}

function checkMatch(
  errors: FieldError[],
  selector: FrozenSelector | undefined,
  template: FrozenTemplate | undefined,
): void {
  // Nothing is matched by no selector, everything by an empty one.
  if (selector !== undefined && isEmptySelector(selector)) return
  if (selector !== undefined && labelSelectorAsMatcher(selector).matches(template?.metadata?.labels ?? {})) return
  refuseLabels(errors, template)
}

function refuseLabels(errors: FieldError[], template: FrozenTemplate | undefined): void {
  const detail = '`selector` does not match template `labels`'
  errors.push(fieldInvalid('spec.template.metadata.labels', sortedLabels(template?.metadata?.labels), detail))
}

/** Go prints maps in the order of their keys. */
export function sortedLabels(labels: Readonly<Record<string, string>> | undefined): object | null {
  if (labels === undefined) return null
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** False for what upstream's LabelSelectorAsSelector refuses; why is reported elsewhere. */
export function isUsable(selector: FrozenSelector): boolean {
  const areLabels = Object.entries(selector.matchLabels ?? {}).every(
    ([key, value]) => isQualifiedName(key).length === 0 && isLabelValue(value).length === 0,
  )
  const areRequirements = (selector.matchExpressions ?? []).every(({ key = '', operator, values = [] }) => {
    const takesValues = operator === 'In' || operator === 'NotIn'
    if (!takesValues && operator !== 'Exists' && operator !== 'DoesNotExist') return false
    if (takesValues !== values.length > 0 || isQualifiedName(key).length > 0) return false
    return values.every((value) => isLabelValue(value).length === 0)
  })
  return areLabels && areRequirements
}

export function validateDaemonSet(
  { spec }: DeepReadonly<DaemonSet>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors: FieldError[] = []
  const { selector, template, updateStrategy: strategy = {} } = spec
  checkLabelSelector(errors, 'spec.selector', selector)
  if (selector === undefined || isUsable(selector)) checkMatch(errors, selector, template)
  if (selector !== undefined && isEmptySelector(selector)) {
    errors.push(fieldInvalid('spec.selector', selector, 'empty selector is invalid for daemonset'))
  }
  validatePodTemplate(errors, 'spec.template', template, rules)
  validateAlwaysRestarting(errors, template, 'DaemonSet')
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  const { type = '', rollingUpdate: rolling } = strategy
  if (type === 'RollingUpdate') {
    if (rolling === undefined) errors.push(fieldRequired('spec.updateStrategy.rollingUpdate', ''))
    else validateDaemonRollingUpdate(errors, 'spec.updateStrategy.rollingUpdate', rolling)
  } else if (type !== 'OnDelete') {
    const shown = { Type: type, RollingUpdate: rolling === undefined ? null : internalRollingUpdate(rolling) }
    errors.push(fieldNotSupported('spec.updateStrategy', shown, ['RollingUpdate', 'OnDelete']))
  }
  checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit)
  return errors
}

function validateDaemonRollingUpdate(
  errors: FieldError[],
  field: string,
  rolling: NonNullable<NonNullable<DeepReadonly<DaemonSet>['spec']['updateStrategy']>['rollingUpdate']>,
): void {
  const { maxUnavailable, maxSurge } = rolling
  checkPositiveIntOrPercent(errors, `${field}.maxUnavailable`, maxUnavailable)
  checkPositiveIntOrPercent(errors, `${field}.maxSurge`, maxSurge)
  checkNotMoreThan100Percent(errors, `${field}.maxUnavailable`, maxUnavailable)
  checkNotMoreThan100Percent(errors, `${field}.maxSurge`, maxSurge)
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    errors.push(fieldInvalid(`${field}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'))
  } else if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(fieldRequired(`${field}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  }
}

export function validateDaemonSetUpdate(
  next: DeepReadonly<DaemonSet>,
  old: DeepReadonly<DaemonSet>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors: FieldError[] = []
  checkImmutable(errors, 'spec.selector', next.spec.selector, old.spec.selector)
  return [...errors, ...validateDaemonSet(next, rules)]
}

export function validateStatefulSet(
  statefulSet: DeepReadonly<StatefulSet>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors: FieldError[] = []
  validateStatefulSetSpec(errors, statefulSet.spec, { rules, isNew: true })
  return errors
}

interface StatefulSetRules {
  /** Absent: the template's spec is not looked at. */
  readonly rules?: PodRules
  /** Claims and the service's name cannot change, so only new ones are judged. */
  readonly isNew: boolean
}

function validateStatefulSetSpec(
  errors: FieldError[],
  spec: DeepReadonly<StatefulSet>['spec'],
  { rules, isNew }: StatefulSetRules,
): void {
  const { podManagementPolicy: management = '', selector, template } = spec
  if (management === '') errors.push(fieldRequired('spec.podManagementPolicy', ''))
  else if (management !== 'OrderedReady' && management !== 'Parallel') {
    errors.push(fieldInvalid('spec.podManagementPolicy', management, "must be 'OrderedReady' or 'Parallel'"))
  }
  validateStatefulStrategy(errors, spec.updateStrategy)
  for (const member of ['whenDeleted', 'whenScaled'] as const) {
    const policy = spec.persistentVolumeClaimRetentionPolicy?.[member]
    if (spec.persistentVolumeClaimRetentionPolicy === undefined || RETENTION_POLICIES.includes(policy ?? '')) continue
    const field = `spec.persistentVolumeClaimRetentionPolicy.${member}`
    errors.push(fieldNotSupported(field, policy ?? '', RETENTION_POLICIES))
  }
  if (isNew) {
    spec.volumeClaimTemplates?.forEach((claim, i) => {
      validateClaimSpec(errors, `spec.volumeClaimTemplates[${i}].spec`, claim.spec ?? {})
    })
  }
  checkNonNegative(errors, 'spec.replicas', spec.replicas)
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  checkNonNegative(errors, 'spec.ordinals.start', spec.ordinals?.start)
  const { serviceName = '' } = spec
  if (isNew && serviceName !== '') addInvalid(errors, 'spec.serviceName', serviceName, isDns1123Label(serviceName))
  checkSelector(errors, selector, 'statefulset')
  if (selector !== undefined && !isUsable(selector)) errors.push(fieldInvalid('spec.selector', selector, ''))
  else {
    checkMatch(errors, selector, template)
    validateStatefulTemplate(errors, asInPods(spec), rules)
  }
  validateAlwaysRestarting(errors, template, 'StatefulSet')
}

/** Labels and annotations are judged twice, as upstream. Upstream: ValidatePodTemplateSpecForStatefulSet. */
function validateStatefulTemplate(errors: FieldError[], template: FrozenTemplate, rules: PodRules | undefined): void {
  if (rules !== undefined) validatePodTemplate(errors, 'spec.template', template, rules)
  const { metadata, spec = { containers: [] } } = template
  checkTemplateMeta(errors, 'spec.template', metadata)
  const at = 'spec.template.annotations'
  validatePodAnnotations(errors, at, metadata?.annotations, spec, rules ?? DEFAULT_POD_RULES)
}

/** The template as the controller fills it in: names of hosts are its own, claims become volumes. */
function asInPods({ template, volumeClaimTemplates = [] }: DeepReadonly<StatefulSet>['spec']): FrozenTemplate {
  if (template?.spec === undefined) return template ?? {}
  const { subdomain, hostname, volumes = [], ...others } = template.spec
  if (volumeClaimTemplates.length === 0 && subdomain === undefined && hostname === undefined) return template
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ''))
  const own = volumes.filter(({ name }) => !names.has(name))
  const claims = [...names].map((name): Volume => ({ name, persistentVolumeClaim: { claimName: name } }))
  return { ...template, spec: { ...others, volumes: [...claims, ...own] } }
}

function validateStatefulStrategy(
  errors: FieldError[],
  strategy: DeepReadonly<StatefulSet>['spec']['updateStrategy'] = {},
): void {
  const { type = '', rollingUpdate: rolling } = strategy
  const field = 'spec.updateStrategy.rollingUpdate'
  const shown =
    rolling === undefined ? null : { Partition: rolling.partition ?? 0, MaxUnavailable: rolling.maxUnavailable ?? null }
  if (type === '') errors.push(fieldRequired('spec.updateStrategy', ''))
  else if (type === 'OnDelete') {
    if (rolling === undefined) return
    errors.push(fieldInvalid(field, shown, "only allowed for updateStrategy 'RollingUpdate'"))
  } else if (type !== 'RollingUpdate') {
    const value = { Type: type, RollingUpdate: shown }
    errors.push(fieldInvalid('spec.updateStrategy', value, "must be 'RollingUpdate' or 'OnDelete'"))
  } else if (rolling !== undefined) {
    checkNonNegative(errors, `${field}.partition`, rolling.partition)
    if (rolling.maxUnavailable === undefined) return
    checkPositiveIntOrPercent(errors, `${field}.maxUnavailable`, rolling.maxUnavailable)
    if (isZero(rolling.maxUnavailable)) {
      errors.push(fieldInvalid(`${field}.maxUnavailable`, rolling.maxUnavailable, 'cannot be 0'))
    }
    checkNotMoreThan100Percent(errors, `${field}.maxUnavailable`, rolling.maxUnavailable)
  }
}

export function validateStatefulSetUpdate(
  next: DeepReadonly<StatefulSet>,
  old: DeepReadonly<StatefulSet>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors: FieldError[] = []
  const before: FieldError[] = []
  validateStatefulSetSpec(before, old.spec, { rules, isNew: false })
  // A stored template that breaks later rules may go on breaking them.
  validateStatefulSetSpec(errors, next.spec, before.length > 0 ? { isNew: false } : { rules, isNew: false })
  const fixed = (spec: object): object =>
    Object.fromEntries(Object.entries(spec).filter(([member]) => !STATEFUL_SET_MUTABLE.has(member)))
  if (!deepEqual(fixed(next.spec), fixed(old.spec))) errors.push(fieldForbidden('spec', STATEFUL_SET_UPDATE_REFUSED))
  return errors
}

export function validateControllerRevision({ data, revision }: DeepReadonly<ControllerRevision>): FieldError[] {
  const errors: FieldError[] = []
  checkNonNegative(errors, 'revision', revision)
  if (data === undefined || data === null) errors.push(fieldRequired('data', 'data is mandatory'))
  else if (typeof data !== 'object' || Array.isArray(data)) {
    errors.push(fieldRequired('data', 'data must be a valid JSON object'))
  }
  return errors
}

export function validateControllerRevisionUpdate(
  next: DeepReadonly<ControllerRevision>,
  old: DeepReadonly<ControllerRevision>,
): FieldError[] {
  const errors: FieldError[] = []
  checkNonNegative(errors, 'revision', next.revision)
  checkImmutable(errors, 'data', next.data, old.data)
  return errors
}

function checkSelector(
  errors: FieldError[],
  selector: FrozenSelector | undefined,
  kind: 'deployment' | 'statefulset',
): void {
  if (selector === undefined) {
    errors.push(fieldRequired('spec.selector', ''))
    return
  }
  checkLabelSelector(errors, 'spec.selector', selector)
  if (isEmptySelector(selector)) {
    errors.push(fieldInvalid('spec.selector', selector, `empty selector is invalid for ${kind}`))
  }
}

/** Templates of controllers that keep their pods running. */
function validateAlwaysRestarting(errors: FieldError[], template: FrozenTemplate | undefined, kind: string): void {
  const { restartPolicy = '', activeDeadlineSeconds } = template?.spec ?? {}
  if (restartPolicy !== 'Always') {
    errors.push(fieldNotSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']))
  }
  if (activeDeadlineSeconds === undefined) return
  const detail = `activeDeadlineSeconds in ${kind} is not Supported`
  errors.push(fieldForbidden('spec.template.spec.activeDeadlineSeconds', detail))
}
