/**
 * The claims of a Pod as they stand. Upstream: plugins/volumebinding/volume_binding.go podHasPVCs,
 * binder.go GetPodVolumeClaims, component-helpers storage/ephemeral.
 */
import type { Pod, Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { claimNameOf, type FrozenClaim, isClaimFullyBound, isDelayedBinding } from '#machinery/volume/binding.ts'
import { isControlledBy } from '#sdk'
import type { FrozenPod } from '../../framework/interfaces.ts'

export interface PodClaims {
  readonly bound: readonly FrozenClaim[]
  /** Unbound, waiting for a node. */
  readonly delayed: readonly FrozenClaim[]
  /** Unbound, bound by the volume binder whatever the node. */
  readonly immediate: readonly FrozenClaim[]
}

/** The claims, or why the Pod cannot be scheduled now whatever the node. */
export function podClaims(
  pod: FrozenPod,
  claimOf: (key: ObjectKey) => FrozenClaim | undefined,
  classOf: (name: string) => DeepReadonly<StorageClass> | undefined,
): PodClaims | string {
  const claims = { bound: [] as FrozenClaim[], delayed: [] as FrozenClaim[], immediate: [] as FrozenClaim[] }
  const { namespace = '' } = pod.metadata
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimNameOf(pod, volume)
    if (name === undefined) continue
    const claim = claimOf({ namespace, name })
    if (claim === undefined) return missingClaim(volume, name)
    const problem = problemOf(pod, volume, claim)
    if (problem !== undefined) return problem
    if (isClaimFullyBound(claim)) claims.bound.push(claim)
    else if ((claim.spec.volumeName ?? '') === '' && isDelayedBinding(claim, classOf)) claims.delayed.push(claim)
    else claims.immediate.push(claim)
  }
  return claims
}

export const claimNamesOf = (pod: FrozenPod): string[] =>
  (pod.spec.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? [])

function missingClaim({ ephemeral }: DeepReadonly<Volume>, name: string): string {
  if (ephemeral === undefined) return `persistentvolumeclaim "${name}" not found`
  return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
}

function problemOf(pod: FrozenPod, { ephemeral }: DeepReadonly<Volume>, claim: FrozenClaim): string | undefined {
  const { name } = claim.metadata
  if (claim.status?.phase === 'Lost')
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`
  if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`
  return ephemeral === undefined ? undefined : ownershipProblem(pod, claim)
}

/** A claim that was there before an ephemeral volume's may hold somebody else's data. */
export function ownershipProblem(pod: DeepReadonly<Pod>, claim: FrozenClaim): string | undefined {
  if (claim.metadata.namespace === pod.metadata.namespace && isControlledBy(claim, pod)) return undefined
  const nameOf = ({ metadata }: FrozenPod | FrozenClaim): string => `${metadata.namespace}/${metadata.name}`
  return `PVC ${nameOf(claim)} was not created for pod ${nameOf(pod)} (pod is not owner)`
}
