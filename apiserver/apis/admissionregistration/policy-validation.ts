/**
 * Admission policies and their bindings. Upstream: pkg/apis/admissionregistration/validation/validation.go.
 * Differs: of the CEL expressions only match
 * conditions are compiled.
 */
import type {
  AuditAnnotation,
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
  Variable,
} from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from '#machinery/meta/field-error.ts'
import { isDns1035Label, isDns1123Subdomain, isPathSegmentName, isQualifiedName } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateConditions } from '../condition-validation.ts'
import { addInvalid, checkLabelSelector, checkName } from '../validation.ts'
import { FAILURE_POLICIES, validateMatchConditions, validateMatchResources } from './rule-validation.ts'

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']
const ACTIONS = ['Audit', 'Deny', 'Warn']
const REINVOCATION_POLICIES = ['IfNeeded', 'Never']
const MUTABLE_OPERATIONS = ['*', 'CONNECT', 'CREATE', 'UPDATE']
const AUDIT_ANNOTATIONS_MAX = 20
const VALUE_EXPRESSION_MAX_BYTES = 5 * 1024
const CEL_IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/
const CEL_RESERVED: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

type FrozenPolicy = DeepReadonly<ValidatingAdmissionPolicy>
type FrozenMutatingPolicy = DeepReadonly<MutatingAdmissionPolicy>
type Spec = Partial<NonNullable<FrozenPolicy['spec']> | NonNullable<FrozenMutatingPolicy['spec']>>

export function validateValidatingPolicy(policy: FrozenPolicy, old?: FrozenPolicy): FieldError[] {
  const errors: FieldError[] = []
  const spec: Partial<NonNullable<FrozenPolicy['spec']>> = policy.spec ?? {}
  validateShared(errors, spec, old?.spec)
  const { validations = [], auditAnnotations = [] } = spec
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const detail = 'validations or auditAnnotations must contain at least one item'
    errors.push(fieldRequired('spec.validations', detail), fieldRequired('spec.auditAnnotations', detail))
    return errors
  }
  validations.forEach((validation, i) => {
    validateValidation(errors, `spec.validations[${i}]`, validation)
  })
  validateAnnotations(errors, policy.metadata.name ?? '', auditAnnotations)
  return errors
}

export function validateMutatingPolicy(policy: FrozenMutatingPolicy, old?: FrozenMutatingPolicy): FieldError[] {
  const errors: FieldError[] = []
  const spec: Partial<NonNullable<FrozenMutatingPolicy['spec']>> = policy.spec ?? {}
  validateShared(errors, spec, old?.spec, () => {
    checkMutableOperations(errors, 'spec.matchConstraints', spec.matchConstraints)
  })
  const { mutations = [], reinvocationPolicy = '' } = spec
  if (mutations.length === 0) {
    errors.push(fieldRequired('spec.mutations', 'mutations must contain at least one item'))
  }
  mutations.forEach((mutation, i) => {
    validateMutation(errors, `spec.mutations[${i}]`, mutation)
  })
  if (reinvocationPolicy === '') errors.push(fieldRequired('spec.reinvocationPolicy', ''))
  else if (!REINVOCATION_POLICIES.includes(reinvocationPolicy)) {
    errors.push(fieldNotSupported('spec.reinvocationPolicy', reinvocationPolicy, REINVOCATION_POLICIES))
  }
  return errors
}

/** What is deleted cannot be mutated; the path has no indexes, as upstream. */
function checkMutableOperations(
  errors: FieldError[],
  field: string,
  resources: DeepReadonly<MatchResources> | undefined,
): void {
  for (const { operations = [] } of resources?.resourceRules ?? []) {
    for (const operation of operations) {
      if (MUTABLE_OPERATIONS.includes(operation)) continue
      errors.push(fieldNotSupported(`${field}.resourceRules.operations`, operation, MUTABLE_OPERATIONS))
    }
  }
}

function validateShared(errors: FieldError[], spec: Spec, old: Spec | undefined, checkRules?: () => void): void {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables = [] } = spec
  if (failurePolicy === undefined) errors.push(fieldRequired('spec.failurePolicy', ''))
  else if (!FAILURE_POLICIES.includes(failurePolicy)) {
    errors.push(fieldNotSupported('spec.failurePolicy', failurePolicy, FAILURE_POLICIES))
  }
  if (paramKind !== undefined) validateParamKind(errors, 'spec.paramKind', paramKind)
  if (matchConstraints === undefined) errors.push(fieldRequired('spec.matchConstraints', ''))
  else {
    validateMatchResources(errors, 'spec.matchConstraints', matchConstraints)
    if ((matchConstraints.resourceRules ?? []).length === 0) {
      errors.push(fieldRequired('spec.matchConstraints.resourceRules', ''))
    }
    checkRules?.()
  }
  const isUnchanged =
    old !== undefined && deepEqual(old.paramKind, paramKind) && deepEqual(old.matchConditions, matchConditions)
  if (!isUnchanged) {
    validateMatchConditions(errors, 'spec.matchConditions', matchConditions, paramKind !== undefined)
  }
  variables.forEach((variable, i) => {
    validateVariable(errors, `spec.variables[${i}]`, variable)
  })
}

