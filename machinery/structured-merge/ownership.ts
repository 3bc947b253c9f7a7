/**
 * How a change of the object moves ownership between its owners. Upstream: structured-merge-diff merge/update.go update.
 */
import type { Changes } from './compare.ts'
import { compareObjects } from './compare.ts'
import type { FieldSet } from './field-set.ts'
import { difference, intersection, isEmptySet, recursiveDifference, union } from './field-set.ts'
import type { FieldOwner, Versions, VersionType } from './managers.ts'
import { ownedBy } from './managers.ts'

export interface OwnerConflict {
  readonly owner: FieldOwner
  readonly fields: FieldSet
}

/**
 * An object before and after, compared once per version. `isSent`: it comes out of a merge with what a client sent; in other
 * versions than its own it has been through a conversion, and is as typed as any.
 */
export class VersionedChanges {
  readonly #versions: Versions
  readonly #apiVersion: string
  readonly #before: object
  readonly #after: object
  readonly #isSent: boolean
  readonly #known = new Map<string, Changes | undefined>()

  constructor(versions: Versions, apiVersion: string, before: object, after: object, isSent = false) {
    this.#versions = versions
    this.#apiVersion = apiVersion
    this.#before = before
    this.#after = after
    this.#isSent = isSent
  }

  /** Undefined: the version is gone. */
  in(apiVersion: string): Changes | undefined {
    if (this.#known.has(apiVersion)) return this.#known.get(apiVersion)
    const changes = this.#compare(apiVersion)
    this.#known.set(apiVersion, changes)
    return changes
  }

  #compare(apiVersion: string): Changes | undefined {
    const version = this.#versions.typeOf(apiVersion)
    if (version === undefined) return undefined
    const before = this.#versions.convert(this.#before, this.#apiVersion, apiVersion)
    const after = this.#versions.convert(this.#after, this.#apiVersion, apiVersion)
    return changesIn(version, before, after, this.#isSent && apiVersion === this.#apiVersion)
  }
}

export function changesIn(version: VersionType, before: object, after: object, isSent = false): Changes {
  const { skipped, hasMetadata } = version
  const changes = compareObjects(version.type, before, after, { skipped, hasMetadata, isSent })
  if (isEmptySet(version.reset)) return changes
  return { set: changeable(version, changes.set), removed: changeable(version, changes.removed) }
}

/** Without what the write cannot change. */
export const changeable = ({ reset }: VersionType, set: FieldSet): FieldSet => recursiveDifference(set, reset)

/** What others own of the fields that were set. */
export function conflictsOf(owners: readonly FieldOwner[], changes: VersionedChanges): OwnerConflict[] {
  return owners.flatMap((owner) => {
    const fields = intersection(owner.fieldsV1, changes.in(owner.apiVersion)?.set ?? {})
    return isEmptySet(fields) ? [] : [{ owner, fields }]
  })
}

/** The owners without what was set or removed; without those who own nothing any more or whose version is gone. */
export function withoutChanged(owners: readonly FieldOwner[], changes: VersionedChanges): FieldOwner[] {
  return owners.flatMap((owner) => {
    const inVersion = changes.in(owner.apiVersion)
    if (inVersion === undefined) return []
    const rest = difference(difference(owner.fieldsV1, inVersion.set), inVersion.removed)
    return isEmptySet(rest) ? [] : [ownedBy(owner, rest)]
  })
}

export function unionOf(sets: readonly FieldSet[]): FieldSet {
  return sets.reduce<FieldSet>((all, set) => union(all, set), {})
}
