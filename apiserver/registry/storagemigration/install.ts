/** storagemigration.k8s.io/v1beta1, beta and off in 1.36. Upstream: pkg/registry/storagemigration. */

import {
  validateStorageVersionMigration,
  validateStorageVersionMigrationStatusUpdate,
  validateStorageVersionMigrationUpdate,
} from '#apiserver/apis/storagemigration/validation.ts'
import type { StorageVersionMigration } from '#machinery/api/storagemigration/v1beta1/types.gen.ts'
import { groupResourceString } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { withStoredMetadata } from '../strategy.ts'
import { defineTable, NAME } from '../table.ts'

type Migration = DeepReadonly<StorageVersionMigration>

export const STORAGE_MIGRATION_GROUP: ResourceGroup = {
  group: 'storagemigration.k8s.io',
  version: 'v1beta1',
  resources: [
    {
      resource: 'storageversionmigrations',
      kind: 'StorageVersionMigration',
      namespaced: false,
      featureGate: 'StorageVersionMigrator',
      status: withStoredMetadata({
        validateUpdate: (object, old) =>
          validateStorageVersionMigrationStatusUpdate(object as Migration, old as Migration),
      }),
      strategy: {
        allowUnconditionalUpdate: false,
        validate: (object) => validateStorageVersionMigration(object as Migration),
        validateUpdate: (object, old) => validateStorageVersionMigrationUpdate(object as Migration, old as Migration),
      },
      table: defineTable([
        { ...NAME, format: '' },
        {
          name: 'Resource',
          value: ({ spec }: Migration) =>
            groupResourceString({ group: spec?.resource?.group ?? '', resource: spec?.resource?.resource ?? '' }),
        },
        { name: 'Status', value: (migration: Migration) => stage(migration) },
      ]),
    },
  ],
}

const STAGES = ['Running', 'Failed', 'Succeeded']

/** The last that is true. */
function stage({ status }: Migration): string {
  const reached = (status?.conditions ?? []).filter((c) => c.status === 'True' && STAGES.includes(c.type))
  return reached.at(-1)?.type ?? 'Unknown'
}
