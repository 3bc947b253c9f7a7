/**
 * metadata.managedFields as a list of owners: read from objects and clients, ordered, kept short.
 * Upstream: apimachinery pkg/util/managedfields/internal/{managedfields,fieldmanager,capmanagers}.go.
 */
import type { ManagedFieldsEntry } from '#machinery/api/meta/v1.ts'
import type { FieldSet } from '#machinery/structured-merge/field-set.ts'
import { union } from '#machinery/structured-merge/field-set.ts'
import type { FieldOwner } from '#machinery/structured-merge/managers.ts'
import { ownedBy } from '#machinery/structured-merge/managers.ts'
import { parseFieldsV1, sortedSet } from '#machinery/structured-merge/path-element.ts'
import { deepEqual, isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Entries = DeepReadonly<ManagedFieldsEntry[]> | undefined

const UPDATERS_MAX = 10
const OLD_UPDATES = 'ancient-changes'
const NOBODY: readonly FieldOwner[] = []

/** What was stored is in our own form; what cannot be read counts as nothing, as upstream has it. */
export function storedOwners(entries: Entries): readonly FieldOwner[] {
  if (entries === undefined || entries.length === 0) return NOBODY
  if (entries.every(isOwner)) return entries as unknown as readonly FieldOwner[]
  return tryParseOwners(entries) ?? NOBODY
}

function isOwner(entry: DeepReadonly<ManagedFieldsEntry>): boolean {
  return entry.apiVersion !== undefined && entry.fieldsType === 'FieldsV1' && isObject(entry.fieldsV1)
}

/** Whose fields a write starts from: a client may replace the list, but not lose or spoil it by accident. */
export function ownersBefore(live: Entries, sent: Entries): readonly FieldOwner[] {
  if (sent === undefined || sent === live) return storedOwners(live)
  if (isReset(sent)) return NOBODY
  if (live !== undefined && deepEqual(sent, live)) return storedOwners(live)
  const parsed = tryParseOwners(sent)
  return parsed === undefined || parsed.length === 0 ? storedOwners(live) : parsed
}

/** `[]` or `[{}]`: stop tracking. */
function isReset(sent: NonNullable<Entries>): boolean {
  const [first] = sent
  return first === undefined || (sent.length === 1 && Object.keys(first).length === 0)
}

function tryParseOwners(entries: NonNullable<Entries>): readonly FieldOwner[] | undefined {
  try {
    return parseOwners(entries)
  } catch {
    return undefined
  }
}

/** Throws an Error saying what is wrong, in upstream's words. */
export function parseOwners(entries: NonNullable<Entries>): readonly FieldOwner[] {
  const owners = new Map<string, FieldOwner>()
  for (const [i, entry] of entries.entries()) {
    const owner = parseOwner(entry, i)
    owners.set(identityOf(owner), owner)
  }
  return [...owners.values()]
}

/** Equal where isSameOwner says so. */
function identityOf({ manager, operation, apiVersion, subresource }: FieldOwner): string {
  return JSON.stringify([manager ?? '', operation, operation === 'Apply' ? '' : apiVersion, subresource ?? ''])
}

function parseOwner(entry: DeepReadonly<ManagedFieldsEntry>, index: number): FieldOwner {
  const { operation, apiVersion = '', fieldsType = '', fieldsV1 } = entry
  if (operation !== 'Apply' && operation !== 'Update') throw new Error('operation must be `Apply` or `Update`')
  if (apiVersion === '') throw new Error('apiVersion must not be empty')
  if (fieldsType === '') throw new Error(`missing fieldsType in managed fields entry ${index}`)
  if (fieldsType !== 'FieldsV1') {
    throw new Error(`invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${index}`)
  }
  const { manager, time, subresource } = entry
  const fields = parseFieldsV1(fieldsV1 ?? {})
  return newOwner({ manager, operation, apiVersion, time, subresource }, fields)
}

interface OwnerInfo {
  readonly manager: string | undefined
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly time: string | undefined
  readonly subresource: string | undefined
}

/** Members in the order upstream prints them, those without a value left out. */
export function newOwner(info: OwnerInfo, fieldsV1: FieldSet): FieldOwner {
  const { manager, operation, apiVersion, time, subresource } = info
  if (subresource === undefined || subresource === '') {
    if (manager === undefined) return { operation, apiVersion, ...timeOf(time), fieldsType, fieldsV1 }
    if (time === undefined) return { manager, operation, apiVersion, fieldsType, fieldsV1 }
    return { manager, operation, apiVersion, time, fieldsType, fieldsV1 }
  }
  const named = manager === undefined ? {} : { manager }
  return { ...named, operation, apiVersion, ...timeOf(time), fieldsType, fieldsV1, subresource }
}

const fieldsType = 'FieldsV1'
const timeOf = (time: string | undefined): { time?: string } => (time === undefined ? {} : { time })

/** As upstream stores them: the owners, and the fields of each. */
export function sortedOwners(owners: readonly FieldOwner[]): FieldOwner[] {
  return owners
    .map((owner) => ownedBy(owner, sortedSet(owner.fieldsV1)))
    .sort(
      (a, b) =>
        compare(a.operation, b.operation) ||
        compare(a.time, b.time) ||
        compare(a.manager, b.manager) ||
        compare(a.apiVersion, b.apiVersion) ||
        compare(a.subresource, b.subresource),
    )
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** At most so many updaters: the oldest become one entry per version. */
export function cappedOwners(owners: readonly FieldOwner[]): readonly FieldOwner[] {
  const updaters = owners.filter((owner) => owner.operation === 'Update')
  if (updaters.length <= UPDATERS_MAX) return owners
  let kept = [...owners]
  let surplus = updaters.length - UPDATERS_MAX
  const firstOfVersion = new Map<string, FieldOwner>()
  for (const oldest of updaters.sort(byAge)) {
    if (surplus === 0) break
    const first = firstOfVersion.get(oldest.apiVersion)
    if (first === undefined) {
      firstOfVersion.set(oldest.apiVersion, oldest)
      continue
    }
    const merged = ancient(first, oldest)
    kept = kept.filter((owner) => owner !== oldest).map((owner) => (owner === first ? merged : owner))
    firstOfVersion.set(oldest.apiVersion, merged)
    surplus--
  }
  return kept
}

function byAge(a: FieldOwner, b: FieldOwner): number {
  return compare(a.time, b.time) || compare(a.manager, b.manager) || compare(a.apiVersion, b.apiVersion)
}

/** The time is that of the younger. */
function ancient(older: FieldOwner, younger: FieldOwner): FieldOwner {
  const { apiVersion, time } = younger
  const info = { manager: OLD_UPDATES, operation: 'Update', apiVersion, time, subresource: undefined } as const
  return newOwner(info, union(younger.fieldsV1, older.fieldsV1))
}
