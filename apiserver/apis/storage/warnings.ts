/** Upstream: pkg/api/storage/util.go. */
import type { CSIStorageCapacity, StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { deprecatedNodeLabel, nodeSelectorWarnings } from '../core/node-labels.ts'

export function storageClassWarnings({ allowedTopologies }: DeepReadonly<StorageClass>): string[] {
  const warnings: string[] = []
  allowedTopologies?.forEach(({ matchLabelExpressions }, i) => {
    matchLabelExpressions?.forEach(({ key }, j) => {
      const detail = deprecatedNodeLabel(key)
      if (detail !== undefined) warnings.push(`allowedTopologies[${i}].matchLabelExpressions[${j}]: ${detail}`)
    })
  })
  return warnings
}

export const csiStorageCapacityWarnings = ({ nodeTopology }: DeepReadonly<CSIStorageCapacity>): string[] =>
  nodeSelectorWarnings('nodeTopology', nodeTopology)
