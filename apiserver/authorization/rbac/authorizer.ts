/**
 * Role-based access control: allows what a role bound to the user or one of its groups allows, has no opinion otherwise.
 * Roles and bindings come from watches over the loopback client (which is system:masters and needs no RBAC itself).
 * Upstream: plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/registry/rbac/validation/rule.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES } from '#machinery/api/rbac/v1/resources.gen.ts'
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding, RoleRef } from '#machinery/api/rbac/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { Reflector, type ReflectorDependencies, type ReflectorSink } from '#machinery/informers/reflector.ts'
import { newNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { UserInfo } from '../../authentication/interfaces.ts'
import type { SyncAuthorizer } from '../chain.ts'
import type { AuthorizationAttributes, AuthorizationDecision, PolicyRule, RuleResolver } from '../interfaces.ts'
import { type RequestedAction, requestedAction } from './compiled-rule.ts'
import { type Grant, PolicyIndex } from './policy-index.ts'

const RBAC_GROUP = 'rbac.authorization.k8s.io'
const NO_OPINION: AuthorizationDecision = Object.freeze({ decision: 'NoOpinion', reason: '' })

export interface RbacAuthorizer extends SyncAuthorizer, RuleResolver {
  /** Rules of the role that a binding of `namespace` refers to. Throws NotFound. */
  rulesOf(roleRef: DeepReadonly<RoleRef>, namespace: string): readonly PolicyRule[]
  /** Keeps the caches current until the signal aborts. */
  start(client: Client, signal: AbortSignal): void
  /** Resolves when all four lists have been read once. */
  readonly ready: Promise<void>
}

export type RbacDependencies = Omit<ReflectorDependencies, 'client'>

export function createRbacAuthorizer(dependencies: RbacDependencies): RbacAuthorizer {
  return new IndexedRbacAuthorizer(dependencies)
}

class IndexedRbacAuthorizer implements RbacAuthorizer {
  readonly ready: Promise<void>
  readonly #dependencies: RbacDependencies
  readonly #index = new PolicyIndex()
  #pendingLists = 4
  #markReady: () => void = () => {}

  constructor(dependencies: RbacDependencies) {
    this.#dependencies = dependencies
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve
    })
  }

  authorize(attributes: AuthorizationAttributes): AuthorizationDecision {
    const action = requestedAction(attributes)
    let allowedBy: Grant | undefined
    let missing: string[] | undefined
    this.#index.visitGrants(attributes.user, attributes.namespace, (grant) => {
      const isAllowed = this.#isAllowedBy(grant, action)
      if (isAllowed === undefined) missing = [...(missing ?? []), errorMessage(roleNotFound(grant.roleRef))]
      else if (isAllowed) allowedBy = grant
      return isAllowed === true
    })
    // TypeScript does not see the assignment inside the callback.
    const found = allowedBy as Grant | undefined
    if (found !== undefined) return { decision: 'Allow', reason: `RBAC: allowed by ${found.source}` }
    return missing === undefined ? NO_OPINION : { decision: 'NoOpinion', reason: `RBAC: ${joinTexts(missing)}` }
  }

  /** Undefined when the role does not exist. */
  #isAllowedBy(grant: Grant, action: RequestedAction): boolean | undefined {
    const role = this.#index.role(grant.roleRef, grant.namespace)
    if (role === undefined) return undefined
    for (const rule of role.compiled) if (rule.allows(action)) return true
    return false
  }

  rulesFor(user: UserInfo, namespace: string): { rules: readonly PolicyRule[]; errors: readonly string[] } {
    const rules: PolicyRule[] = []
    const errors: string[] = []
    this.#index.visitGrants(user, namespace, (grant) => {
      const role = this.#index.role(grant.roleRef, grant.namespace)
      if (role === undefined) errors.push(errorMessage(roleNotFound(grant.roleRef)))
      else rules.push(...role.rules)
      return false
    })
    return { rules, errors }
  }

  rulesOf(roleRef: DeepReadonly<RoleRef>, namespace: string): readonly PolicyRule[] {
    const role = this.#index.role(roleRef, namespace)
    if (role === undefined) throw roleNotFound(roleRef)
    return role.rules
  }

  start(client: Client, signal: AbortSignal): void {
    const index = this.#index
    const setRole = (role: DeepReadonly<Role | ClusterRole>): void => index.setRole(role)
    const setBinding = (binding: DeepReadonly<RoleBinding | ClusterRoleBinding>): void => index.setBinding(binding)
    this.#follow(client, ROLES, setRole, signal)
    this.#follow(client, CLUSTER_ROLES, setRole, signal)
    this.#follow(client, ROLE_BINDINGS, setBinding, signal)
    this.#follow(client, CLUSTER_ROLE_BINDINGS, setBinding, signal)
  }

  #follow<T extends KubeObject>(
    client: Client,
    resource: Resource<T>,
    set: (object: DeepReadonly<T>) => void,
    signal: AbortSignal,
  ): void {
    const isRole = resource.kind.endsWith('Role')
    let hasListed = false
    const sink: ReflectorSink<T> = {
      replace: (objects) => {
        this.#index.clear(isRole ? 'roles' : 'bindings', resource.namespaced ? 'namespaced' : 'cluster')
        for (const object of objects) set(object)
        if (!hasListed && --this.#pendingLists === 0) this.#markReady()
        hasListed = true
      },
      upsert: set,
      delete: ({ metadata: { namespace = '', name = '' } }) => {
        if (isRole) this.#index.deleteRole(namespace, name)
        else this.#index.deleteBinding(namespace, name)
      },
    }
    void new Reflector(resource, {}, sink, { ...this.#dependencies, client }).run(signal)
  }
}

function roleNotFound(roleRef: DeepReadonly<RoleRef>): Error {
  return newNotFound({ group: RBAC_GROUP, resource: roleRef.kind.toLowerCase() }, roleRef.name)
}

function joinTexts(texts: readonly string[]): string {
  const distinct = [...new Set(texts)]
  return distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`
}
