/** Upstream: pkg/apis/discovery/v1/defaults.go. */
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'

export function setEndpointSliceDefaults(slice: EndpointSlice): void {
  for (const port of slice.ports ?? []) {
    port.name ??= ''
    port.protocol ??= 'TCP'
  }
}
