/** What makes a role or binding valid. Upstream: pkg/apis/rbac/validation/validation.go. */
import { isUsable } from '#apiserver/apis/apps/validation.ts'
import { checkLabelSelector, isInvalidSelector } from '#apiserver/apis/validation.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '#machinery/api/rbac/v1/types.gen.ts'
import {
  type FieldError,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  indexField,
} from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain, isPathSegmentName } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { RBAC_API_GROUP } from './defaults.ts'

export function validateRole(object: DeepReadonly<KubeObject>): FieldError[] {
  return validateRules((object as DeepReadonly<Role>).rules ?? [], true)
}

/** `old`: label values of selectors that were let in before stay. */
export function validateClusterRole(object: DeepReadonly<KubeObject>, old?: DeepReadonly<KubeObject>): FieldError[] {
  const role = object as DeepReadonly<ClusterRole>
  const before = (old as DeepReadonly<ClusterRole> | undefined)?.aggregationRule?.clusterRoleSelectors ?? []
  const allowsAnyValue = before.some(isInvalidSelector)
  const errors = validateRules(role.rules ?? [], false)
  if (role.aggregationRule === undefined) return errors
  const field = 'aggregationRule.clusterRoleSelectors'
  const selectors = role.aggregationRule.clusterRoleSelectors ?? []
  if (selectors.length === 0) {
    errors.push(fieldRequired(field, 'at least one clusterRoleSelector required if aggregationRule is non-nil'))
  }
  for (const [i, selector] of selectors.entries()) {
    checkLabelSelector(errors, indexField(field, i), selector, allowsAnyValue)
    // Upstream prints what came out of the selector: nothing.
    if (!isUsable(selector)) errors.push(fieldInvalid(indexField(field, i), null, 'invalid label selector.'))
  }
  return errors
}

function validateRules(rules: DeepReadonly<PolicyRule[]>, isNamespaced: boolean): FieldError[] {
  return rules.flatMap((rule, i) => validateRule(rule, indexField('rules', i), isNamespaced))
}

function validateRule(rule: DeepReadonly<PolicyRule>, path: string, isNamespaced: boolean): FieldError[] {
  const errors: FieldError[] = []
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
  if (verbs.length === 0) errors.push(fieldRequired(`${path}.verbs`, 'verbs must contain at least one value'))
  if (nonResourceURLs.length > 0) {
    const field = `${path}.nonResourceURLs`
    if (isNamespaced) {
      errors.push(fieldInvalid(field, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
    }
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      const detail = 'rules cannot apply to both regular resources and non-resource URLs'
      errors.push(fieldInvalid(field, nonResourceURLs, detail))
    }
    return errors
  }
  if (apiGroups.length === 0) {
    errors.push(fieldRequired(`${path}.apiGroups`, 'resource rules must supply at least one api group'))
  }
  if (resources.length === 0) {
    errors.push(fieldRequired(`${path}.resources`, 'resource rules must supply at least one resource'))
  }
  return errors
}

export function validateRoleBinding(object: DeepReadonly<KubeObject>): FieldError[] {
  const binding = object as DeepReadonly<RoleBinding>
  return [
    ...validateRoleRef(binding.roleRef, ['Role', 'ClusterRole']),
    ...validateSubjects(binding.subjects ?? [], true),
  ]
}

export function validateClusterRoleBinding(object: DeepReadonly<KubeObject>): FieldError[] {
  const binding = object as DeepReadonly<ClusterRoleBinding>
  return [...validateRoleRef(binding.roleRef, ['ClusterRole']), ...validateSubjects(binding.subjects ?? [], false)]
}

/** Whoever may edit a binding's subjects must not be able to turn it into one of another role. */
export function validateSameRoleRef(object: DeepReadonly<KubeObject>, old: DeepReadonly<KubeObject>): FieldError[] {
  const { roleRef } = object as DeepReadonly<RoleBinding>
  if (deepEqual(roleRef, (old as DeepReadonly<RoleBinding>).roleRef)) return []
  return [fieldInvalid('roleRef', roleRef, 'cannot change roleRef')]
}

function validateRoleRef(
  { apiGroup = '', kind, name = '' }: DeepReadonly<RoleRef>,
  kinds: readonly string[],
): FieldError[] {
  const errors: FieldError[] = []
  if (apiGroup !== RBAC_API_GROUP) errors.push(fieldNotSupported('roleRef.apiGroup', apiGroup, [RBAC_API_GROUP]))
  if (!kinds.includes(kind)) errors.push(fieldNotSupported('roleRef.kind', kind, kinds))
  if (name === '') errors.push(fieldRequired('roleRef.name', ''))
  else for (const message of isPathSegmentName(name)) errors.push(fieldInvalid('roleRef.name', name, message))
  return errors
}

function validateSubjects(subjects: DeepReadonly<Subject[]>, isNamespaced: boolean): FieldError[] {
  return subjects.flatMap((subject, i) => validateSubject(subject, indexField('subjects', i), isNamespaced))
}

function validateSubject(subject: DeepReadonly<Subject>, path: string, isNamespaced: boolean): FieldError[] {
  const errors: FieldError[] = []
  const { kind, name = '', apiGroup = '', namespace = '' } = subject
  if (name === '') errors.push(fieldRequired(`${path}.name`, ''))
  switch (kind) {
    case 'ServiceAccount':
      if (name !== '') {
        for (const message of isDns1123Subdomain(name)) errors.push(fieldInvalid(`${path}.name`, name, message))
      }
      if (apiGroup !== '') errors.push(fieldNotSupported(`${path}.apiGroup`, apiGroup, ['']))
      if (!isNamespaced && namespace === '') errors.push(fieldRequired(`${path}.namespace`, ''))
      break
    case 'User':
    case 'Group':
      if (apiGroup !== RBAC_API_GROUP) {
        errors.push(fieldNotSupported(`${path}.apiGroup`, apiGroup, [RBAC_API_GROUP]))
      }
      break
    default:
      errors.push(fieldNotSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group']))
  }
  return errors
}
