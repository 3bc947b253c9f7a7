/** discovery.k8s.io/v1. Upstream: pkg/registry/discovery. */

import { setEndpointSliceDefaults } from '#apiserver/apis/discovery/defaults.ts'
import { validateEndpointSlice, validateEndpointSliceUpdate } from '#apiserver/apis/discovery/validation.ts'
import { endpointSliceWarnings } from '#apiserver/apis/discovery/warnings.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { endpointSliceTable } from './tables.ts'

export const DISCOVERY_GROUP: ResourceGroup = {
  group: 'discovery.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'endpointslices',
      kind: 'EndpointSlice',
      namespaced: true,
      generation: 'labels',
      defaults: setEndpointSliceDefaults,
      strategy: {
        warnings: (object, old) => endpointSliceWarnings(object as DeepReadonly<EndpointSlice>, old === undefined),
        validate: (object) => validateEndpointSlice(object as DeepReadonly<EndpointSlice>),
        validateUpdate: (object, old) =>
          validateEndpointSliceUpdate(object as DeepReadonly<EndpointSlice>, old as DeepReadonly<EndpointSlice>),
      },
      table: endpointSliceTable,
    },
  ],
}
