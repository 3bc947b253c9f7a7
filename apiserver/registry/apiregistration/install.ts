/** apiregistration.k8s.io/v1: APIServices are stored; proxying to them is the aggregator's. */
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { apiServiceTable } from './tables.ts'

export const API_REGISTRATION_GROUP: ResourceGroup = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'apiservices',
      kind: 'APIService',
      namespaced: false,
      categories: ['api-extensions'],
      status: true,
      // `v1.` is the legacy group's name.
      strategy: { validateName: (name) => isDns1123Subdomain(name.replace(/\.$/, '')) },
      table: apiServiceTable,
    },
  ],
}
