/** maxSurge and maxUnavailable of Deployments. */
import { DEPLOYMENTS, REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { Deployment, ReplicaSet } from '#machinery/api/apps/v1/types.gen.ts'
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { controllerOf } from '#sdk'
import type { Change, Cluster, Invariant } from './interface.ts'
import { isAvailable, lostBy, podsOf } from './pods.ts'

/** What a Deployment allowed since the cluster was last at rest: a controller may still act on any of these. */
interface Allowance {
  readonly podsMax: number
  readonly availableMin: number
}

abstract class DeploymentInvariant implements Invariant {
  abstract readonly resources: Invariant['resources']
  readonly #allowances = new Map<string, Allowance[]>()

  onChange(change: Change<KubeObject>, cluster: Cluster): void {
    const kind = (change.after ?? change.before)?.kind
    if (kind !== DEPLOYMENTS.kind) this.check(change, cluster)
    else if (change.after !== undefined) this.#allow(change.after as Deployment)
  }

  atRest(cluster: Cluster): void {
    this.#allowances.clear()
    for (const deployment of cluster.objects<Deployment>(DEPLOYMENTS)) this.#allow(deployment)
  }

  protected abstract check(change: Change<KubeObject>, cluster: Cluster): void

  protected allowancesOf(uid: string | undefined): readonly Allowance[] | undefined {
    return this.#allowances.get(uid ?? '')
  }

  #allow({ metadata, spec }: Deployment): void {
    const uid = metadata.uid ?? ''
    const replicas = spec.replicas ?? 1
    const isRolling = spec.strategy?.type !== 'Recreate'
    const { maxSurge, maxUnavailable } = spec.strategy?.rollingUpdate ?? {}
    const surge = isRolling ? scaled(maxSurge, replicas, Math.ceil) : 0
    const unavailable = isRolling ? scaled(maxUnavailable, replicas, Math.floor) : replicas
    // Both zero: upstream lets one be unavailable.
    const missing = surge === 0 && unavailable === 0 ? 1 : unavailable
    const allowances = this.#allowances.get(uid) ?? []
    allowances.push({ podsMax: replicas + surge, availableMin: replicas - missing })
    this.#allowances.set(uid, allowances)
  }
}

/** Whenever a ReplicaSet is made larger, all of them together stay within what was allowed. */
export class DeploymentSurge extends DeploymentInvariant {
  readonly resources = [DEPLOYMENTS, REPLICA_SETS]

  protected check(change: Change<KubeObject>, cluster: Cluster): void {
    const { before, after } = change as Change<ReplicaSet>
    if (cluster.answersAreLost) return
    if (after === undefined || (after.spec.replicas ?? 1) <= (before?.spec.replicas ?? 0)) return
    const owner = controllerOf(after)
    const allowances = this.allowancesOf(owner?.uid)
    if (owner === undefined || allowances === undefined) return
    const siblings = setsOf(cluster, owner.uid)
    const total = siblings.reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0)
    const podsMax = Math.max(...allowances.map((allowance) => allowance.podsMax))
    if (total <= podsMax) return
    const sets = siblings.map(({ metadata, spec }) => `${metadata.name}: ${spec.replicas}`).join(', ')
    cluster.violated(`Deployment ${owner.name} has ${total} replicas in its sets (${sets}), ${podsMax} allowed`)
  }
}

/** A rollout takes no Pod away that is needed. */
export class DeploymentAvailability extends DeploymentInvariant {
  readonly resources = [DEPLOYMENTS, PODS]

  protected check(change: Change<KubeObject>, cluster: Cluster): void {
    const { before, after } = change as Change<Pod>
    const gone = lostBy(before, after)
    // Large Pods make room for more important ones.
    if (gone === undefined || (gone.spec.priority ?? 0) > 0) return
    if (!cluster.isCalm || cluster.answersAreLost) return
    const set = cluster
      .objects<ReplicaSet>(REPLICA_SETS)
      .find(({ metadata }) => metadata.uid === controllerOf(gone)?.uid)
    const owner = set === undefined ? undefined : controllerOf(set)
    const allowances = this.allowancesOf(owner?.uid)
    if (owner === undefined || allowances === undefined) return
    const pods = setsOf(cluster, owner.uid).flatMap(({ metadata }) => podsOf(cluster, metadata.uid))
    const available = pods.filter(isAvailable).length
    const availableMin = Math.min(...allowances.map((allowance) => allowance.availableMin))
    if (available < availableMin)
      cluster.violated(`Deployment ${owner.name} has ${available} available Pods, ${availableMin} were promised`)
  }
}

function setsOf(cluster: Cluster, uid: string): ReplicaSet[] {
  return cluster.objects<ReplicaSet>(REPLICA_SETS).filter((set) => controllerOf(set)?.uid === uid)
}

function scaled(value: number | string | undefined, total: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value
  return round((Number.parseInt(value ?? '25%', 10) * total) / 100)
}
