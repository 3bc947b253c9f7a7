/** Prefers nodes where earlier alternatives of a request can be had. Upstream: plugins/dynamicresources computeScore. */
import type { FrozenAllocation, FrozenClaim } from './allocator/interfaces.ts'

/** Upstream: resource.k8s.io FirstAvailableDeviceRequestMaxSize. */
const ALTERNATIVES_MAX = 8

export function subrequestScore(claim: FrozenClaim | undefined, allocation: FrozenAllocation | undefined): number {
  const taken = new Set((allocation?.devices?.results ?? []).map(({ request }) => request))
  let score = 0
  for (const { name, firstAvailable = [] } of claim?.spec?.devices?.requests ?? []) {
    for (const [i, subrequest] of firstAvailable.entries())
      if (taken.has(`${name}/${subrequest.name}`)) score += ALTERNATIVES_MAX - i
  }
  return score
}
