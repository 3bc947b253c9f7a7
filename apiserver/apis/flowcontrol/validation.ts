/** Upstream: pkg/apis/flowcontrol/validation/validation.go. */
import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from '#machinery/api/flowcontrol/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkRequired } from '../validation.ts'
import { mandatoryFlowSchemas } from './bootstrap.ts'

const MAX_PRECEDENCE = 10_000
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']
const DISTINGUISHER_METHODS = ['ByNamespace', 'ByUser']
const SUBJECTS = [
  { kind: 'ServiceAccount', member: 'serviceAccount' },
  { kind: 'User', member: 'user' },
  { kind: 'Group', member: 'group' },
] as const

export function validateFlowSchema({ metadata, spec, status }: DeepReadonly<FlowSchema>): FieldError[] {
  const errors: FieldError[] = []
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration, rules = [] } = spec ?? {}
  const field = 'spec.matchingPrecedence'
  const refuse = (detail: string): void => {
    errors.push(fieldInvalid(field, matchingPrecedence, detail))
  }
  if (matchingPrecedence <= 0) refuse('must be a positive value')
  if (matchingPrecedence > MAX_PRECEDENCE) refuse(`must not be greater than ${MAX_PRECEDENCE}`)
  if (matchingPrecedence === 1 && metadata.name !== 'exempt') {
    refuse("only the schema named 'exempt' may have matchingPrecedence 1")
  }
  if (distinguisherMethod !== undefined && !DISTINGUISHER_METHODS.includes(distinguisherMethod.type)) {
    const value = { Type: distinguisherMethod.type }
    errors.push(fieldNotSupported('spec.distinguisherMethod.type', value, DISTINGUISHER_METHODS))
  }
  const level = priorityLevelConfiguration?.name ?? ''
  const levelField = 'spec.priorityLevelConfiguration.name'
  if (level === '') errors.push(fieldRequired(levelField, 'must reference a priority level'))
  else addInvalid(errors, levelField, level, isDns1123Subdomain(level))
  rules.forEach((rule, i) => {
    validateRule(errors, `spec.rules[${i}]`, rule)
  })
  const mandatory = mandatoryFlowSchemas().find((one) => one.metadata.name === metadata.name)
  if (mandatory !== undefined && !deepEqual(spec, mandatory.spec)) {
    errors.push(fieldInvalid('spec', spec, `spec of '${metadata.name}' must equal the fixed value`))
  }
  return [...errors, ...validateConditionTypes(status?.conditions)]
}

/** Of both kinds' status. */
export function validateConditionTypes(
  conditions: readonly { readonly type?: string | undefined }[] | undefined,
): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  conditions?.forEach(({ type = '' }, i) => {
    const field = `status.conditions[${i}].type`
    if (seen.has(type)) errors.push(fieldDuplicate(field, type))
    seen.add(type)
    checkRequired(errors, field, type)
  })
  return errors
}

function validateRule(errors: FieldError[], field: string, rule: DeepReadonly<PolicyRulesWithSubjects>): void {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule
  if (subjects.length === 0) {
    errors.push(fieldRequired(`${field}.subjects`, 'subjects must contain at least one value'))
  }
  subjects.forEach((subject, i) => {
    validateSubject(errors, `${field}.subjects[${i}]`, subject)
  })
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    const detail = 'at least one of resourceRules and nonResourceRules has to be non-empty'
    errors.push(fieldRequired(field, detail))
  }
  resourceRules.forEach((one, i) => {
    validateResourceRule(errors, `${field}.resourceRules[${i}]`, one)
  })
  nonResourceRules.forEach((one, i) => {
    validateNonResourceRule(errors, `${field}.nonResourceRules[${i}]`, one)
  })
}

function validateSubject(errors: FieldError[], field: string, subject: DeepReadonly<Subject>): void {
  const own = SUBJECTS.find(({ kind }) => kind === subject.kind)
  if (own === undefined) {
    errors.push(fieldNotSupported(`${field}.kind`, subject.kind ?? '', ['Group', 'ServiceAccount', 'User']))
    return
  }
  validateSubjectMember(errors, `${field}.${own.member}`, own, subject)
  // Upstream's order: the user before the group, the service account before both.
  for (const { kind, member } of SUBJECTS) {
    if (kind === own.kind || subject[member] === undefined) continue
    const detail = `${member} is forbidden when subject kind is not '${kind}'`
    errors.push(fieldForbidden(`${field}.${member}`, detail))
  }
}

