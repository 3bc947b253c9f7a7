/** resource.k8s.io/v1 (dynamic resource allocation). Upstream: pkg/registry/resource. */
import type { ResourceGroup } from '../resource-row.ts'

export const RESOURCE_GROUP: ResourceGroup = {
  group: 'resource.k8s.io',
  version: 'v1',
  resources: [
    { resource: 'deviceclasses', kind: 'DeviceClass', namespaced: false, generation: true },
    { resource: 'resourceclaims', kind: 'ResourceClaim', namespaced: true, status: true },
    { resource: 'resourceclaimtemplates', kind: 'ResourceClaimTemplate', namespaced: true },
    { resource: 'resourceslices', kind: 'ResourceSlice', namespaced: false, generation: true },
  ],
}
