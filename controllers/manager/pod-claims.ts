/** Which Pods use a claim: an index over Pods for the volume controllers. Upstream: pkg/controller/volume/common. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { claimNameOf } from '#machinery/volume/binding.ts'
import type { ObjectKey } from '#sdk'

/** By `namespace/claim`; generic ephemeral volumes are filed under the claim they stand for. */
export const POD_CLAIM_INDEX = 'claim'

export function podClaimIndexOf(pod: DeepReadonly<Pod>): readonly string[] {
  return claimKeysOf(pod).map(({ namespace, name }) => `${namespace ?? ''}/${name}`)
}

export function claimKeysOf(pod: DeepReadonly<Pod>): readonly ObjectKey[] {
  const names = (pod.spec.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? [])
  return names.map((name) => ({ namespace: pod.metadata.namespace ?? '', name }))
}
