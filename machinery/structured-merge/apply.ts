/**
 * Apply: a configuration merged into the live object, what its owner applied before and no longer does taken away, conflicts
 * with other owners found. Upstream: structured-merge-diff merge/update.go Apply, prune.
 */

import { assert } from '#machinery/util/assert.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { FieldSet } from './field-set.ts'
import { difference, intersection, isEmptySet, recursiveDifference, setOfPath, union } from './field-set.ts'
import { fieldSetOf, withNamedFields } from './field-set-of.ts'
import type { FieldOwner, Versions, VersionType } from './managers.ts'
import { isSameOwner, ownedBy } from './managers.ts'
import { mergeValues } from './merge.ts'
import type { OwnerConflict } from './ownership.ts'
import { changeable, conflictsOf, unionOf, VersionedChanges, withoutChanged } from './ownership.ts'
import { fieldElement } from './path-element.ts'
import { removeItems } from './remove.ts'

export interface ApplyInput {
  readonly versions: Versions
  /** Of both objects. */
  readonly apiVersion: string
  readonly live: object
  readonly config: object
  readonly owners: readonly FieldOwner[]
  /** Who applies; its fields are made here. */
  readonly applier: FieldOwner
  readonly force: boolean
}

export type ApplyOutcome =
  | { readonly conflicts: readonly OwnerConflict[] }
  | {
      readonly conflicts: undefined
      /** Undefined: the live object is what the configuration wants. Shares values with live object and configuration. */
      readonly object: object | undefined
      readonly owners: readonly FieldOwner[]
      /** What of it the applier owns; undefined: nothing. */
      readonly applier: FieldOwner | undefined
    }

export function applyConfig(input: ApplyInput): ApplyOutcome {
  const { versions, apiVersion, live, config } = input
  const version = versions.typeOf(apiVersion)
  assert(version !== undefined, 'a configuration is applied in a version that is served')
  const last = input.owners.find((owner) => isSameOwner(owner, input.applier))
  const others = input.owners.filter((owner) => owner !== last)
  const applier = ownedBy(input.applier, configSet(version, config))
  const merged = mergeValues(version.type, live, config) as object
  const object = new Pruning(input, [...others, applier]).prune(merged, last)
  const changes = new VersionedChanges(versions, apiVersion, live, object, true)
  if (!input.force) {
    const conflicts = conflictsOf(others, changes)
    if (conflicts.length > 0) return { conflicts }
  }
  return {
    conflicts: undefined,
    object: deepEqual(live, object) ? undefined : object,
    owners: withoutChanged(others, changes),
    applier: isEmptySet(applier.fieldsV1) ? undefined : applier,
  }
}

function configSet(version: VersionType, config: object): FieldSet {
  const names = [...version.skipped, ...(version.hasMetadata ? [] : ['metadata'])]
  const skipped = names.map((name) => setOfPath([fieldElement(name)]))
  return changeable(version, recursiveDifference(fieldSetOf(version.type, config), unionOf(skipped)))
}

/** Takes away what the applier applied last time, not this time, and nobody else owns. */
class Pruning {
  readonly #input: ApplyInput
  /** The applier last, with what it applies now. */
  readonly #owners: readonly FieldOwner[]

  constructor(input: ApplyInput, owners: readonly FieldOwner[]) {
    this.#input = input
    this.#owners = owners
  }

  prune(merged: object, last: FieldOwner | undefined): object {
    const { versions, apiVersion } = this.#input
    if (last === undefined || isEmptySet(last.fieldsV1)) return merged
    const version = versions.typeOf(last.apiVersion)
    if (version === undefined || this.#isStillApplied(last)) return merged
    const { type } = version
    const whole = versions.convert(merged, apiVersion, last.apiVersion)
    const mine = withNamedFields(last.fieldsV1, type)
    let pruned = objectOr(removeItems(type, whole, mine))
    pruned = this.#withOwned(merged, pruned, last.apiVersion)
    // Only what the applier owned goes: items nobody owns, or updaters own, come back.
    const wholeSet = withNamedFields(fieldSetOf(type, whole), type)
    const prunedSet = withNamedFields(fieldSetOf(type, pruned), type)
    pruned = objectOr(removeItems(type, whole, intersection(difference(wholeSet, prunedSet), mine)))
    return versions.convert(pruned, last.apiVersion, apiVersion)
  }

  /** Most applies repeat all they applied before: then nothing goes. */
  #isStillApplied(last: FieldOwner): boolean {
    const applier = this.#owners.at(-1)
    if (applier?.apiVersion !== last.apiVersion) return false
    return isEmptySet(difference(last.fieldsV1, applier.fieldsV1))
  }

  /** Puts back, version by version, what somebody owns: the applier's new configuration included. */
  #withOwned(merged: object, pruned: object, prunedVersion: string): object {
    const { versions, apiVersion } = this.#input
    const all = new Set([prunedVersion, ...this.#owners.map((owner) => owner.apiVersion)])
    let current = pruned
    let currentVersion = prunedVersion
    for (const ownersVersion of all) {
      const type = versions.typeOf(ownersVersion)?.type
      if (type === undefined) continue
      const owned = unionOf(this.#owners.filter((o) => o.apiVersion === ownersVersion).map((o) => o.fieldsV1))
      const whole = versions.convert(merged, apiVersion, ownersVersion)
      current = versions.convert(current, currentVersion, ownersVersion)
      currentVersion = ownersVersion
      const kept = union(withNamedFields(fieldSetOf(type, current), type), withNamedFields(owned, type))
      const gone = difference(withNamedFields(fieldSetOf(type, whole), type), kept)
      current = objectOr(removeItems(type, whole, gone))
    }
    return versions.convert(current, currentVersion, prunedVersion)
  }
}

const objectOr = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {})
