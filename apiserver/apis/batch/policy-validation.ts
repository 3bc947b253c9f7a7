/** When a Job fails and when it succeeds early. Upstream: pkg/apis/batch/validation validatePodFailurePolicy, validateSuccessPolicy. */
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '#machinery/api/batch/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
  fieldTooMany,
  OMITTED_VALUE,
} from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkNonNegative } from '../validation.ts'
import { parseIndexes } from './indexes.ts'

type FrozenSpec = DeepReadonly<JobSpec>

const RULES_MAX = 20
const PATTERNS_MAX = 20
const EXIT_CODES_MAX = 255
const SUCCEEDED_INDEXES_MAX_BYTES = 64 * 1024
const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const STATUSES = ['False', 'True', 'Unknown']
const OPERATORS = ['In', 'NotIn']

export function validatePodFailurePolicy(errors: FieldError[], field: string, spec: FrozenSpec): void {
  const rules = spec.podFailurePolicy?.rules ?? []
  if (rules.length > RULES_MAX) errors.push(fieldTooMany(`${field}.rules`, rules.length, RULES_MAX))
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {}
  const names = new Set([...containers, ...initContainers].map(({ name }) => name))
  rules.forEach((rule, i) => {
    validateRule(errors, `${field}.rules[${i}]`, rule, {
      names,
      countsPerIndex: spec.backoffLimitPerIndex !== undefined,
    })
  })
}

function validateRule(
  errors: FieldError[],
  at: string,
  rule: DeepReadonly<PodFailurePolicyRule>,
  job: { readonly names: ReadonlySet<string>; readonly countsPerIndex: boolean },
): void {
  const { action = '', onExitCodes, onPodConditions = [] } = rule
  if (action === 'FailIndex') {
    if (!job.countsPerIndex) {
      errors.push(fieldInvalid(`${at}.action`, action, 'requires the backoffLimitPerIndex to be set'))
    }
  } else checkValue(errors, `${at}.action`, action, ACTIONS)
  if (onExitCodes !== undefined) validateExitCodes(errors, `${at}.onExitCodes`, onExitCodes, job.names)
  if (onPodConditions.length > 0) validateConditions(errors, `${at}.onPodConditions`, onPodConditions)
  if (onExitCodes !== undefined && onPodConditions.length > 0) {
    const detail = 'specifying both OnExitCodes and OnPodConditions is not supported'
    errors.push(fieldInvalid(at, OMITTED_VALUE, detail))
  } else if (onExitCodes === undefined && onPodConditions.length === 0) {
    const detail = 'specifying one of OnExitCodes and OnPodConditions is required'
    errors.push(fieldInvalid(at, OMITTED_VALUE, detail))
  }
}

/** As Go's %q prints a list: no commas. */
function checkValue(errors: FieldError[], field: string, value: string, supported: readonly string[]): void {
  if (supported.includes(value)) return
  const listed = supported.map((one) => JSON.stringify(one)).join(' ')
  errors.push(
    value === '' ? fieldRequired(field, `valid values: [${listed}]`) : fieldNotSupported(field, value, supported),
  )
}

function validateConditions(
  errors: FieldError[],
  field: string,
  patterns: readonly DeepReadonly<PodFailurePolicyOnPodConditionsPattern>[],
): void {
  if (patterns.length > PATTERNS_MAX) errors.push(fieldTooMany(field, patterns.length, PATTERNS_MAX))
  patterns.forEach(({ type = '', status = '' }, i) => {
    addInvalid(errors, `${field}[${i}].type`, type, isQualifiedName(type))
    checkValue(errors, `${field}[${i}].status`, status, STATUSES)
  })
}

function validateExitCodes(
  errors: FieldError[],
  field: string,
  requirement: DeepReadonly<PodFailurePolicyOnExitCodesRequirement>,
  names: ReadonlySet<string>,
): void {
  const { operator = '', values = [], containerName } = requirement
  checkValue(errors, `${field}.operator`, operator, OPERATORS)
  if (containerName !== undefined && !names.has(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template'
    errors.push(fieldInvalid(`${field}.containerName`, containerName, detail))
  }
  const at = `${field}.values`
  if (values.length === 0) {
    errors.push(fieldInvalid(at, requirement.values ?? null, 'at least one value is required'))
  } else if (values.length > EXIT_CODES_MAX) errors.push(fieldTooMany(at, values.length, EXIT_CODES_MAX))
  const seen = new Set<number>()
  values.forEach((value, i) => {
    if (operator === 'In' && value === 0) {
      errors.push(fieldInvalid(`${at}[${i}]`, value, 'must not be 0 for the In operator'))
    }
    if (seen.has(value)) errors.push(fieldDuplicate(`${at}[${i}]`, value))
    seen.add(value)
  })
  const isOrdered = values.every((value, i) => i === 0 || (values[i - 1] ?? value) <= value)
  if (!isOrdered) errors.push(fieldInvalid(at, values, 'must be ordered'))
}

export function validateSuccessPolicy(errors: FieldError[], field: string, spec: FrozenSpec): void {
  const rules = spec.successPolicy?.rules ?? []
  if (spec.completionMode !== 'Indexed') {
    const shown = rules.map(({ succeededIndexes, succeededCount }) => ({
      SucceededIndexes: succeededIndexes ?? null,
      SucceededCount: succeededCount ?? null,
    }))
    const value = { Rules: spec.successPolicy?.rules === undefined ? null : shown }
    errors.push(fieldInvalid(field, value, 'requires indexed completion mode'))
    return
  }
  if (rules.length === 0) {
    const detail = 'at least one rules must be specified when the successPolicy is specified'
    errors.push(fieldRequired(`${field}.rules`, detail))
  }
  if (rules.length > RULES_MAX) errors.push(fieldTooMany(`${field}.rules`, rules.length, RULES_MAX))
  rules.forEach((rule, i) => {
    validateSuccessRule(errors, `${field}.rules[${i}]`, rule, spec.completions ?? 0)
  })
}

function validateSuccessRule(
  errors: FieldError[],
  at: string,
  { succeededCount: count, succeededIndexes: indexes }: DeepReadonly<SuccessPolicyRule>,
  completions: number,
): void {
  if (count === undefined && indexes === undefined) {
    errors.push(fieldRequired(at, 'at least one of succeededCount or succeededIndexes must be specified'))
  }
  let total = 0
  if (indexes !== undefined) {
    if (Buffer.byteLength(indexes) > SUCCEEDED_INDEXES_MAX_BYTES) {
      errors.push(fieldTooLong(`${at}.succeededIndexes`, SUCCEEDED_INDEXES_MAX_BYTES))
    }
    const parsed = parseIndexes(indexes, completions)
    if (typeof parsed === 'number') total = parsed
    else {
      const detail = `error parsing succeededIndexes: ${parsed.error}`
      errors.push(fieldInvalid(`${at}.succeededIndexes`, indexes, detail))
    }
  }
  if (count === undefined) return
  checkNonNegative(errors, `${at}.succeededCount`, count)
  const refuse = (limit: number, what: string): void => {
    const detail = `must be less than or equal to ${limit} (the number of ${what})`
    errors.push(fieldInvalid(`${at}.succeededCount`, count, detail))
  }
  if (count > completions) refuse(completions, 'specified completions')
  if (indexes !== undefined && count > total) refuse(total, 'indexes in the specified succeededIndexes field')
}
