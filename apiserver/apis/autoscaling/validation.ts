/** Upstream: pkg/apis/autoscaling/validation/validation.go. Paths are v2's. */
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingRules,
} from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isPathSegmentName } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkName, checkNonNegative, NON_NEGATIVE } from '../validation.ts'
import { validateMetric } from './metric-validation.ts'

const MAX_PERIOD_SECONDS = 1800
const MAX_STABILIZATION_SECONDS = 3600
const SELECT_POLICIES = ['Disabled', 'Max', 'Min']
const POLICY_TYPES = ['Percent', 'Pods']

type FrozenAutoscaler = DeepReadonly<HorizontalPodAutoscaler>

/** What a stored object that was made under older rules may keep. */
interface Leniency {
  readonly minReplicasMin: number
  readonly anyTargetVersion: boolean
  readonly anyMetricVersion: boolean
}

/** `scalesToZero`: the gate HPAScaleToZero. */
export function validateHorizontalPodAutoscaler(autoscaler: FrozenAutoscaler, scalesToZero = false): FieldError[] {
  return validateSpec(autoscaler, {
    minReplicasMin: scalesToZero ? 0 : 1,
    anyTargetVersion: false,
    anyMetricVersion: false,
  })
}

export function validateHorizontalPodAutoscalerUpdate(
  next: FrozenAutoscaler,
  old: FrozenAutoscaler,
  scalesToZero = false,
): FieldError[] {
  const before = old.spec
  return validateSpec(next, {
    minReplicasMin: scalesToZero || before.minReplicas === 0 ? 0 : 1,
    anyTargetVersion: isSameType(next.spec.scaleTargetRef, before.scaleTargetRef),
    anyMetricVersion: (before.metrics ?? []).some(
      ({ object }) => object !== undefined && versionProblem(object.describedObject?.apiVersion ?? '') !== undefined,
    ),
  })
}

export function validateHorizontalPodAutoscalerStatus({ status }: FrozenAutoscaler): FieldError[] {
  const errors: FieldError[] = []
  checkNonNegative(errors, 'status.currentReplicas', status?.currentReplicas)
  checkNonNegative(errors, 'status.desiredReplicas', status?.desiredReplicas)
  return errors
}

function validateSpec({ spec }: FrozenAutoscaler, leniency: Leniency): FieldError[] {
  const errors: FieldError[] = []
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics = [], behavior } = spec ?? {}
  if (minReplicas !== undefined && minReplicas < leniency.minReplicasMin) {
    const detail = `must be greater than or equal to ${leniency.minReplicasMin}`
    errors.push(fieldInvalid('spec.minReplicas', minReplicas, detail))
  }
  if (maxReplicas === 0) errors.push(fieldRequired('spec.maxReplicas', 'must be set and greater than 0'))
  if (maxReplicas < 0) {
    errors.push(fieldInvalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'))
  }
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(fieldInvalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  }
  const problem = leniency.anyTargetVersion ? undefined : targetVersionProblem(scaleTargetRef)
  validateReference(errors, 'spec.scaleTargetRef', scaleTargetRef, problem)
  metrics.forEach((metric, i) => {
    const field = `spec.metrics[${i}]`
    validateMetric(errors, field, metric, (reference) => {
      const trouble = leniency.anyMetricVersion ? undefined : versionProblem(reference?.apiVersion ?? '')
      validateReference(errors, `${field}.object.describedObject`, reference, trouble)
    })
  })
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    const detail = 'must specify at least one Object or External metric to support scaling to zero replicas'
    errors.push(fieldForbidden('spec.metrics', detail))
  }
  validateRules(errors, 'spec.behavior.scaleUp', behavior?.scaleUp)
  validateRules(errors, 'spec.behavior.scaleDown', behavior?.scaleDown)
  return errors
}

type Reference = DeepReadonly<CrossVersionObjectReference> | undefined

const isSameType = (a: Reference, b: Reference): boolean =>
  (a?.apiVersion ?? '') === (b?.apiVersion ?? '') && (a?.kind ?? '') === (b?.kind ?? '')

/** Of what scales, only replication controllers are in the group without a name. */
function targetVersionProblem(reference: Reference): string | undefined {
  const { apiVersion = '', kind } = reference ?? {}
  const problem = versionProblem(apiVersion)
  if (problem !== undefined || kind === 'ReplicationController') return problem
  const isGrouped = apiVersion.includes('/') && !apiVersion.startsWith('/')
  return isGrouped ? undefined : 'apiVersion must specify API group'
}

function versionProblem(apiVersion: string): string | undefined {
  return apiVersion.split('/').length > 2 ? `unexpected GroupVersion string: ${apiVersion}` : undefined
}

function validateReference(
  errors: FieldError[],
  field: string,
  reference: Reference,
  apiVersionProblem: string | undefined,
): void {
  checkName(errors, `${field}.kind`, reference?.kind, isPathSegmentName)
  checkName(errors, `${field}.name`, reference?.name, isPathSegmentName)
  if (apiVersionProblem === undefined) return
  errors.push(fieldInvalid(`${field}.apiVersion`, reference?.apiVersion ?? '', apiVersionProblem))
}

function validateRules(errors: FieldError[], field: string, rules: DeepReadonly<HPAScalingRules> | undefined): void {
  if (rules === undefined) return
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules
  const windowField = `${field}.stabilizationWindowSeconds`
  if (window !== undefined && window < 0) {
    errors.push(fieldInvalid(windowField, window, 'must be greater than or equal to zero'))
  }
  if (window !== undefined && window > MAX_STABILIZATION_SECONDS) {
    errors.push(fieldInvalid(windowField, window, `must be less than or equal to ${MAX_STABILIZATION_SECONDS}`))
  }
  if (selectPolicy !== undefined && !SELECT_POLICIES.includes(selectPolicy)) {
    errors.push(fieldNotSupported(`${field}.selectPolicy`, selectPolicy, SELECT_POLICIES))
  }
  if (policies.length === 0) errors.push(fieldRequired(`${field}.policies`, 'must specify at least one Policy'))
  policies.forEach(({ type = '', value = 0, periodSeconds = 0 }, i) => {
    const at = `${field}.policies[${i}]`
    if (!POLICY_TYPES.includes(type)) errors.push(fieldNotSupported(`${at}.type`, type, POLICY_TYPES))
    if (value <= 0) errors.push(fieldInvalid(`${at}.value`, value, 'must be greater than zero'))
    const refuse = (detail: string): void => {
      errors.push(fieldInvalid(`${at}.periodSeconds`, periodSeconds, detail))
    }
    if (periodSeconds <= 0) refuse('must be greater than zero')
    if (periodSeconds > MAX_PERIOD_SECONDS) refuse(`must be less than or equal to ${MAX_PERIOD_SECONDS}`)
  })
  if (tolerance !== undefined && (tryParseQuantity(String(tolerance))?.sign ?? 0) < 0) {
    errors.push(fieldInvalid(`${field}.tolerance`, String(tolerance), NON_NEGATIVE))
  }
}
