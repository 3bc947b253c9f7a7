/** Which requests a webhook or policy is about. Upstream: pkg/apis/admissionregistration/validation/validation.go. */
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  RuleWithOperations,
} from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooMany,
} from '#machinery/meta/field-error.ts'
import { isPathSegmentName, isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { compileMatchCondition } from '../../cel/match-conditions.ts'
import { addInvalid, checkLabelSelector } from '../validation.ts'

export const FAILURE_POLICIES = ['Fail', 'Ignore']
export const MATCH_POLICIES = ['Equivalent', 'Exact']
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const SCOPES = ['*', 'Cluster', 'Namespaced']
const MATCH_CONDITIONS_MAX = 64

export function validateRule(errors: FieldError[], field: string, rule: DeepReadonly<RuleWithOperations>): void {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule
  checkList(errors, `${field}.operations`, operations, 'operations')
  operations.forEach((operation, i) => {
    if (OPERATIONS.includes(operation)) return
    errors.push(fieldNotSupported(`${field}.operations[${i}]`, operation, OPERATIONS))
  })
  checkList(errors, `${field}.apiGroups`, apiGroups, 'API groups')
  checkList(errors, `${field}.apiVersions`, apiVersions, 'API versions')
  apiVersions.forEach((version, i) => {
    if (version === '') errors.push(fieldRequired(`${field}.apiVersions[${i}]`, ''))
  })
  validateResources(errors, `${field}.resources`, resources)
  if (scope !== undefined && !SCOPES.includes(scope)) errors.push(fieldNotSupported(`${field}.scope`, scope, SCOPES))
}

function checkList(errors: FieldError[], field: string, values: readonly string[], what: string): void {
  if (values.length === 0) errors.push(fieldRequired(field, ''))
  if (values.length > 1 && values.includes('*')) {
    errors.push(fieldInvalid(field, values, `if '*' is present, must not specify other ${what}`))
  }
}

function validateResources(errors: FieldError[], field: string, resources: readonly string[]): void {
  if (resources.length === 0) errors.push(fieldRequired(field, ''))
  const allSubresourcesOf = new Set<string>()
  const ofAllResources = new Set<string>()
  let hasResourceAlone = false
  resources.forEach((entry, i) => {
    const at = `${field}[${i}]`
    if (entry === '') {
      errors.push(fieldRequired(at, ''))
      return
    }
    const slash = entry.indexOf('/')
    if (slash === -1) {
      // As upstream: the last one counts.
      hasResourceAlone = entry !== '*'
      return
    }
    const resource = entry.slice(0, slash)
    const subresource = entry.slice(slash + 1)
    if (allSubresourcesOf.has(resource)) {
      errors.push(fieldInvalid(at, entry, `if '${resource}/*' is present, must not specify ${entry}`))
    }
    if (ofAllResources.has(subresource)) {
      errors.push(fieldInvalid(at, entry, `if '*/${subresource}' is present, must not specify ${entry}`))
    }
    if (subresource === '*') allSubresourcesOf.add(resource)
    if (resource === '*') ofAllResources.add(subresource)
  })
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(fieldInvalid(field, resources, "if '*/*' is present, must not specify other resources"))
  }
  if (resources.includes('*') && hasResourceAlone) {
    const detail = "if '*' is present, must not specify other resources without subresources"
    errors.push(fieldInvalid(field, resources, detail))
  }
}

export function validateMatchResources(
  errors: FieldError[],
  field: string,
  match: DeepReadonly<MatchResources> | undefined,
): void {
  if (match === undefined) return
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] } = match
  if (matchPolicy === undefined) errors.push(fieldRequired(`${field}.matchPolicy`, ''))
  else if (!MATCH_POLICIES.includes(matchPolicy)) {
    errors.push(fieldNotSupported(`${field}.matchPolicy`, matchPolicy, MATCH_POLICIES))
  }
  if (namespaceSelector === undefined) errors.push(fieldRequired(`${field}.namespaceSelector`, ''))
  checkLabelSelector(errors, `${field}.namespaceSelector`, namespaceSelector)
  if (objectSelector === undefined) errors.push(fieldRequired(`${field}.objectSelector`, ''))
  checkLabelSelector(errors, `${field}.objectSelector`, objectSelector)
  resourceRules.forEach((rule, i) => {
    validateNamedRule(errors, `${field}.resourceRules[${i}]`, rule)
  })
  excludeResourceRules.forEach((rule, i) => {
    validateNamedRule(errors, `${field}.excludeResourceRules[${i}]`, rule)
  })
}

function validateNamedRule(errors: FieldError[], field: string, rule: DeepReadonly<NamedRuleWithOperations>): void {
  const names = rule.resourceNames ?? []
  names.forEach((name, i) => {
    const at = `${field}.resourceNames[${i}]`
    addInvalid(errors, at, name, isPathSegmentName(name))
    if (names.indexOf(name) !== i) errors.push(fieldDuplicate(at, name))
  })
  validateRule(errors, field, rule)
}

/** `hasParams`: of a policy with a paramKind. */
export function validateMatchConditions(
  errors: FieldError[],
  field: string,
  conditions: DeepReadonly<MatchCondition[]> | undefined,
  hasParams = false,
): void {
  if (conditions === undefined) return
  if (conditions.length > MATCH_CONDITIONS_MAX) {
    errors.push(fieldTooMany(field, conditions.length, MATCH_CONDITIONS_MAX))
  }
  const names = new Set<string>()
  conditions.forEach(({ name = '', expression = '' }, i) => {
    const at = `${field}[${i}]`
    validateExpression(errors, `${at}.expression`, expression.trim(), hasParams)
    if (name === '') {
      errors.push(fieldRequired(`${at}.name`, ''))
      return
    }
    addInvalid(errors, `${at}.name`, name, isQualifiedName(name))
    if (names.has(name)) errors.push(fieldDuplicate(`${at}.name`, name))
    names.add(name)
  })
}

function validateExpression(errors: FieldError[], field: string, expression: string, hasParams: boolean): void {
  if (expression === '') {
    errors.push(fieldRequired(field, ''))
    return
  }
  const { problem } = compileMatchCondition(expression, hasParams)
  if (problem !== undefined) errors.push(fieldInvalid(field, expression, problem))
}