function validateParamKind(errors: FieldError[], field: string, paramKind: DeepReadonly<ParamKind>): void {
  const { apiVersion = '', kind = '' } = paramKind
  const at = `${field}.apiVersion`
  const parts = apiVersion === '/' ? ['', ''] : apiVersion.split('/')
  if (apiVersion === '') errors.push(fieldRequired(at, ''))
  else if (parts.length > 2) errors.push(fieldInvalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  else {
    const [version = '', group = ''] = [...parts].reverse()
    const groupProblems = group === '' ? [] : isDns1123Subdomain(group)
    if (groupProblems.length > 0) errors.push(fieldInvalid(at, group, groupProblems.join(',')))
    const versionProblems = isDns1035Label(version)
    if (version === '') errors.push(fieldInvalid(at, apiVersion, 'version must be specified'))
    else if (versionProblems.length > 0) errors.push(fieldInvalid(at, version, versionProblems.join(',')))
  }
  const kindProblems = isDns1035Label(kind.toLowerCase())
  if (kind === '') errors.push(fieldRequired(`${field}.kind`, ''))
  else if (kindProblems.length > 0) {
    const detail = `may have mixed case, but should otherwise match: ${kindProblems.join(',')}`
    errors.push(fieldInvalid(`${field}.kind`, kind, detail))
  }
}

function validateVariable(errors: FieldError[], field: string, variable: DeepReadonly<Variable>): void {
  const { name = '', expression = '' } = variable
  if (name.trim() === '') errors.push(fieldRequired(`${field}.name`, 'name is not specified'))
  else if (!CEL_IDENTIFIER.test(name) || CEL_RESERVED.has(name)) {
    errors.push(fieldInvalid(`${field}.name`, name, 'must be a valid CEL identifier'))
  }
  if (expression.trim() === '') errors.push(fieldRequired(`${field}.expression`, 'expression is not specified'))
}

function validateValidation(errors: FieldError[], field: string, validation: DeepReadonly<Validation>): void {
  const { expression = '', message = '', messageExpression = '', reason } = validation
  if (expression.trim() === '') errors.push(fieldRequired(`${field}.expression`, 'expression is not specified'))
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(fieldInvalid(`${field}.messageExpression`, messageExpression, 'must be non-empty if specified'))
  }
  if (message !== '' && message.trim() === '') {
    errors.push(fieldInvalid(`${field}.message`, message, 'must be non-empty if specified'))
  } else if (/[\n\r]/.test(message.trim())) {
    errors.push(fieldInvalid(`${field}.message`, message, 'must not contain line breaks'))
  }
  if (reason !== undefined && !REASONS.includes(reason)) {
    errors.push(fieldNotSupported(`${field}.reason`, reason, REASONS))
  }
}

function validateAnnotations(
  errors: FieldError[],
  policyName: string,
  annotations: DeepReadonly<AuditAnnotation[]>,
): void {
  const field = 'spec.auditAnnotations'
  if (annotations.length > AUDIT_ANNOTATIONS_MAX) {
    const detail = `must not have more than ${AUDIT_ANNOTATIONS_MAX} auditAnnotations`
    errors.push(fieldInvalid(field, annotations, detail))
  }
  const keys = new Set<string>()
  annotations.forEach(({ key = '', valueExpression = '' }, i) => {
    const at = `${field}[${i}]`
    const qualified = `${policyName}/${key}`
    if (policyName === '') errors.push(fieldInvalid(`${at}.key`, key, 'requires metadata.name be non-empty'))
    else addInvalid(errors, `${at}.key`, qualified, isQualifiedName(qualified))
    const trimmed = valueExpression.trim()
    if (trimmed === '') errors.push(fieldRequired(`${at}.valueExpression`, 'valueExpression is not specified'))
    else if (Buffer.byteLength(trimmed) > VALUE_EXPRESSION_MAX_BYTES) {
      const detail = `must not exceed ${VALUE_EXPRESSION_MAX_BYTES} bytes in length`
      errors.push(fieldRequired(`${at}.valueExpression`, detail))
    }
    if (keys.has(key)) errors.push(fieldDuplicate(`${at}.key`, key))
    keys.add(key)
  })
}

