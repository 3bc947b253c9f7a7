/** Upstream: pkg/api/storage/util.go, pkg/registry/storage/csidriver/strategy.go. */
import type { CSIDriver, CSIStorageCapacity, StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { deprecatedNodeLabel, nodeSelectorWarnings } from '../core/node-labels.ts'

export function storageClassWarnings({ allowedTopologies }: DeepReadonly<StorageClass>): string[] {
  const warnings: string[] = []
  allowedTopologies?.forEach(({ matchLabelExpressions }, i) => {
    matchLabelExpressions?.forEach(({ key }, j) => {
      const detail = deprecatedNodeLabel(key)
      if (detail !== undefined) warnings.push(`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${detail}`)
    })
  })
  return warnings
}

export const csiStorageCapacityWarnings = ({ nodeTopology }: DeepReadonly<CSIStorageCapacity>): string[] =>
  nodeSelectorWarnings('nodeTopology', nodeTopology)

const TOKENS_IN_ATTRIBUTES =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes'

/** When the tokens a driver asks for are new or others. */
export function csiDriverWarnings(
  { spec }: DeepReadonly<CSIDriver>,
  old: DeepReadonly<CSIDriver> | undefined,
): string[] {
  const { tokenRequests = [], serviceAccountTokenInSecrets } = spec
  if (tokenRequests.length === 0 || serviceAccountTokenInSecrets !== undefined) return []
  return old !== undefined && deepEqual(old.spec.tokenRequests ?? [], tokenRequests) ? [] : [TOKENS_IN_ATTRIBUTES]
}
