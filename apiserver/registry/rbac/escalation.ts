/**
 * Nobody hands on permissions they do not hold, unless RBAC itself lets them: verb `escalate` on roles, verb `bind` on the
 * role a binding refers to, or system:masters.
 * Upstream: pkg/registry/rbac/{escalation_check.go,*\/policybased/storage.go}, validation/rule.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding, RoleRef } from '#machinery/api/rbac/v1/types.gen.ts'
import { newForbidden } from '#machinery/meta/errors.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { GROUP_MASTERS } from '../../authentication/interfaces.ts'
import type { SyncAuthorizer } from '../../authorization/chain.ts'
import type { PolicyRule, RuleResolver } from '../../authorization/interfaces.ts'
import { compactRules, missingRules, quotedList, ruleText } from '../../authorization/rbac/covers.ts'
import type { RequestContext, StoreHooks } from '../generic/interfaces.ts'
import { RBAC_API_GROUP } from './defaults.ts'

export interface EscalationPolicy {
  readonly authorizer: SyncAuthorizer
  readonly resolver: RuleResolver
  /** Rules of a referenced role; throws NotFound. */
  rulesOf(roleRef: DeepReadonly<RoleRef>, namespace: string): readonly PolicyRule[]
}

const FULL_AUTHORITY: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]
const AGGREGATION_MESSAGE = 'must have cluster-admin privileges to use the aggregationRule'

type AnyRole = DeepReadonly<Role> | DeepReadonly<ClusterRole>
type AnyBinding = DeepReadonly<RoleBinding> | DeepReadonly<ClusterRoleBinding>

/** For roles and clusterroles. */
export function createRoleHooks(resource: 'roles' | 'clusterroles', policy: EscalationPolicy): StoreHooks {
  const check = (role: AnyRole, old: AnyRole | undefined, name: string, context: RequestContext): void => {
    if (isMaster(context)) return
    if (isAllowed(policy, 'escalate', resource, name, context)) return
    const forbid = (why: string): Error => newForbidden({ group: RBAC_API_GROUP, resource }, nameOf(role), why)
    const refusal = escalationRefusal(policy, role.rules ?? [], context)
    if (refusal !== undefined) throw forbid(refusal)
    const usesAggregation = hasAggregation(role) || (old !== undefined && hasAggregation(old))
    if (usesAggregation && escalationRefusal(policy, FULL_AUTHORITY, context) !== undefined) {
      throw forbid(AGGREGATION_MESSAGE)
    }
  }
  return {
    beginCreate(draft, context) {
      // Upstream asks for "escalate" without a name on create: the name is not part of such a request.
      check(draft as AnyRole, undefined, '', context)
      return undefined
    },
    beginUpdate(draft, old, context) {
      if (!isOnlyForGarbageCollector(draft, old)) check(draft as AnyRole, old as AnyRole, nameOf(draft), context)
      return undefined
    },
  }
}

/** For rolebindings and clusterrolebindings. */
export function createBindingHooks(
  resource: 'rolebindings' | 'clusterrolebindings',
  policy: EscalationPolicy,
): StoreHooks {
  const check = (binding: AnyBinding, context: RequestContext): void => {
    if (isMaster(context)) return
    const { roleRef } = binding
    const roleResource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles'
    if (isAllowed(policy, 'bind', roleResource, roleRef.name, context)) return
    const refusal = escalationRefusal(policy, policy.rulesOf(roleRef, context.namespace), context)
    if (refusal !== undefined) throw newForbidden({ group: RBAC_API_GROUP, resource }, nameOf(binding), refusal)
  }
  return {
    beginCreate(draft, context) {
      check(draft as RoleBinding | ClusterRoleBinding, context)
      return undefined
    },
    beginUpdate(draft, old, context) {
      if (!isOnlyForGarbageCollector(draft, old)) check(draft as RoleBinding | ClusterRoleBinding, context)
      return undefined
    },
  }
}

function isMaster({ user }: RequestContext): boolean {
  return user.groups.includes(GROUP_MASTERS)
}

function isAllowed(
  { authorizer }: EscalationPolicy,
  verb: 'escalate' | 'bind',
  resource: string,
  name: string,
  { user, namespace }: RequestContext,
): boolean {
  const decision = authorizer.authorize({
    user,
    verb,
    isResourceRequest: true,
    apiGroup: RBAC_API_GROUP,
    apiVersion: '*',
    resource,
    subresource: '',
    namespace,
    name,
    path: '',
  })
  return decision.decision === 'Allow'
}

/** Undefined when the user holds every one of the rules. */
function escalationRefusal(
  { resolver }: EscalationPolicy,
  rules: readonly PolicyRule[],
  { user, namespace }: RequestContext,
): string | undefined {
  const held = resolver.rulesFor(user, namespace)
  const missing = missingRules(held.rules, rules)
  if (missing.length === 0) return undefined
  const lines = [...new Set(compactRules(missing).map(ruleText))].sort()
  const message = `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`
  return held.errors.length === 0 ? message : `${message}; resolution errors: [${held.errors.join(', ')}]`
}

function hasAggregation(role: AnyRole): boolean {
  return 'aggregationRule' in role && role.aggregationRule !== undefined
}

/** Taking finalizers and owners off an object is how it is deleted; that grants nothing. */
function isOnlyForGarbageCollector(draft: KubeObject, old: DeepReadonly<KubeObject>): boolean {
  const { finalizers, ownerReferences, managedFields, resourceVersion, ...metadata } = draft.metadata
  const {
    finalizers: oldFinalizers,
    ownerReferences: oldOwners,
    managedFields: _managedFields,
    resourceVersion: _resourceVersion,
    ...oldMetadata
  } = old.metadata
  if (deepEqual(finalizers, oldFinalizers) && deepEqual(ownerReferences, oldOwners)) return false
  return deepEqual({ ...draft, metadata }, { ...old, metadata: oldMetadata })
}

const nameOf = (object: DeepReadonly<KubeObject>): string => object.metadata.name ?? ''
