/** `kubectl get endpointslices`. */
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, defineTable, NAME } from '../table.ts'

type Slice = DeepReadonly<EndpointSlice>

const SHOWN = 3

export const endpointSliceTable = defineTable([
  NAME,
  { name: 'AddressType', value: ({ addressType }: Slice) => addressType },
  {
    name: 'Ports',
    value: ({ ports }: Slice) =>
      firstOf(
        (ports ?? []).map(({ port, name }) => String(port ?? name ?? '*')),
        '<unset>',
      ),
  },
  {
    name: 'Endpoints',
    value: ({ endpoints }: Slice) =>
      firstOf(
        (endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
        '<unset>',
      ),
  },
  AGE,
])

function firstOf(texts: readonly string[], none: string): string {
  if (texts.length === 0) return none
  const shown = texts.slice(0, SHOWN).join(',')
  return texts.length > SHOWN ? `${shown} + ${texts.length - SHOWN} more...` : shown
}
