/**
 * What one bootstrap object must become, given what is stored: labels, annotations, rules and subjects are only ever
 * added, never taken away, and an object annotated `rbac.authorization.kubernetes.io/autoupdate: "false"` is left alone.
 * Pure. Upstream: component-helpers auth/rbac/reconciliation.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '#machinery/api/rbac/v1/types.gen.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { missingRules } from '../rbac/covers.ts'
import { AUTO_UPDATE_ANNOTATION } from './builders.ts'

export type Reconciled<T> =
  | { readonly action: 'none' }
  | { readonly action: 'update'; readonly object: T }
  /** The role reference of a binding cannot be changed: delete, then create. */
  | { readonly action: 'recreate'; readonly object: T }

const NOTHING = { action: 'none' } as const

export function reconcileRole<T extends ClusterRole | Role>(stored: DeepReadonly<T>, expected: T): Reconciled<T> {
  if (isProtected(stored)) return NOTHING
  const object = deepCopy<T>(stored)
  let isChanged = mergeMetadata(object, expected)
  const missing = isAggregated(expected) ? [] : newRules(stored.rules ?? [], expected.rules ?? [])
  if (missing.length > 0) {
    object.rules = [...(object.rules ?? []), ...missing.map((rule) => deepCopy<PolicyRule>(rule))]
    isChanged = true
  }
  if (isAggregated(expected) && addSelectors(object, expected)) isChanged = true
  return isChanged ? { action: 'update', object } : NOTHING
}

/** Nearly always nothing has changed: comparing is much cheaper than taking every rule apart. */
function newRules(stored: DeepReadonly<PolicyRule[]>, expected: readonly PolicyRule[]): DeepReadonly<PolicyRule[]> {
  return deepEqual(stored, expected) ? [] : missingRules(stored, expected)
}

function isAggregated(role: ClusterRole | Role): role is ClusterRole & Required<Pick<ClusterRole, 'aggregationRule'>> {
  return 'aggregationRule' in role && role.aggregationRule !== undefined
}

function addSelectors(object: ClusterRole | Role, expected: Required<Pick<ClusterRole, 'aggregationRule'>>): boolean {
  const role: ClusterRole = object
  const held = role.aggregationRule?.clusterRoleSelectors ?? []
  const wanted = expected.aggregationRule.clusterRoleSelectors ?? []
  const missing = wanted.filter((selector) => !held.some((own) => deepEqual(own, selector)))
  if (missing.length === 0) return false
  role.aggregationRule = { clusterRoleSelectors: [...held, ...missing] }
  return true
}

export function reconcileBinding<T extends ClusterRoleBinding | RoleBinding>(
  stored: DeepReadonly<T>,
  expected: T,
): Reconciled<T> {
  if (isProtected(stored)) return NOTHING
  if (!deepEqual(stored.roleRef, expected.roleRef)) return { action: 'recreate', object: expected }
  const object = deepCopy<T>(stored)
  let isChanged = mergeMetadata(object, expected)
  const held = object.subjects ?? []
  const missing = (expected.subjects ?? []).filter((subject) => !held.some((own) => isSameSubject(own, subject)))
  if (missing.length > 0) {
    object.subjects = [...held, ...missing]
    isChanged = true
  }
  return isChanged ? { action: 'update', object } : NOTHING
}

function isSameSubject(a: Subject, b: Subject): boolean {
  return (
    a.kind === b.kind &&
    a.name === b.name &&
    (a.namespace ?? '') === (b.namespace ?? '') &&
    (a.apiGroup ?? '') === (b.apiGroup ?? '')
  )
}

function isProtected(stored: DeepReadonly<KubeObject>): boolean {
  return stored.metadata.annotations?.[AUTO_UPDATE_ANNOTATION] === 'false'
}

/** Adds what is missing; a value somebody has changed stays. True when something was added. */
function mergeMetadata(object: KubeObject, expected: KubeObject): boolean {
  const labels = { ...expected.metadata.labels, ...object.metadata.labels }
  const annotations = { ...expected.metadata.annotations, ...object.metadata.annotations }
  const isChanged =
    !deepEqual(labels, object.metadata.labels ?? {}) || !deepEqual(annotations, object.metadata.annotations ?? {})
  object.metadata.labels = labels
  object.metadata.annotations = annotations
  return isChanged
}
