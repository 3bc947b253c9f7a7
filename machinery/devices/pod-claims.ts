/**
 * Which ResourceClaim a Pod means by an entry of `spec.resourceClaims`, and whether the claim is the Pod's to use.
 * Upstream: k8s.io/dynamic-resource-allocation/resourceclaim.
 */
import type { Pod, PodResourceClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type FrozenResourceClaim = DeepReadonly<ResourceClaim>
type FrozenPod = DeepReadonly<Pod>

/** Allocated claims have it: an allocation is taken back before its claim goes. */
export const DELETE_PROTECTION = 'resource.kubernetes.io/delete-protection'

/** A claim the scheduler makes of a Pod's extended resources. */
export const EXTENDED_RESOURCE_CLAIM = 'resource.kubernetes.io/extended-resource-claim'

/**
 * `named`: made for this Pod from a template when `isGenerated`. `none`: it was decided that no claim is needed.
 * `missing`: not made yet. `unknown`: a way of asking for claims this version does not know.
 */
export type ClaimName =
  | { readonly type: 'named'; readonly name: string; readonly isGenerated: boolean }
  | { readonly type: 'none' }
  | { readonly type: 'missing' | 'unknown'; readonly message: string }

export function resourceClaimNameOf(pod: FrozenPod, entry: DeepReadonly<PodResourceClaim>): ClaimName {
  const { namespace = '', name = '' } = pod.metadata
  if (entry.resourceClaimName !== undefined) return { type: 'named', name: entry.resourceClaimName, isGenerated: false }
  if (entry.resourceClaimTemplateName === undefined) {
    const where = `pod "${namespace}/${name}", spec.resourceClaim "${entry.name}"`
    return { type: 'unknown', message: `${where}: none of the supported fields are set` }
  }
  const status = pod.status?.resourceClaimStatuses?.find((one) => one.name === entry.name)
  if (status === undefined)
    return { type: 'missing', message: `pod "${namespace}/${name}": ResourceClaim not created yet` }
  if (status.resourceClaimName === undefined) return { type: 'none' }
  return { type: 'named', name: status.resourceClaimName, isGenerated: true }
}

/** Names of all claims the Pod uses as far as they are known, the one for its extended resources included. */
export function resourceClaimNamesOf(pod: FrozenPod): string[] {
  const names = (pod.spec.resourceClaims ?? []).flatMap((entry) => {
    const claim = resourceClaimNameOf(pod, entry)
    return claim.type === 'named' ? [claim.name] : []
  })
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName
  return extended === undefined ? names : [...names, extended]
}

/** Why a claim that should have been made for the Pod is not its own. */
export function claimOwnershipProblem(pod: FrozenPod, claim: FrozenResourceClaim): string | undefined {
  const owner = claim.metadata.ownerReferences?.find(({ controller }) => controller === true)
  if (claim.metadata.namespace === pod.metadata.namespace && owner?.uid === pod.metadata.uid) return undefined
  const nameOf = ({ metadata }: FrozenPod | FrozenResourceClaim): string => `${metadata.namespace}/${metadata.name}`
  return `ResourceClaim ${nameOf(claim)} was not created for pod ${nameOf(pod)} (pod is not owner)`
}

export function isReservedFor(pod: FrozenPod, { status }: FrozenResourceClaim): boolean {
  return (status?.reservedFor ?? []).some(({ uid }) => uid === pod.metadata.uid)
}
