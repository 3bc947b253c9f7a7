/** Who owns which fields, in the form metadata.managedFields has. Upstream: apimachinery meta/v1 ManagedFieldsEntry. */
import type { FieldSet } from './field-set.ts'
import type { MergeType } from './types.ts'

export interface FieldOwner {
  readonly manager?: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  /** Absent: the entry was never the reason for a write. */
  readonly time?: string
  readonly fieldsType: 'FieldsV1'
  readonly fieldsV1: FieldSet
  readonly subresource?: string
}

/** The object of one update or apply in every version its owners speak. */
export interface Versions {
  /** Undefined: nobody knows this version any more. */
  typeOf(apiVersion: string): VersionType | undefined
  convert(object: object, from: string, to: string): object
}

export interface VersionType {
  readonly type: MergeType
  /** Top-level fields this write cannot change: what it says of them counts for nobody. */
  readonly skipped: ReadonlySet<string>
  /** False: metadata is such a field. */
  readonly hasMetadata: boolean
  /** The same for deeper fields. */
  readonly reset: FieldSet
}

export const ownedBy = (owner: FieldOwner, fieldsV1: FieldSet): FieldOwner =>
  owner.fieldsV1 === fieldsV1 ? owner : { ...owner, fieldsV1 }

/** The same owner writing again: appliers whatever the version, updaters in one version. */
export function isSameOwner(a: FieldOwner, b: FieldOwner): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  )
}
