/** The claims of a Pod as they stand, or why it has to wait for one. Upstream: plugins/dynamicresources foreachPodResourceClaim. */
import { claimOwnershipProblem, resourceClaimNameOf } from '#machinery/devices/pod-claims.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import type { FrozenPod } from '../../framework/interfaces.ts'
import type { FrozenClaim } from './allocator/interfaces.ts'

export function claimsOf(pod: FrozenPod, claimOf: (key: ObjectKey) => FrozenClaim | undefined): FrozenClaim[] | string {
  const { namespace = '' } = pod.metadata
  const claims: FrozenClaim[] = []
  for (const entry of pod.spec.resourceClaims ?? []) {
    const wanted = resourceClaimNameOf(pod, entry)
    if (wanted.type === 'none') continue
    if (wanted.type !== 'named') return wanted.message
    const claim = claimOf({ namespace, name: wanted.name })
    if (claim === undefined) return `could not find ResourceClaim "${namespace}/${wanted.name}"`
    if (claim.metadata.deletionTimestamp !== undefined) return `resourceclaim "${wanted.name}" is being deleted`
    const problem = wanted.isGenerated ? claimOwnershipProblem(pod, claim) : undefined
    if (problem !== undefined) return problem
    claims.push(claim)
  }
  return claims
}
