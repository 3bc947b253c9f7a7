/** discovery.k8s.io/v1. Upstream: pkg/registry/discovery. */

import { setEndpointSliceDefaults } from '#apiserver/apis/discovery/defaults.ts'
import { validateEndpointSlice, validateEndpointSliceUpdate } from '#apiserver/apis/discovery/validation.ts'
import { endpointSliceWarnings } from '#apiserver/apis/discovery/warnings.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { endpointSliceTable } from './tables.ts'

const HOSTNAME = 'kubernetes.io/hostname'

/** v1 has nodeName instead: a stored host name becomes one, the rest of the topology goes. Upstream: dropTopologyOnV1. */
function dropTopology(slice: EndpointSlice, old: DeepReadonly<EndpointSlice> | undefined): void {
  if (slice.endpoints?.every(({ deprecatedTopology }) => deprecatedTopology === undefined) ?? true) return
  if (old !== undefined && deepEqual(old.endpoints, slice.endpoints)) return
  const known = new Set(old?.endpoints?.map(({ deprecatedTopology }) => deprecatedTopology?.[HOSTNAME]))
  for (const endpoint of slice.endpoints ?? []) {
    const host = endpoint.deprecatedTopology?.[HOSTNAME]
    delete endpoint.deprecatedTopology
    if (host === undefined || !known.has(host) || isDns1123Subdomain(host).length > 0) continue
    endpoint.nodeName ??= host
  }
}

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
        prepareForCreate: (draft) => dropTopology(draft as EndpointSlice, undefined),
        prepareForUpdate: (draft, old) => dropTopology(draft as EndpointSlice, old as DeepReadonly<EndpointSlice>),
        warnings: (object, old) => endpointSliceWarnings(object as DeepReadonly<EndpointSlice>, old === undefined),
        validate: (object) => validateEndpointSlice(object as DeepReadonly<EndpointSlice>),
        validateUpdate: (object, old) =>
          validateEndpointSliceUpdate(object as DeepReadonly<EndpointSlice>, old as DeepReadonly<EndpointSlice>),
      },
      table: endpointSliceTable,
    },
  ],
}
