/**
 * Do two volumes written into Pods name the same disk in a way that only one of them may? Upstream:
 * plugins/volumerestrictions/volume_restrictions.go isVolumeConflict.
 */
import type { Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenVolume = DeepReadonly<Volume>

export const namesDisk = ({ gcePersistentDisk, awsElasticBlockStore, rbd, iscsi }: FrozenVolume): boolean =>
  (gcePersistentDisk ?? awsElasticBlockStore ?? rbd ?? iscsi) !== undefined

export function isDiskConflict(a: FrozenVolume, b: FrozenVolume): boolean {
  return isGceConflict(a, b) || isAwsConflict(a, b) || isIscsiConflict(a, b) || isRbdConflict(a, b)
}

/** Many may read. */
const bothReadOnly = (a: { readonly readOnly?: boolean }, b: { readonly readOnly?: boolean }): boolean =>
  a.readOnly === true && b.readOnly === true

function isGceConflict({ gcePersistentDisk: a }: FrozenVolume, { gcePersistentDisk: b }: FrozenVolume): boolean {
  return a !== undefined && b !== undefined && a.pdName === b.pdName && !bothReadOnly(a, b)
}

/** Not even for reading. */
function isAwsConflict({ awsElasticBlockStore: a }: FrozenVolume, { awsElasticBlockStore: b }: FrozenVolume): boolean {
  return a !== undefined && b !== undefined && a.volumeID === b.volumeID
}

function isIscsiConflict({ iscsi: a }: FrozenVolume, { iscsi: b }: FrozenVolume): boolean {
  return a !== undefined && b !== undefined && a.iqn === b.iqn && !bothReadOnly(a, b)
}

/** One monitor in common is enough to know the same cluster. */
function isRbdConflict({ rbd: a }: FrozenVolume, { rbd: b }: FrozenVolume): boolean {
  if (a === undefined || b === undefined || bothReadOnly(a, b)) return false
  return a.monitors.some((monitor) => b.monitors.includes(monitor)) && a.pool === b.pool && a.image === b.image
}
