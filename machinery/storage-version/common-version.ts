/**
 * What the servers that are recorded in a StorageVersion agree on. Both who records and who removes records keep it right.
 * Upstream: apiserver pkg/storageversion/updater.go SetCommonEncodingVersion.
 */
import type {
  ServerStorageVersion,
  StorageVersion,
  StorageVersionCondition,
  StorageVersionStatus,
} from '#machinery/api/apiserverinternal/v1alpha1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** The status with these servers; the condition's time changes when what they agree on does. */
export function statusWithServers(
  { metadata, status: old }: DeepReadonly<StorageVersion>,
  storageVersions: ServerStorageVersion[],
  now: string,
): StorageVersionStatus {
  const versions = new Set(storageVersions.map(({ encodingVersion }) => encodingVersion))
  const [common] = versions.size === 1 ? versions : []
  const isEqual = common !== undefined
  const condition: StorageVersionCondition = {
    type: 'AllEncodingVersionsEqual',
    status: isEqual ? 'True' : 'False',
    observedGeneration: metadata.generation ?? 0,
    lastTransitionTime: now,
    reason: isEqual ? 'CommonEncodingVersionSet' : 'CommonEncodingVersionUnset',
    message: isEqual ? 'Common encoding version set' : 'Common encoding version unset',
  }
  const known = old?.conditions?.find(({ type }) => type === condition.type)
  const isSame = known?.status === condition.status && old?.commonEncodingVersion === common
  if (isSame && known.lastTransitionTime !== undefined) condition.lastTransitionTime = known.lastTransitionTime
  if (condition.observedGeneration === 0) delete condition.observedGeneration
  const others = (old?.conditions ?? []).filter(({ type }) => type !== condition.type)
  return {
    storageVersions,
    ...(common === undefined ? {} : { commonEncodingVersion: common }),
    conditions: [...others, condition],
  }
}
