/** Upstream: pkg/registry/discovery/endpointslice/strategy.go. */
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { ipWarnings } from '../ip-validation.ts'

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
/** What they write is canonical: not looked at again. */
const CAREFUL = new Set(['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'])

export function endpointSliceWarnings(slice: DeepReadonly<EndpointSlice>, isNew: boolean): string[] {
  const { metadata, addressType, endpoints } = slice
  const warnings = isNew && addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : []
  if (CAREFUL.has(metadata.labels?.[MANAGED_BY] ?? '')) return warnings
  endpoints?.forEach(({ addresses }, i) => {
    addresses?.forEach((address, j) => {
      const found = ipWarnings(`endpoints[${i}].addresses[${j}]`, address)
      if (found.length > 0) warnings.push(...found)
    })
  })
  return warnings
}
