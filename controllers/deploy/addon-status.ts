/** What an Addon says about its file: condition Applied, inventory, last error. k3s has events only. */
import type { Addon, AddonError, AddonInventoryItem, AddonStatus } from '#machinery/api/k3s/v1/types.ts'
import type { Condition } from '#machinery/api/meta/v1.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AppliedObject } from './object-applier.ts'

export type AppliedReason = 'AppliedManifest' | 'ReadManifestFailed' | 'ParseManifestFailed' | 'ApplyManifestFailed'

export interface Outcome {
  readonly reason: AppliedReason
  readonly message: string
  readonly checksum: string
  /** Absent: the file could not be taken, what was applied before still stands. */
  readonly inventory?: readonly AddonInventoryItem[]
  readonly error?: AddonError
}

export function nextStatus(addon: DeepReadonly<Addon>, outcome: Outcome, now: Date): AddonStatus {
  const isApplied = outcome.reason === 'AppliedManifest'
  const before = deepCopy<AddonStatus>(addon.status ?? {})
  const status: AddonStatus = { ...before, observedChecksum: outcome.checksum }
  if (outcome.inventory !== undefined) status.inventory = [...outcome.inventory]
  if (isApplied) status.lastAppliedTime = formatTime(now)
  if (outcome.error === undefined) delete status.lastError
  else status.lastError = { ...outcome.error }
  const others = before.conditions?.filter(({ type }) => type !== 'Applied') ?? []
  status.conditions = [appliedCondition(before.conditions, outcome, now), ...others]
  return status
}

function appliedCondition(before: readonly Condition[] | undefined, outcome: Outcome, now: Date): Condition {
  const status = outcome.reason === 'AppliedManifest' ? 'True' : 'False'
  const previous = before?.find(({ type }) => type === 'Applied')
  const lastTransitionTime = previous?.status === status ? previous.lastTransitionTime : formatTime(now)
  return { type: 'Applied', status, reason: outcome.reason, message: outcome.message, lastTransitionTime }
}

export function inventoryOf(applied: readonly AppliedObject[]): AddonInventoryItem[] {
  return applied.map(({ resource, key, uid }) => ({
    group: resource.group,
    version: resource.version,
    kind: resource.kind,
    ...(key.namespace !== undefined && { namespace: key.namespace }),
    name: key.name,
    uid,
  }))
}
