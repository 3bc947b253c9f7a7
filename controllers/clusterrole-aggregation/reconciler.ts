/**
 * Fills the rules of ClusterRoles that have an aggregationRule with the rules of the ClusterRoles their selectors match.
 *
 * Reads: clusterroles from the cache.  Writes: clusterroles (rules only).
 * Upstream: pkg/controller/clusterroleaggregation.
 * Differs: what is applied is bound to the resourceVersion it was computed from.
 */
import { CLUSTER_ROLES } from '#machinery/api/rbac/v1/resources.gen.ts'
import type { ClusterRole, PolicyRule } from '#machinery/api/rbac/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, Result } from '#sdk'
import { DONE, defineController } from '#sdk'
import { CLUSTER_ROLE_AGGREGATION_CONTROLLER } from '../manager/names.ts'

const TYPE = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' }

export const clusterRoleAggregationController = defineController({
  name: CLUSTER_ROLE_AGGREGATION_CONTROLLER,
  reconciles: CLUSTER_ROLES,
  // Everything: it writes rules it does not hold itself, which takes the verb `escalate`.
  permissions: [{ resource: CLUSTER_ROLES, verbs: ['*'] }],
  concurrency: 5,
  create: ({ client, lister, informer, enqueue }) => {
    const roles = lister(CLUSTER_ROLES)
    // Which aggregated roles a change concerns depends on their selectors: all of them look again.
    const enqueueAggregated = (): void => {
      for (const { metadata } of roles.list(undefined, isAggregated)) enqueue({ name: metadata.name ?? '' })
    }
    informer(CLUSTER_ROLES).addHandler({
      onAdd: (_role, isInInitialList) => {
        if (!isInInitialList) enqueueAggregated()
      },
      onUpdate: (old, role) => {
        if (!deepEqual(old.rules, role.rules) || !deepEqual(old.metadata.labels, role.metadata.labels)) {
          enqueueAggregated()
        }
      },
      onDelete: enqueueAggregated,
    })
    return new ClusterRoleAggregationReconciler(client, roles)
  },
})

function isAggregated(role: DeepReadonly<ClusterRole>): boolean {
  return role.aggregationRule !== undefined
}

class ClusterRoleAggregationReconciler implements Reconciler {
  readonly #client: Client
  readonly #roles: Lister<ClusterRole>

  constructor(client: Client, roles: Lister<ClusterRole>) {
    this.#client = client
    this.#roles = roles
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const role = this.#roles.get(key)
    if (role === undefined || !isAggregated(role)) return DONE
    const rules = aggregatedRules(role, this.#roles.list())
    if (deepEqual(rules, role.rules ?? [])) return DONE
    const { uid, resourceVersion } = role.metadata
    const metadata = { name: key.name, uid, resourceVersion }
    // No rules: those that were applied before are taken back.
    const body = { ...TYPE, metadata, ...(rules.length === 0 ? {} : { rules }) }
    const options = { fieldManager: CLUSTER_ROLE_AGGREGATION_CONTROLLER, signal }
    await this.#client.patch(CLUSTER_ROLES, key, { type: 'apply', body, force: true }, options)
    return DONE
  }
}

/** Every distinct rule of the roles that match, roles in name order: the same input always gives the same list. */
export function aggregatedRules(
  role: DeepReadonly<ClusterRole>,
  roles: readonly DeepReadonly<ClusterRole>[],
): DeepReadonly<PolicyRule>[] {
  const ownName = role.metadata.name
  const found: DeepReadonly<PolicyRule>[] = []
  const byName = [...roles].sort((a, b) => compareText(a.metadata.name ?? '', b.metadata.name ?? ''))
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const matcher = labelSelectorAsMatcher(selector)
    for (const candidate of byName) {
      if (candidate.metadata.name === ownName || !matcher.matches(candidate.metadata.labels)) continue
      for (const rule of candidate.rules ?? []) if (!found.some((known) => deepEqual(known, rule))) found.push(rule)
    }
  }
  return found
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
