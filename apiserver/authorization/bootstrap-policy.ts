/**
 * Brings the default RBAC roles and bindings into the cluster at start: everything missing is created, everything that
 * lacks something gets it. One list per resource, then only the differences are written, many at a time.
 * Upstream: pkg/registry/rbac/rest/storage_rbac.go (PostStartHook).
 */
import { NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES } from '#machinery/api/rbac/v1/resources.gen.ts'
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '#machinery/api/rbac/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isAlreadyExists, isConflict, isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { ObjectKey, Resource } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { clusterRoleBindings, clusterRoles } from './bootstrap/cluster-roles.ts'
import { controllerRoleBindings, controllerRoles } from './bootstrap/controller-roles.ts'
import { namespacedRoleBindings, namespacedRoles } from './bootstrap/namespace-roles.ts'
import { type Reconciled, reconcileBinding, reconcileRole } from './bootstrap/reconcile.ts'

export interface BootstrapPolicy {
  readonly clusterRoles: readonly ClusterRole[]
  readonly clusterRoleBindings: readonly ClusterRoleBinding[]
  readonly roles: readonly Role[]
  readonly roleBindings: readonly RoleBinding[]
}

/** `extra`: what this build's own controllers need; rules of an equally named role are added to upstream's. */
export function bootstrapPolicy(extra: readonly (ClusterRole | ClusterRoleBinding)[] = []): BootstrapPolicy {
  const policy = {
    clusterRoles: [...clusterRoles(), ...controllerRoles()],
    clusterRoleBindings: [...clusterRoleBindings(), ...controllerRoleBindings()],
    roles: namespacedRoles(),
    roleBindings: namespacedRoleBindings(),
  }
  for (const object of extra) {
    if ('roleRef' in object) mergeInto(policy.clusterRoleBindings, object, reconcileBinding)
    else mergeInto(policy.clusterRoles, object, reconcileRole)
  }
  return policy
}

function mergeInto<T extends KubeObject>(
  objects: T[],
  object: T,
  reconcile: (stored: DeepReadonly<T>, expected: T) => Reconciled<T>,
): void {
  const index = objects.findIndex(({ metadata }) => metadata.name === object.metadata.name)
  const known = objects[index]
  if (known === undefined) {
    objects.push(object)
    return
  }
  const outcome = reconcile(known as DeepReadonly<T>, object)
  if (outcome.action !== 'none') objects[index] = outcome.object
}

const WRITES_AT_ONCE_MAX = 64
const CONFLICT_RETRIES_MAX = 5

/**
 * `client` must be system:masters: the objects hold permissions nobody else may grant. `extra` are the roles our own
 * controllers derive from what they declare.
 */
export async function reconcileBootstrapPolicy(
  client: Client,
  signal: AbortSignal,
  extra: readonly (ClusterRole | ClusterRoleBinding)[] = [],
): Promise<void> {
  const policy = withExtra(bootstrapPolicy(), extra)
  const writes = new BoundedWrites()
  await ensureNamespaces(client, policy, signal)
  await Promise.all([
    reconcileAll(client, CLUSTER_ROLES, policy.clusterRoles, reconcileRole, writes, signal),
    reconcileAll(client, CLUSTER_ROLE_BINDINGS, policy.clusterRoleBindings, reconcileBinding, writes, signal),
    reconcileAll(client, ROLES, policy.roles, reconcileRole, writes, signal),
    reconcileAll(client, ROLE_BINDINGS, policy.roleBindings, reconcileBinding, writes, signal),
  ])
}

/** What our own controllers declare replaces upstream's role of the same name. */
function withExtra(policy: BootstrapPolicy, extra: readonly (ClusterRole | ClusterRoleBinding)[]): BootstrapPolicy {
  const isRole = (object: ClusterRole | ClusterRoleBinding): object is ClusterRole => object.kind === 'ClusterRole'
  const replaced = new Set(extra.map(({ kind, metadata }) => `${kind}/${metadata.name}`))
  const kept = <T extends KubeObject>(objects: readonly T[]): T[] =>
    objects.filter(({ kind, metadata }) => !replaced.has(`${kind}/${metadata.name}`))
  return {
    ...policy,
    clusterRoles: [...kept(policy.clusterRoles), ...extra.filter(isRole)],
    clusterRoleBindings: [
      ...kept(policy.clusterRoleBindings),
      ...extra.filter((object): object is ClusterRoleBinding => !isRole(object)),
    ],
  }
}

async function ensureNamespaces(client: Client, policy: BootstrapPolicy, signal: AbortSignal): Promise<void> {
  const names = new Set(policy.roles.map(({ metadata }) => metadata.namespace ?? ''))
  const present = await client.list(NAMESPACES, { signal, resourceVersion: '0' })
  const missing = [...names].filter((name) => !present.items.some(({ metadata }) => metadata.name === name))
  await Promise.all(
    missing.map((name) =>
      client
        .create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} }, { signal })
        .catch(ignoreAlreadyExists),
    ),
  )
}

async function reconcileAll<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  expected: readonly T[],
  reconcile: (stored: DeepReadonly<T>, expected: T) => Reconciled<T>,
  writes: BoundedWrites,
  signal: AbortSignal,
): Promise<void> {
  const { items } = await client.list(resource, { signal, resourceVersion: '0' })
  const stored = new Map<string, DeepReadonly<T>>(items.map((item) => [keyText(item), item]))
  const ensure = async (object: T): Promise<void> => {
    const known = stored.get(keyText(object))
    if (known !== undefined && reconcile(known, object).action === 'none') return
    await writes.run(() => ensureOne(client, resource, object, known, reconcile, signal))
  }
  await Promise.all(expected.map(ensure))
}

async function ensureOne<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  expected: T,
  known: DeepReadonly<T> | undefined,
  reconcile: (stored: DeepReadonly<T>, expected: T) => Reconciled<T>,
  signal: AbortSignal,
): Promise<void> {
  const key = objectKey(expected)
  let stored = known
  for (let attempt = 1; ; attempt++) {
    try {
      if (stored === undefined) {
        await client.create(resource, expected as DeepReadonly<T>, { signal })
        return
      }
      const outcome = reconcile(stored, expected)
      if (outcome.action === 'none') return
      if (outcome.action === 'update') {
        await client.update(resource, outcome.object as DeepReadonly<T>, { signal })
        return
      }
      await client.delete(resource, key, { signal }).catch(undefinedIfNotFound)
      stored = undefined
    } catch (err: unknown) {
      const isRace = isConflict(err) || isAlreadyExists(err) || isNotFound(err)
      if (!isRace || attempt >= CONFLICT_RETRIES_MAX) throw err
      stored = await client.get(resource, key, { signal }).catch(undefinedIfNotFound)
    }
  }
}

function keyText({ metadata: { namespace = '', name = '' } }: DeepReadonly<KubeObject>): string {
  return `${namespace}/${name}`
}

function objectKey({ metadata: { namespace, name = '' } }: KubeObject): ObjectKey {
  return namespace === undefined ? { name } : { namespace, name }
}

function ignoreAlreadyExists(err: unknown): void {
  if (!isAlreadyExists(err)) throw err
}

/** Enough writes at once to fill a group commit, not so many that nobody else gets a turn. */
class BoundedWrites {
  readonly #waiting: (() => void)[] = []
  #running = 0

  async run(write: () => Promise<void>): Promise<void> {
    if (this.#running >= WRITES_AT_ONCE_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      await write()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
