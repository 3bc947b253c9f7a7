/** Tolerations, topology spread and gates. Upstream: pkg/apis/core/validation ValidateTolerations, validateTopologySpreadConstraints. */
import type {
  PodReadinessGate,
  PodSchedulingGate,
  Toleration,
  TopologySpreadConstraint,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDecimalInteger, isLabelValue, isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkLabelSelector } from '../../validation.ts'
import { checkMatchedKeys } from './affinity-validation.ts'
import type { PodRules } from './rules.ts'

type Constraint = DeepReadonly<TopologySpreadConstraint>

const TAINT_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
const INT_64_MAX = 2n ** 63n
const SPREAD_ACTIONS = ['DoNotSchedule', 'ScheduleAnyway']
const NODE_POLICIES = ['Honor', 'Ignore']
const NOT_POSITIVE = 'must be greater than zero'

export function validateTolerations(
  errors: FieldError[],
  field: string,
  tolerations: readonly DeepReadonly<Toleration>[],
  rules: PodRules,
): void {
  for (let i = 0; i < tolerations.length; i++) {
    const toleration = tolerations[i]
    if (toleration === undefined) continue
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration
    if (key !== '') {
      const messages = isQualifiedName(key)
      if (messages.length > 0) addInvalid(errors, `${field}[${i}].key`, key, messages)
    } else if (operator !== 'Exists') {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
      errors.push(fieldInvalid(`${field}[${i}].operator`, operator, detail))
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
      errors.push(fieldInvalid(`${field}[${i}].effect`, effect, detail))
    }
    if (operator === 'Exists') {
      if (value !== '') {
        const detail = "value must be empty when `operator` is 'Exists'"
        errors.push(fieldInvalid(`${field}[${i}].operator`, value, detail))
      }
    } else if (operator === 'Equal' || operator === '') {
      const messages = isLabelValue(value)
      if (messages.length > 0) errors.push(fieldInvalid(`${field}[${i}].operator`, value, messages.join(';')))
    } else if (operator !== 'Lt' && operator !== 'Gt') {
      errors.push(fieldNotSupported(`${field}[${i}].operator`, operator, ['Equal', 'Exists']))
    } else if (rules.allowsComparisons) checkNumber(errors, `${field}[${i}].value`, value)
    else errors.push(fieldNotSupported(`${field}[${i}].operator`, operator, ['Equal', 'Exists', 'Lt', 'Gt']))
    if (effect !== '' && !TAINT_EFFECTS.includes(effect)) {
      errors.push(fieldNotSupported(`${field}[${i}].effect`, effect, TAINT_EFFECTS))
    }
  }
}

/** Canonical, and of 64 bits; upstream reports Go's parser beside its own words. */
function checkNumber(errors: FieldError[], field: string, value: string): void {
  addInvalid(errors, field, value, isDecimalInteger(value))
  const problem = int64Problem(value)
  if (problem === undefined) return
  errors.push(fieldInvalid(field, value, `strconv.ParseInt: parsing ${JSON.stringify(value)}: ${problem}`))
}

function int64Problem(value: string): string | undefined {
  if (!/^[+-]?[0-9]+$/.test(value)) return 'invalid syntax'
  const number = BigInt(value.replace('+', ''))
  return number >= -INT_64_MAX && number < INT_64_MAX ? undefined : 'value out of range'
}

export function validateTopologySpread(errors: FieldError[], field: string, constraints: readonly Constraint[]): void {
  constraints.forEach((constraint, i) => {
    validateConstraint(errors, `${field}[${i}]`, constraint, constraints.slice(i + 1))
  })
}

function validateConstraint(
  errors: FieldError[],
  at: string,
  constraint: Constraint,
  rest: readonly Constraint[],
): void {
  const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains } = constraint
  if (maxSkew <= 0) errors.push(fieldInvalid(`${at}.maxSkew`, maxSkew, NOT_POSITIVE))
  if (topologyKey === '') errors.push(fieldRequired(`${at}.topologyKey`, 'can not be empty'))
  if (!SPREAD_ACTIONS.includes(whenUnsatisfiable)) {
    errors.push(fieldNotSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, SPREAD_ACTIONS))
  }
  const isRepeated = (other: Constraint): boolean =>
    (other.topologyKey ?? '') === topologyKey && (other.whenUnsatisfiable ?? '') === whenUnsatisfiable
  if (rest.some(isRepeated)) {
    errors.push(fieldDuplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`))
  }
  if (minDomains !== undefined) {
    if (minDomains <= 0) errors.push(fieldInvalid(`${at}.minDomains`, minDomains, NOT_POSITIVE))
    if (whenUnsatisfiable !== 'DoNotSchedule') {
      const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
      errors.push(fieldInvalid(`${at}.minDomains`, minDomains, detail))
    }
  }
  for (const member of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
    const policy = constraint[member]
    if (policy !== undefined && !NODE_POLICIES.includes(policy)) {
      errors.push(fieldNotSupported(`${at}.${member}`, policy, NODE_POLICIES))
    }
  }
  checkMatchedKeys(errors, at, constraint)
  checkLabelSelector(errors, `${at}.labelSelector`, constraint.labelSelector)
}

export function validateSchedulingGates(
  errors: FieldError[],
  field: string,
  gates: readonly DeepReadonly<PodSchedulingGate>[],
): void {
  const seen = new Set<string>()
  gates.forEach(({ name = '' }, i) => {
    addInvalid(errors, `${field}[${i}]`, name, isQualifiedName(name))
    if (seen.has(name)) errors.push(fieldDuplicate(`${field}[${i}]`, name))
    seen.add(name)
  })
}

export function validateReadinessGates(
  errors: FieldError[],
  field: string,
  gates: readonly DeepReadonly<PodReadinessGate>[],
): void {
  gates.forEach(({ conditionType = '' }, i) => {
    addInvalid(errors, `${field}[${i}].conditionType`, conditionType, isQualifiedName(conditionType))
  })
}
