/** Conditions of a StorageVersionMigration. Upstream: pkg/controller/storageversionmigrator/util.go setStatusConditions. */
import type { Condition } from '#machinery/api/meta/v1.ts'
import type {
  StorageVersionMigration,
  StorageVersionMigrationStatus,
} from '#machinery/api/storagemigration/v1beta1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type MigrationConditionType = 'Running' | 'Succeeded' | 'Failed'

const REASONS: Readonly<Record<MigrationConditionType, string>> = {
  Running: 'StorageVersionMigrationInProgress',
  Succeeded: 'StorageVersionMigrationSucceeded',
  Failed: 'StorageVersionMigrationFailed',
}

export function isOver(migration: DeepReadonly<StorageVersionMigration>): boolean {
  const conditions = migration.status?.conditions ?? []
  return conditions.some(({ type, status }) => (type === 'Succeeded' || type === 'Failed') && status === 'True')
}

/** The status with this condition True; a migration that is over runs no longer. */
export function withCondition(
  status: DeepReadonly<StorageVersionMigrationStatus> | undefined,
  type: MigrationConditionType,
  message: string,
  now: string,
): StorageVersionMigrationStatus {
  const conditions: Condition[] = (status?.conditions ?? []).map((condition) =>
    type !== 'Running' && condition.type === 'Running' && condition.status === 'True'
      ? { ...condition, status: 'False', lastTransitionTime: now }
      : { ...condition },
  )
  const wanted: Condition = { type, status: 'True', lastTransitionTime: now, reason: REASONS[type], message }
  const known = conditions.find((condition) => condition.type === type)
  if (known === undefined) conditions.push(wanted)
  else if (known.status !== 'True') Object.assign(known, wanted)
  return { ...status, conditions }
}
