/** autoscaling/v2 and v1, stored as v2. Upstream: pkg/registry/autoscaling. */

import { autoscalerV1ToV2, autoscalerV2ToV1 } from '#apiserver/apis/autoscaling/conversion.ts'
import {
  setHorizontalPodAutoscalerDefaults,
  setHorizontalPodAutoscalerV1Defaults,
} from '#apiserver/apis/autoscaling/defaults.ts'
import {
  validateHorizontalPodAutoscaler,
  validateHorizontalPodAutoscalerStatus,
  validateHorizontalPodAutoscalerUpdate,
} from '#apiserver/apis/autoscaling/validation.ts'
import type { HorizontalPodAutoscaler as AutoscalerV1 } from '#machinery/api/autoscaling/v1/types.gen.ts'
import type { HorizontalPodAutoscaler } from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { horizontalPodAutoscalerTable, horizontalPodAutoscalerV1Table } from './tables.ts'

type Frozen = DeepReadonly<HorizontalPodAutoscaler>

export const AUTOSCALING_GROUP: ResourceGroup = {
  group: 'autoscaling',
  version: 'v2',
  resources: [
    {
      resource: 'horizontalpodautoscalers',
      kind: 'HorizontalPodAutoscaler',
      namespaced: true,
      shortNames: ['hpa'],
      categories: ['all'],
      status: {
        validateUpdate: (object) => validateHorizontalPodAutoscalerStatus(object as Frozen),
      },
      emptyStatus: { desiredReplicas: 0 },
      strategy: ({ config }) => {
        const scalesToZero = config.isGateEnabled('HPAScaleToZero')
        return {
          validate: (object) => validateHorizontalPodAutoscaler(object as Frozen, scalesToZero),
          validateUpdate: (object, old) =>
            validateHorizontalPodAutoscalerUpdate(object as Frozen, old as Frozen, scalesToZero),
        }
      },
      versions: [
        { version: 'v2', defaults: setHorizontalPodAutoscalerDefaults, table: horizontalPodAutoscalerTable },
        {
          version: 'v1',
          defaults: setHorizontalPodAutoscalerV1Defaults,
          toStorage: (object) => autoscalerV1ToV2(object as AutoscalerV1),
          fromStorage: (object) => autoscalerV2ToV1(object as DeepReadonly<HorizontalPodAutoscaler>),
          table: horizontalPodAutoscalerV1Table,
        },
      ],
    },
  ],
}
