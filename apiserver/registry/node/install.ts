/** node.k8s.io/v1. Upstream: pkg/registry/node. */

import {
  runtimeClassWarnings,
  validateRuntimeClass,
  validateRuntimeClassUpdate,
} from '#apiserver/apis/node/validation.ts'
import type { RuntimeClass } from '#machinery/api/node/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { runtimeClassTable } from './tables.ts'

export const NODE_GROUP: ResourceGroup = {
  group: 'node.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'runtimeclasses',
      kind: 'RuntimeClass',
      namespaced: false,
      strategy: {
        allowCreateOnUpdate: true,
        allowUnconditionalUpdate: false,
        validate: (object) => validateRuntimeClass(object as DeepReadonly<RuntimeClass>),
        warnings: (object) => runtimeClassWarnings(object as DeepReadonly<RuntimeClass>),
        validateUpdate: (object, old) =>
          validateRuntimeClassUpdate(object as DeepReadonly<RuntimeClass>, old as DeepReadonly<RuntimeClass>),
      },
      table: runtimeClassTable,
    },
  ],
}
