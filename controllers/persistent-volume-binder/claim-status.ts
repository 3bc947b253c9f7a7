/**
 * What a claim's status says of its volume. Pure.
 * Upstream: pkg/controller/volume/persistentvolume/pv_controller.go updateClaimStatus.
 */
import type { PersistentVolume, PersistentVolumeClaimStatus } from '#machinery/api/core/v1/types.gen.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'

export type ClaimPhase = 'Pending' | 'Bound' | 'Lost'

/** On a volume that has grown while its file system has not: the size the file system has. */
const PRE_RESIZE_CAPACITY = 'volume.alpha.kubernetes.io/pre-resize-capacity'

/** Without a volume the claim has neither capacity nor access modes nor an attributes class. */
export function claimStatus(
  claim: FrozenClaim,
  phase: ClaimPhase,
  volume: FrozenVolume | undefined,
): DeepReadonly<PersistentVolumeClaimStatus> {
  const status = { ...deepCopy<PersistentVolumeClaimStatus>(claim.status ?? {}), phase }
  if (volume === undefined) {
    delete status.accessModes
    delete status.capacity
    delete status.currentVolumeAttributesClassName
    return status
  }
  const { accessModes, volumeAttributesClassName } = deepCopy<PersistentVolume['spec']>(volume.spec)
  if (accessModes !== undefined) status.accessModes = accessModes
  // A bound claim's capacity may differ from its volume's: the file system is resized later.
  const before = claim.status?.phase
  if (before === phase) return status
  const capacity = capacityWhenBound(volume, status.capacity)
  if (capacity !== undefined) status.capacity = capacity
  if (before !== undefined && before !== 'Pending') return status
  // From here on it is the resizer's.
  delete status.currentVolumeAttributesClassName
  if (volumeAttributesClassName !== undefined) status.currentVolumeAttributesClassName = volumeAttributesClassName
  return status
}

/** Written anew only when the size differs. */
function capacityWhenBound(
  { metadata, spec }: FrozenVolume,
  before: Record<string, string> | undefined,
): Record<string, string> | undefined {
  const text = metadata.annotations?.[PRE_RESIZE_CAPACITY]
  const size = tryParseQuantity(spec.capacity?.['storage'] ?? '')
  if (text !== undefined) {
    const storage = tryParseQuantity(text)?.toString() ?? spec.capacity?.['storage']
    return storage === undefined ? before : { ...before, storage }
  }
  const known = tryParseQuantity(before?.['storage'] ?? '')
  const isSame = known !== undefined && size?.compare(known) === 0
  return isSame || spec.capacity === undefined ? before : { ...spec.capacity }
}
