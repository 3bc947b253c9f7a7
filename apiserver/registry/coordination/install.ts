/** coordination.k8s.io/v1. Upstream: pkg/registry/coordination. */

import { validateLease } from '#apiserver/apis/coordination/validation.ts'
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { leaseTable } from './tables.ts'

/** Coordinated leader election has a gate (off): without it the two members are not taken anew. */
function dropCoordination(draft: KubeObject, old?: DeepReadonly<KubeObject>): void {
  const { spec } = draft as Lease
  const before = (old as DeepReadonly<Lease> | undefined)?.spec
  if (before?.strategy === undefined) delete spec?.strategy
  if (before?.preferredHolder === undefined) delete spec?.preferredHolder
}

export const COORDINATION_GROUP: ResourceGroup = {
  group: 'coordination.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'leases',
      kind: 'Lease',
      namespaced: true,
      strategy: ({ config }) => ({
        allowCreateOnUpdate: true,
        allowUnconditionalUpdate: false,
        prepareForCreate(draft) {
          if (!config.isGateEnabled('CoordinatedLeaderElection')) dropCoordination(draft)
        },
        prepareForUpdate(draft, old) {
          if (!config.isGateEnabled('CoordinatedLeaderElection')) dropCoordination(draft, old)
        },
        validate: (object) => validateLease(object as DeepReadonly<Lease>),
        validateUpdate: (object) => validateLease(object as DeepReadonly<Lease>),
      }),
      table: leaseTable,
    },
  ],
}
