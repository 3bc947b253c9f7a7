/**
 * Roles and bindings as the authorizer reads them: rules compiled, bindings filed under their subjects, so that a decision
 * touches only the bindings of this user and its groups.
 */
import type {
  ClusterRole,
  ClusterRoleBinding,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '#machinery/api/rbac/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { UserInfo } from '../../authentication/interfaces.ts'
import { serviceAccountUserName } from '../../authentication/serviceaccount/names.ts'
import type { PolicyRule } from '../interfaces.ts'
import { CompiledRule } from './compiled-rule.ts'

type AnyRole = DeepReadonly<Role> | DeepReadonly<ClusterRole>
type AnyBinding = DeepReadonly<RoleBinding> | DeepReadonly<ClusterRoleBinding>

export interface IndexedRole {
  readonly rules: readonly PolicyRule[]
  /** Compiled at first use: most of a cluster's roles are never asked. */
  readonly compiled: readonly CompiledRule[]
}

/** One subject's share of one binding. */
export interface Grant {
  readonly roleRef: DeepReadonly<RoleRef>
  /** '' for a ClusterRoleBinding. */
  readonly namespace: string
  /** `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"` */
  readonly source: string
}

class LazyRole implements IndexedRole {
  readonly rules: readonly PolicyRule[]
  #compiled: readonly CompiledRule[] | undefined

  constructor(role: AnyRole) {
    this.rules = role.rules ?? []
  }

  get compiled(): readonly CompiledRule[] {
    this.#compiled ??= this.rules.map((rule) => new CompiledRule(rule))
    return this.#compiled
  }
}

type GrantsBySubject = Map<string, Map<string, Grant>>

const NO_NAMESPACE = ''

export class PolicyIndex {
  /** By namespace ('' = cluster roles), then name. */
  readonly #roles = new Map<string, Map<string, IndexedRole>>()
  /** By namespace ('' = cluster-wide), then subject, then binding name. */
  readonly #grants = new Map<string, GrantsBySubject>()
  /** Subjects under which a binding is filed, by namespace and name, to take it out again. */
  readonly #subjects = new Map<string, Map<string, readonly string[]>>()

  setRole(role: AnyRole): void {
    const { namespace = NO_NAMESPACE, name = '' } = role.metadata
    child(this.#roles, namespace).set(name, new LazyRole(role))
  }

  deleteRole(namespace: string, name: string): void {
    this.#roles.get(namespace)?.delete(name)
  }

  setBinding(binding: AnyBinding): void {
    const { namespace = NO_NAMESPACE, name = '' } = binding.metadata
    this.deleteBinding(namespace, name)
    const bySubject = child(this.#grants, namespace)
    const keys: string[] = []
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace)
      if (key === undefined || keys.includes(key)) continue
      keys.push(key)
      const source = describeGrant(binding, subject)
      child(bySubject, key).set(name, { roleRef: binding.roleRef, namespace, source })
    }
    child(this.#subjects, namespace).set(name, keys)
  }

  deleteBinding(namespace: string, name: string): void {
    const keys = this.#subjects.get(namespace)?.get(name)
    if (keys === undefined) return
    this.#subjects.get(namespace)?.delete(name)
    const bySubject = this.#grants.get(namespace)
    for (const key of keys) {
      const grants = bySubject?.get(key)
      grants?.delete(name)
      if (grants?.size === 0) bySubject?.delete(key)
    }
  }

  /** All namespaced, or all cluster-scoped, roles or bindings are replaced by what follows. */
  clear(kind: 'roles' | 'bindings', scope: 'cluster' | 'namespaced'): void {
    const isMine = (namespace: string): boolean => (namespace === NO_NAMESPACE) === (scope === 'cluster')
    const maps: Map<string, unknown>[] = kind === 'roles' ? [this.#roles] : [this.#grants, this.#subjects]
    for (const map of maps) for (const namespace of [...map.keys()]) if (isMine(namespace)) map.delete(namespace)
  }

  /** The role a reference in a binding of `namespace` means; undefined when it does not exist. */
  role(roleRef: DeepReadonly<RoleRef>, namespace: string): IndexedRole | undefined {
    return this.#roles.get(roleRef.kind === 'ClusterRole' ? NO_NAMESPACE : namespace)?.get(roleRef.name)
  }

  /** Calls `visit` for every grant that applies, cluster-wide ones first, until it returns true. */
  visitGrants(user: UserInfo, namespace: string, visit: (grant: Grant) => boolean): boolean {
    if (visitIn(this.#grants.get(NO_NAMESPACE), user, visit)) return true
    return namespace !== NO_NAMESPACE && visitIn(this.#grants.get(namespace), user, visit)
  }
}

function visitIn(bySubject: GrantsBySubject | undefined, user: UserInfo, visit: (grant: Grant) => boolean): boolean {
  if (bySubject === undefined || bySubject.size === 0) return false
  if (visitAll(bySubject.get(userKey(user.name)), visit)) return true
  for (const group of user.groups) if (visitAll(bySubject.get(groupKey(group)), visit)) return true
  return false
}

function visitAll(grants: ReadonlyMap<string, Grant> | undefined, visit: (grant: Grant) => boolean): boolean {
  if (grants === undefined) return false
  for (const grant of grants.values()) if (visit(grant)) return true
  return false
}

const userKey = (name: string): string => `u:${name}`
const groupKey = (name: string): string => `g:${name}`

/** Service accounts are users with a reserved name. Undefined for a kind RBAC does not know: it matches nobody. */
function subjectKey(subject: DeepReadonly<Subject>, bindingNamespace: string): string | undefined {
  switch (subject.kind) {
    case 'User':
      return userKey(subject.name)
    case 'Group':
      return groupKey(subject.name)
    case 'ServiceAccount': {
      const namespace = accountNamespace(subject, bindingNamespace)
      return namespace === '' ? undefined : userKey(serviceAccountUserName(namespace, subject.name))
    }
    default:
      return undefined
  }
}

/** A service account without a namespace is one of the binding's own. */
function accountNamespace(subject: DeepReadonly<Subject>, bindingNamespace: string): string {
  return subject.namespace === undefined || subject.namespace === '' ? bindingNamespace : subject.namespace
}

function describeGrant({ metadata, roleRef }: AnyBinding, subject: DeepReadonly<Subject>): string {
  const { namespace = NO_NAMESPACE, name = '' } = metadata
  const binding =
    namespace === NO_NAMESPACE
      ? `ClusterRoleBinding ${JSON.stringify(name)}`
      : `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}`
  const subjectName =
    subject.kind === 'ServiceAccount' ? `${subject.name}/${accountNamespace(subject, namespace)}` : subject.name
  return `${binding} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(subjectName)}`
}

function child<K, V>(map: Map<string, Map<K, V>>, key: string): Map<K, V> {
  let found = map.get(key)
  if (found === undefined) {
    found = new Map()
    map.set(key, found)
  }
  return found
}
