/** coordination.k8s.io/v1. Upstream: pkg/registry/coordination. */
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateLease } from '#apiserver/apis/coordination/validation.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { leaseTable } from './tables.ts'

export const COORDINATION_GROUP: ResourceGroup = {
  group: 'coordination.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'leases',
      kind: 'Lease',
      namespaced: true,
      strategy: {
        allowCreateOnUpdate: true,
        allowUnconditionalUpdate: false,
        validate: (object) => validateLease(object as DeepReadonly<Lease>),
        validateUpdate: (object) => validateLease(object as DeepReadonly<Lease>),
      },
      table: leaseTable,
    },
  ],
}