function validateSubjectMember(
  errors: FieldError[],
  field: string,
  { kind, member }: (typeof SUBJECTS)[number],
  subject: DeepReadonly<Subject>,
): void {
  const value = subject[member]
  if (value === undefined) {
    errors.push(fieldRequired(field, `${member} is required when subject kind is '${kind}'`))
    return
  }
  const { name = '' } = value
  if (name === '') errors.push(fieldRequired(`${field}.name`, ''))
  else if (kind === 'ServiceAccount' && name !== '*') {
    addInvalid(errors, `${field}.name`, name, isDns1123Subdomain(name))
  }
  if (kind !== 'ServiceAccount') return
  const namespace = subject.serviceAccount?.namespace ?? ''
  const at = `${field}.namespace`
  if (namespace === '') errors.push(fieldRequired(at, 'must specify namespace for service account'))
  else addInvalid(errors, at, namespace, isDns1123Label(namespace))
}

function checkVerbs(errors: FieldError[], field: string, verbs: readonly string[]): void {
  if (verbs.length === 0) errors.push(fieldRequired(field, 'verbs must contain at least one value'))
  else if (verbs.includes('*')) checkWildcard(errors, field, verbs, 'verbs')
  else if (!verbs.every((verb) => VERBS.includes(verb))) errors.push(fieldNotSupported(field, verbs, VERBS))
}

function checkWildcard(errors: FieldError[], field: string, values: readonly string[], what: string): void {
  if (values.length > 1 && values.includes('*')) {
    errors.push(fieldInvalid(field, values, `if '*' is present, must not specify other ${what}`))
  }
}

function validateResourceRule(errors: FieldError[], field: string, rule: DeepReadonly<ResourcePolicyRule>): void {
  const { verbs = [], apiGroups = [], resources = [], namespaces = [], clusterScope = false } = rule
  checkVerbs(errors, `${field}.verbs`, verbs)
  if (apiGroups.length === 0) {
    errors.push(fieldRequired(`${field}.apiGroups`, 'resource rules must supply at least one api group'))
  } else checkWildcard(errors, `${field}.apiGroups`, apiGroups, 'api groups')
  if (resources.length === 0) {
    errors.push(fieldRequired(`${field}.resources`, 'resource rules must supply at least one resource'))
  } else checkWildcard(errors, `${field}.resources`, resources, 'resources')
  const at = `${field}.namespaces`
  if (namespaces.length === 0 && !clusterScope) {
    const detail = 'resource rules that are not cluster scoped must supply at least one namespace'
    errors.push(fieldRequired(at, detail))
  } else if (namespaces.includes('*')) checkWildcard(errors, at, namespaces, 'namespaces')
  else {
    namespaces.forEach((namespace, i) => {
      for (const message of isDns1123Label(namespace)) {
        const detail = `each member of this list must be '*' or a DNS-1123 label; ${message}`
        errors.push(fieldInvalid(`${at}[${i}]`, namespace, detail))
      }
    })
  }
}

function validateNonResourceRule(
  errors: FieldError[],
  field: string,
  { verbs = [], nonResourceURLs = [] }: DeepReadonly<NonResourcePolicyRule>,
): void {
  checkVerbs(errors, `${field}.verbs`, verbs)
  const at = `${field}.nonResourceURLs`
  if (nonResourceURLs.length === 0) {
    errors.push(fieldRequired(at, 'nonResourceURLs must contain at least one value'))
  } else if (nonResourceURLs.includes('*')) checkWildcard(errors, at, nonResourceURLs, 'non-resource URLs')
  else {
    nonResourceURLs.forEach((path, i) => {
      const problem = pathProblem(path)
      if (problem !== undefined) errors.push(fieldInvalid(`${at}[${i}]`, path, problem))
    })
  }
}

function pathProblem(path: string): string | undefined {
  if (path === '') return 'must not be empty'
  if (path === '/') return undefined
  if (!path.startsWith('/')) return 'must start with slash'
  if (path.includes(' ')) return 'must not contain white-space'
  if (path.includes('//')) return 'must not contain double slash'
  const wildcards = path.split('*').length - 1
  if (wildcards > 1 || (wildcards === 1 && !path.endsWith('/*'))) return 'wildcard can only do suffix matching'
  return undefined
}
