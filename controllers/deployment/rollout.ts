/**
 * A Deployment with its ReplicaSets, and the arithmetic of rolling from one to another. Pure.
 * Upstream: pkg/controller/deployment/util/deployment_util.go.
 */
import type { Deployment, ReplicaSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type DeploymentView = DeepReadonly<Deployment>
export type SetView = DeepReadonly<ReplicaSet>

export const HASH_LABEL = 'pod-template-hash'
export const REVISION = 'deployment.kubernetes.io/revision'
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas'
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas'
export const ROLLBACK_TO = 'deprecated.deployment.rollback.to'

/** "No deadline", "no limit" in the fields where 0 means something. */
const MAX_INT32 = 2_147_483_647

export interface Rollout {
  readonly deployment: DeploymentView
  /** The set with the Deployment's template. */
  newSet: SetView | undefined
  /** All others, oldest first. */
  oldSets: readonly SetView[]
}

export function rolloutOf(deployment: DeploymentView, sets: readonly SetView[]): Rollout {
  const ordered = [...sets].sort(byCreation)
  // More than one may have the template after an upgrade: the oldest is it.
  const newSet = ordered.find(({ spec }) => isSameTemplate(spec?.template, deployment.spec.template))
  return { deployment, newSet, oldSets: ordered.filter((set) => set !== newSet) }
}

export function allSets({ newSet, oldSets }: Rollout): readonly SetView[] {
  return newSet === undefined ? oldSets : [...oldSets, newSet]
}

/** Oldest first; those of one second by name. */
export function byCreation(a: SetView, b: SetView): number {
  const [first, second] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  if (first !== second) return first < second ? -1 : 1
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
}

/** But for the hash label, which only the sets have. */
export function isSameTemplate(
  a: DeepReadonly<PodTemplateSpec> | undefined,
  b: DeepReadonly<PodTemplateSpec>,
): boolean {
  if (a === undefined) return false
  return deepEqual(withoutHash(a), withoutHash(b))
}

export function withoutHash(template: DeepReadonly<PodTemplateSpec>): DeepReadonly<PodTemplateSpec> {
  if (template.metadata?.labels?.[HASH_LABEL] === undefined) return template
  const { [HASH_LABEL]: _hash, ...labels } = template.metadata.labels
  return { ...template, metadata: { ...template.metadata, labels } }
}

export const replicasOf = ({ spec }: SetView): number => spec?.replicas ?? 1
export const wantedReplicas = ({ spec }: DeploymentView): number => spec.replicas ?? 1
export const isActive = (set: SetView): boolean => replicasOf(set) > 0
export const availableOf = ({ status }: SetView): number => status?.availableReplicas ?? 0

export const sum = (sets: readonly SetView[], count: (set: SetView) => number): number =>
  sets.reduce((total, set) => total + count(set), 0)

export const isRollingUpdate = ({ spec }: DeploymentView): boolean => spec.strategy?.type !== 'Recreate'

export const hasDeadline = ({ spec }: DeploymentView): boolean =>
  spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== MAX_INT32

export const hasHistoryLimit = ({ spec }: DeploymentView): boolean =>
  spec.revisionHistoryLimit !== undefined && spec.revisionHistoryLimit !== MAX_INT32

/** How far a rolling update may leave the wanted count; both zero would be a standstill. */
export function fenceposts(deployment: DeploymentView): { readonly maxSurge: number; readonly maxUnavailable: number } {
  if (!isRollingUpdate(deployment)) return { maxSurge: 0, maxUnavailable: 0 }
  const wanted = wantedReplicas(deployment)
  const { maxSurge, maxUnavailable } = deployment.spec.strategy?.rollingUpdate ?? {}
  const surge = scaled(maxSurge ?? 0, wanted, Math.ceil)
  const unavailable = scaled(maxUnavailable ?? 0, wanted, Math.floor)
  if (surge === 0 && unavailable === 0) return { maxSurge: 0, maxUnavailable: Math.min(1, wanted) }
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, wanted) }
}

export const maxReplicas = (deployment: DeploymentView): number =>
  wantedReplicas(deployment) + fenceposts(deployment).maxSurge

function scaled(value: number | string, total: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value
  const percent = Number(value.replace(/%$/, ''))
  return Number.isNaN(percent) ? 0 : round((percent * total) / 100)
}

/** 64 bits, as others may have written it; undefined for one that is no number: it counts nowhere. */
export function revisionOf({ metadata }: SetView): bigint | undefined {
  const text = metadata.annotations?.[REVISION] ?? '0'
  return /^-?\d+$/.test(text) ? BigInt(text) : undefined
}

/** Newest first. */
export function revisionsOf(sets: readonly SetView[]): bigint[] {
  const revisions = sets.map(revisionOf).filter((revision) => revision !== undefined)
  return revisions.sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))
}

export function maxRevision(sets: readonly SetView[]): bigint {
  const [max = 0n] = revisionsOf(sets)
  return max > 0n ? max : 0n
}

export function annotatedCount({ metadata }: SetView, name: string): number | undefined {
  const text = metadata.annotations?.[name] ?? ''
  return /^\d+$/.test(text) ? Number(text) : undefined
}

/** spec.replicas changed since the sets were last sized: that is no part of a rollout. */
export function isScalingEvent(rollout: Rollout): boolean {
  const wanted = wantedReplicas(rollout.deployment)
  return allSets(rollout)
    .filter(isActive)
    .some((set) => (annotatedCount(set, DESIRED_REPLICAS) ?? wanted) !== wanted)
}
