/**
 * Which ReplicaSets get which size in the next step: scaling by the user (proportionally while a rollout is under way),
 * rolling updates, recreation. Pure. Upstream: pkg/controller/deployment/{sync,rolling,recreate}.go.
 */
import type { DeploymentView, Rollout, SetView } from './rollout.ts'
import {
  allSets,
  annotatedCount,
  availableOf,
  byCreation,
  DESIRED_REPLICAS,
  fenceposts,
  isActive,
  isRollingUpdate,
  MAX_REPLICAS,
  maxReplicas,
  replicasOf,
  sum,
  wantedReplicas,
} from './rollout.ts'

export interface Resize {
  readonly set: SetView
  readonly replicas: number
}

/** The size a new set is created with, or grows to: as much as the surge leaves room for. */
export function newSetSize({ deployment, oldSets }: Rollout, current: number): number {
  const wanted = wantedReplicas(deployment)
  if (!isRollingUpdate(deployment)) return wanted
  const room = maxReplicas(deployment) - sum(oldSets, replicasOf) - current
  return room <= 0 ? current : current + Math.min(room, wanted - current)
}

/**
 * The user changed spec.replicas, or changes it while the Deployment is paused. A set that has its size already is in the
 * plan as well: resizing it notes which spec.replicas it was sized for, and ends the scaling. Upstream leaves it out, and
 * such a Deployment is never rolled out again.
 */
export function planScaling(rollout: Rollout): readonly Resize[] {
  const { deployment, newSet, oldSets } = rollout
  const wanted = wantedReplicas(deployment)
  const active = allSets(rollout).filter(isActive)
  if (active.length <= 1) {
    const only = active[0] ?? newSet ?? oldSets.at(-1)
    return only === undefined ? [] : [{ set: only, replicas: wanted }]
  }
  if (newSet !== undefined && isSaturated(deployment, newSet)) {
    return oldSets.filter(isActive).map((set) => ({ set, replicas: 0 }))
  }
  if (isRollingUpdate(deployment)) return planProportional(deployment, active)
  return active.map((set) => ({ set, replicas: replicasOf(set) }))
}

function isSaturated(deployment: DeploymentView, set: SetView): boolean {
  const wanted = wantedReplicas(deployment)
  return replicasOf(set) === wanted && annotatedCount(set, DESIRED_REPLICAS) === wanted && availableOf(set) === wanted
}

/** Every set grows or shrinks by its share, so that scaling neither speeds a rollout up nor turns it back. */
function planProportional(deployment: DeploymentView, active: readonly SetView[]): readonly Resize[] {
  const wanted = wantedReplicas(deployment)
  const allowed = wanted > 0 ? maxReplicas(deployment) : 0
  const toAdd = allowed - sum(active, replicasOf)
  const oldestFirst = toAdd > 0 ? -1 : 1
  const ordered = [...active].sort((a, b) => replicasOf(b) - replicasOf(a) || oldestFirst * byCreation(a, b))
  let added = 0
  const sizes = ordered.map((set) => {
    const share = shareOf(set, deployment, toAdd, toAdd - added)
    added += share
    return { set, replicas: replicasOf(set) + share }
  })
  const [largest] = sizes
  if (largest !== undefined) largest.replicas = Math.max(0, largest.replicas + toAdd - added)
  if (toAdd < 0) keepAvailable(deployment, sizes)
  return sizes
}

/**
 * Available Pods that are promised stay; what does not work goes in their place, of which there is always enough, as all
 * that may be is more than what has to be available. Differs: upstream takes each set's share, whatever the others have.
 */
function keepAvailable(deployment: DeploymentView, sizes: readonly { set: SetView; replicas: number }[]): void {
  const promised = wantedReplicas(deployment) - fenceposts(deployment).maxUnavailable
  let missing = promised - sizes.reduce((sum, { set, replicas }) => sum + Math.min(availableOf(set), replicas), 0)
  let kept = 0
  for (const size of sizes) {
    const back = Math.max(0, Math.min(missing, stayingAvailable(size.set) - size.replicas))
    size.replicas += back
    missing -= back
    kept += back
  }
  for (const size of sizes) {
    const spare = Math.max(0, Math.min(kept, size.replicas - availableOf(size.set)))
    size.replicas -= spare
    kept -= spare
  }
}

function shareOf(set: SetView, deployment: DeploymentView, toAdd: number, left: number): number {
  if (toAdd === 0 || left === 0) return 0
  const fraction = fractionOf(set, deployment)
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left)
}

function fractionOf(set: SetView, deployment: DeploymentView): number {
  const size = replicasOf(set)
  if (wantedReplicas(deployment) === 0) return -size
  // Before this change of spec.replicas. Somebody may have removed the annotation.
  const before = annotatedCount(set, MAX_REPLICAS) || (deployment.status?.replicas ?? 0)
  if (before === 0) return 0
  return Math.round((size * maxReplicas(deployment)) / before) - size
}

/** One step of a rolling update: the new set grows, or else old ones shrink. Needs the new set. */
export function planRollingStep(rollout: Rollout): readonly Resize[] {
  const { deployment, newSet, oldSets } = rollout
  if (newSet === undefined) return []
  const wanted = wantedReplicas(deployment)
  const current = replicasOf(newSet)
  const target = current > wanted ? wanted : newSetSize(rollout, current)
  if (target !== current) return [{ set: newSet, replicas: target }]
  return planShrink(deployment, newSet, oldSets.filter(isActive))
}

function planShrink(deployment: DeploymentView, newSet: SetView, oldSets: readonly SetView[]): readonly Resize[] {
  if (oldSets.length === 0) return []
  const minAvailable = wantedReplicas(deployment) - fenceposts(deployment).maxUnavailable
  const newAvailable = isObserved(newSet) ? stayingAvailable(newSet) : 0
  const newUnavailable = replicasOf(newSet) - newAvailable
  const removable = sum(oldSets, replicasOf) + replicasOf(newSet) - minAvailable - newUnavailable
  if (removable <= 0) return []
  const sizes = new Map(oldSets.map((set) => [set, replicasOf(set)]))
  // Unhealthy ones first: they block the rollout, and nobody misses them.
  shrink(sizes, removable, (set, size) => size - availableOf(set))
  const available = sum(oldSets, stayingAvailable) + newAvailable
  shrink(sizes, available - minAvailable, (_set, size) => size)
  return [...sizes].filter(([set, size]) => size !== replicasOf(set)).map(([set, replicas]) => ({ set, replicas }))
}

/**
 * A set that was made smaller a moment ago still counts the Pods it is about to delete: they are not there to be given up
 * a second time. Differs: upstream trusts the status and can take one Pod too many.
 */
const stayingAvailable = (set: SetView): number => Math.min(availableOf(set), replicasOf(set))

/**
 * A new set that was an old one until the user went back may have been made smaller and larger since its status was written: which of the
 * Pods it counts are left is not known until it has seen its size. Differs: upstream trusts the status.
 */
const isObserved = ({ metadata, status }: SetView): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)

/** Takes up to `atMost` in all, from each set in turn no more than `from` gives. */
function shrink(sizes: Map<SetView, number>, atMost: number, from: (set: SetView, size: number) => number): void {
  let left = atMost
  for (const [set, size] of sizes) {
    const taken = Math.min(left, Math.max(0, from(set, size)), size)
    if (taken <= 0) continue
    sizes.set(set, size - taken)
    left -= taken
  }
}
