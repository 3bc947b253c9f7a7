/**
 * Who owns what after a write, from who owned what before it. Upstream: apimachinery pkg/util/managedfields/internal:
 * structuredmerge, stripmeta, managedfieldsupdater, buildmanagerinfo and capmanagers, in that nesting.
 */
import type { ApplyOutcome } from '#machinery/structured-merge/apply.ts'
import { applyConfig } from '#machinery/structured-merge/apply.ts'
import type { FieldSet } from '#machinery/structured-merge/field-set.ts'
import { difference, EMPTY_SET, isEmptySet, setOfPaths, union } from '#machinery/structured-merge/field-set.ts'
import type { FieldOwner, Versions } from '#machinery/structured-merge/managers.ts'
import { isSameOwner, ownedBy } from '#machinery/structured-merge/managers.ts'
import { type VersionedChanges, withoutChanged } from '#machinery/structured-merge/ownership.ts'
import { fieldElement } from '#machinery/structured-merge/path-element.ts'
import { reconcileSet } from '#machinery/structured-merge/reconcile.ts'
import { cappedOwners, newOwner, sortedOwners } from './owners.ts'

/** Who writes, and when. */
export interface Writer {
  readonly manager: string
  /** The version it speaks. */
  readonly apiVersion: string
  readonly subresource: string
  /** RFC 3339. */
  readonly time: string
}

/** What nobody ever owns. */
const STRIPPED = setOfPaths(
  [
    ['apiVersion'],
    ['kind'],
    ['metadata'],
    ...[
      'name',
      'namespace',
      'creationTimestamp',
      'selfLink',
      'uid',
      'clusterName',
      'generation',
      'managedFields',
      'resourceVersion',
    ].map((name) => ['metadata', name]),
  ].map((path) => path.map(fieldElement)),
)

const UNKNOWN_MANAGER = 'unknown'

function ownerOf(
  writer: Writer,
  operation: 'Apply' | 'Update',
  time: string | undefined,
  fields: FieldSet,
): FieldOwner {
  const { apiVersion, subresource } = writer
  const manager = writer.manager === '' ? UNKNOWN_MANAGER : writer.manager
  return newOwner({ manager, operation, apiVersion, time, subresource }, fields)
}

export function ownersOfNew(writer: Writer, fields: FieldSet): readonly FieldOwner[] {
  return isEmptySet(fields) ? [] : sortedOwners([ownerOf(writer, 'Update', writer.time, fields)])
}

/** The same list when the write changed nothing. */
export function ownersAfterUpdate(
  owners: readonly FieldOwner[],
  changes: VersionedChanges,
  writer: Writer,
): readonly FieldOwner[] {
  const own = changes.in(writer.apiVersion)
  if (own === undefined || (isEmptySet(own.set) && isEmptySet(own.removed))) return owners
  const self = ownerOf(writer, 'Update', writer.time, own.set)
  const previous = owners.find((owner) => isSameOwner(owner, self))
  const others = withoutChanged(previous === undefined ? owners : owners.filter((owner) => owner !== previous), changes)
  if (isEmptySet(own.set)) {
    // Nothing to own, so it is not a write of its own either: the time stays.
    return sortedOwners([...others, ...(previous === undefined ? [] : withoutChanged([previous], changes))])
  }
  // The more common case by far is that it changed what it owns already: its set stays the same.
  const fields = previous === undefined ? own.set : union(difference(previous.fieldsV1, own.removed), own.set)
  return sortedOwners(cappedOwners([...others, ownedBy(self, fields)]))
}

export interface ApplyRequest {
  readonly versions: Versions
  readonly live: object
  readonly config: object
  readonly owners: readonly FieldOwner[]
  readonly writer: Writer
  readonly force: boolean
}

export type AppliedOutcome =
  | Extract<ApplyOutcome, { readonly conflicts: readonly unknown[] }>
  | { readonly conflicts: undefined; readonly object: object | undefined; readonly owners: readonly FieldOwner[] }

export function ownersAfterApply(request: ApplyRequest): AppliedOutcome {
  const { versions, writer } = request
  const owners = reconciledOwners(request.owners, versions)
  const applier = ownerOf(writer, 'Apply', undefined, EMPTY_SET)
  const outcome = applyConfig({ ...request, apiVersion: writer.apiVersion, owners, applier })
  if (outcome.conflicts !== undefined) return outcome
  const previous = owners.find((owner) => isSameOwner(owner, applier))
  const own = difference(outcome.applier?.fieldsV1 ?? EMPTY_SET, STRIPPED)
  const time = outcome.object === undefined ? previous?.time : writer.time
  const self = isEmptySet(own) ? [] : [ownerOf(writer, 'Apply', time, own)]
  return { conflicts: undefined, object: outcome.object, owners: sortedOwners([...outcome.owners, ...self]) }
}

/** Types that have become atomic since; versions that are gone take their owners along. */
export function reconciledOwners(owners: readonly FieldOwner[], versions: Versions): readonly FieldOwner[] {
  return owners.flatMap((owner) => {
    const version = versions.typeOf(owner.apiVersion)
    return version === undefined ? [] : [ownedBy(owner, reconcileSet(owner.fieldsV1, version.type))]
  })
}
