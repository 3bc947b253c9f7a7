/** Tables of resource.k8s.io. Upstream: pkg/printers/internalversion/printers.go. */
import type { ResourceClaim, ResourceSlice } from '#machinery/api/resource/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, defineTable, NAME } from '../table.ts'

export const nameAndAgeTable = defineTable([NAME, AGE])

export const resourceClaimTable = defineTable([
  NAME,
  { name: 'State', value: (claim: DeepReadonly<ResourceClaim>) => claimState(claim) },
  AGE,
])

function claimState({ metadata, status }: DeepReadonly<ResourceClaim>): string {
  const states = metadata.deletionTimestamp === undefined ? [] : ['deleted']
  if (status?.allocation !== undefined) {
    states.push('allocated')
    if ((status.reservedFor ?? []).length > 0) states.push('reserved')
  } else if (states.length === 0) states.push('pending')
  return states.join(',')
}

type Slice = DeepReadonly<ResourceSlice>

export const resourceSliceTable = defineTable([
  NAME,
  { name: 'Node', value: ({ spec }: Slice) => spec.nodeName ?? '' },
  { name: 'Driver', value: ({ spec }: Slice) => spec.driver },
  { name: 'Pool', value: ({ spec }: Slice) => spec.pool.name },
  AGE,
])
