/** coordination.k8s.io/v1. Upstream: pkg/registry/coordination. */

import { validateLease } from '#apiserver/apis/coordination/validation.ts'
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { leaseTable } from './tables.ts'

/** Coordinated leader election is off, as by default upstream: its two members are not stored. */
function dropCoordination(draft: KubeObject): void {
  const { spec } = draft as Lease
  if (spec === undefined) return
  delete spec.strategy
  delete spec.preferredHolder
}

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
        prepareForCreate: dropCoordination,
        prepareForUpdate: dropCoordination,
        validate: (object) => validateLease(object as DeepReadonly<Lease>),
        validateUpdate: (object) => validateLease(object as DeepReadonly<Lease>),
      },
      table: leaseTable,
    },
  ],
}
