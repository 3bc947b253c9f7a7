/** scheduling.k8s.io/v1. Upstream: pkg/registry/scheduling. */

import { setPriorityClassDefaults } from '#apiserver/apis/scheduling/defaults.ts'
import { validatePriorityClass, validatePriorityClassUpdate } from '#apiserver/apis/scheduling/validation.ts'
import type { PriorityClass } from '#machinery/api/scheduling/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { priorityClassTable } from './tables.ts'

export const SCHEDULING_GROUP: ResourceGroup = {
  group: 'scheduling.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'priorityclasses',
      kind: 'PriorityClass',
      namespaced: false,
      shortNames: ['pc'],
      defaults: setPriorityClassDefaults,
      strategy: {
        // What may change of one is no desired state: it stays the first generation.
        prepareForCreate(draft) {
          draft.metadata.generation = 1
        },
        validate: (object) => validatePriorityClass(object as DeepReadonly<PriorityClass>),
        validateUpdate: (object, old) =>
          validatePriorityClassUpdate(object as DeepReadonly<PriorityClass>, old as DeepReadonly<PriorityClass>),
      },
      table: priorityClassTable,
    },
  ],
}
