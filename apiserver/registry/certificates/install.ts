/** certificates.k8s.io/v1. Upstream: pkg/registry/certificates. */
import type { ResourceGroup } from '../resource-row.ts'
import { approvalSubresource, certificateSigningRequestStrategy, requestStatusStrategy } from './strategy.ts'
import { certificateSigningRequestTable } from './tables.ts'

export const CERTIFICATES_GROUP: ResourceGroup = {
  group: 'certificates.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'certificatesigningrequests',
      kind: 'CertificateSigningRequest',
      namespaced: false,
      shortNames: ['csr'],
      strategy: certificateSigningRequestStrategy,
      status: requestStatusStrategy,
      subresources: () => [approvalSubresource],
      selectableFields: { 'spec.signerName': ({ spec }) => spec?.signerName ?? '' },
      table: certificateSigningRequestTable,
    },
  ],
}
