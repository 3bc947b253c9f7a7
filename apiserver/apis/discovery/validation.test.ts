import { describe } from 'vitest'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { changed, validationTable } from '#test/support/validation-table.ts'
import { validateEndpointSlice, validateEndpointSliceUpdate } from './validation.ts'

const base: EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'a' },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.1.2.3'] }],
  ports: [{ name: 'web', protocol: 'TCP', port: 80 }],
}
const nine = Array.from({ length: 9 }, (_, i) => ({ name: `z${i}` }))

describe('endpoint slices', () => {
  validationTable(base, (slice) => validateEndpointSlice(slice), [
    [
      'an address of the other family',
      { 'endpoints.0.addresses': ['fd00::1'] },
      ['endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address'],
    ],
    [
      'hints for too many zones, whatever those for nodes are',
      { 'endpoints.0.hints': { forZones: nine, forNodes: [{ name: '_' }] } },
      ['endpoints[0].hints.forZones: Too many: 9: must have at most 8 items'],
    ],
  ])
  describe('of IPv6', () => {
    const slice = changed(base, { addressType: 'IPv6', 'endpoints.0.addresses': ['fd00::1'] })
    validationTable(slice, (one) => validateEndpointSlice(one), [
      [
        'addresses in another form',
        { 'endpoints.0.addresses': ['FD00::1'] },
        ['endpoints[0].addresses[0]: Invalid value: "FD00::1": must be in canonical form ("fd00::1")'],
      ],
    ])
  })
  describe('updated', () => {
    validationTable(base, (one) => validateEndpointSliceUpdate(one, base), [
      [
        'another address type',
        { addressType: 'FQDN', endpoints: [] },
        ['addressType: Invalid value: "FQDN": field is immutable'],
      ],
    ])
  })
})