const PATCH_MEMBERS = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const

function validateMutation(errors: FieldError[], field: string, mutation: DeepReadonly<Mutation>): void {
  const { patchType = '' } = mutation
  if (patchType !== 'ApplyConfiguration' && patchType !== 'JSONPatch') {
    const types = ['ApplyConfiguration', 'JSONPatch']
    if (patchType === '') errors.push(fieldRequired(`${field}.patchType`, ''))
    else errors.push(fieldNotSupported(`${field}.patchType`, patchType, types))
    return
  }
  const own = PATCH_MEMBERS[patchType]
  const other = PATCH_MEMBERS[patchType === 'JSONPatch' ? 'ApplyConfiguration' : 'JSONPatch']
  if (mutation[own] === undefined) {
    errors.push(fieldRequired(`${field}.${own}`, `must be specified when patchType is ${patchType}`))
  } else if ((mutation[own].expression ?? '').trim() === '') {
    errors.push(fieldRequired(`${field}.${own}.expression`, ''))
  }
  if (mutation[other] !== undefined) {
    const detail = `must not be specified when patchType is ${patchType}`
    errors.push(fieldInvalid(`${field}.${other}`, `{${other}}`, detail))
  }
}

export function validateValidatingPolicyStatus({ status }: FrozenPolicy): FieldError[] {
  const errors: FieldError[] = []
  status?.typeChecking?.expressionWarnings?.forEach(({ fieldRef = '', warning = '' }, i) => {
    const field = `status.typeChecking.expressionWarnings[${i}]`
    if (warning === '') errors.push(fieldRequired(`${field}.warning`, ''))
    if (fieldRef.trim() === '') errors.push(fieldRequired(`${field}.fieldRef`, ''))
  })
  return [...errors, ...validateConditions(status?.conditions, 'status.conditions')]
}

export function validateValidatingBinding({ spec }: DeepReadonly<ValidatingAdmissionPolicyBinding>): FieldError[] {
  const errors = validateBinding(spec)
  const field = 'spec.validationActions'
  const actions = spec?.validationActions ?? []
  actions.forEach((action, i) => {
    if (!ACTIONS.includes(action)) errors.push(fieldNotSupported(`${field}[${i}]`, action, ACTIONS))
    if (actions.indexOf(action) !== i) errors.push(fieldDuplicate(`${field}[${i}]`, action))
  })
  if (actions.includes('Deny') && actions.includes('Warn')) {
    const detail =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'
    errors.push(fieldInvalid(field, actions, detail))
  }
  if (actions.length === 0) errors.push(fieldRequired(field, 'at least one validation action is required'))
  return errors
}

export function validateMutatingBinding({ spec }: DeepReadonly<MutatingAdmissionPolicyBinding>): FieldError[] {
  const errors = validateBinding(spec)
  checkMutableOperations(errors, 'spec.matchResources', spec?.matchResources)
  return errors
}

function validateBinding(spec: DeepReadonly<MutatingAdmissionPolicyBinding>['spec'] | undefined): FieldError[] {
  const errors: FieldError[] = []
  checkName(errors, 'spec.policyName', spec?.policyName, isDns1123Subdomain)
  if (spec?.paramRef !== undefined) validateParamRef(errors, 'spec.paramRef', spec.paramRef)
  validateMatchResources(errors, 'spec.matchResources', spec?.matchResources)
  return errors
}

function validateParamRef(errors: FieldError[], field: string, reference: DeepReadonly<ParamRef>): void {
  const { name = '', selector, parameterNotFoundAction: action = '' } = reference
  const exclusive = 'name and selector are mutually exclusive'
  if (name !== '') addInvalid(errors, `${field}.name`, name, isPathSegmentName(name))
  if (name !== '' && selector !== undefined) errors.push(fieldForbidden(`${field}.name`, exclusive))
  checkLabelSelector(errors, `${field}.selector`, selector)
  if (name !== '' && selector !== undefined) errors.push(fieldForbidden(`${field}.selector`, exclusive))
  if (name === '' && selector === undefined) {
    errors.push(fieldRequired(field, 'one of name or selector must be specified'))
  }
  const at = `${field}.parameterNotFoundAction`
  if (action === '') errors.push(fieldRequired(at, ''))
  else if (action !== 'Deny' && action !== 'Allow') errors.push(fieldNotSupported(at, action, ['Deny', 'Allow']))
}
