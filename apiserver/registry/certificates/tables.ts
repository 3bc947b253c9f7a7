/** `kubectl get csr`. */
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, defineTable, humanDuration, NAME, orNone } from '../table.ts'

type Request = DeepReadonly<CertificateSigningRequest>

export const certificateSigningRequestTable = defineTable([
  NAME,
  AGE,
  { name: 'SignerName', value: ({ spec }: Request) => orNone(spec.signerName) },
  { name: 'Requestor', value: ({ spec }: Request) => spec.username ?? '' },
  {
    name: 'RequestedDuration',
    value: ({ spec }: Request) =>
      spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000),
  },
  { name: 'Condition', value: (request: Request) => condition(request) },
])

function condition({ status }: Request): string {
  const types = new Set((status?.conditions ?? []).map(({ type }) => type))
  const shown = [types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending']
  if (types.has('Failed')) shown.push('Failed')
  if ((status?.certificate ?? '') !== '') shown.push('Issued')
  return shown.join(',')
}
