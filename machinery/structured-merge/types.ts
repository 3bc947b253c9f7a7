/**
 * The types structured merge works with: what is a leaf, what is merged member by member, what identifies list items.
 * Upstream: structured-merge-diff schema/elements.go.
 */

/** One value may have several shapes (an int or a string, anything at all): the value decides which applies. */
export interface MergeType {
  readonly scalar: ScalarType | undefined
  readonly list: ListType | undefined
  readonly map: MapType | undefined
}

export type ScalarType = 'numeric' | 'string' | 'boolean' | 'untyped'

export interface ListType {
  readonly isAtomic: boolean
  /** Sorted names of the members that identify an item; undefined: the items are a set of scalars. */
  readonly keys: readonly string[] | undefined
  readonly element: MergeType
}

export interface MapType {
  readonly isAtomic: boolean
  /** Undefined: no declared members. */
  readonly fields: ReadonlyMap<string, MergeField> | undefined
  /** Of the members that are not declared; undefined: there are none. */
  readonly element: MergeType | undefined
}

export interface MergeField {
  readonly type: MergeType
  /** Its path element. */
  readonly path: string
  /**
   * Go's view of an absent member. `always`: a struct or a member without omitempty is there with its zero value; `omitempty`:
   * an empty value is as good as none; `explicit`: as the JSON says (pointers, custom resources).
   */
  readonly presence: 'explicit' | 'omitempty' | 'always'
  readonly zero: unknown
  readonly default: unknown
}

type Shape = 'scalar' | 'list' | 'map'

/** Null takes whatever the type has. Upstream: typed/helpers.go deduceAtom, handleAtom. */
export function shapeOf(type: MergeType, value: unknown): Shape {
  if (typeof value === 'object') {
    if (value !== null) {
      if (Array.isArray(value)) {
        if (type.list !== undefined) return 'list'
      } else if (type.map !== undefined) return 'map'
    }
  } else if (type.scalar !== undefined) return 'scalar'
  if (type.map !== undefined) return 'map'
  return type.scalar === undefined ? 'list' : 'scalar'
}

/** Whatever the value is: maps are merged, lists are not. Upstream: kube-openapi schemaconv's __untyped_deduced_. */
export const DEDUCED: MergeType = (() => {
  const atomic: { -readonly [K in keyof MergeType]: MergeType[K] } = {
    scalar: 'untyped',
    list: undefined,
    map: undefined,
  }
  atomic.list = { isAtomic: true, keys: undefined, element: atomic }
  atomic.map = { isAtomic: true, fields: undefined, element: atomic }
  const deduced: { -readonly [K in keyof MergeType]: MergeType[K] } = {
    scalar: 'untyped',
    list: atomic.list,
    map: undefined,
  }
  deduced.map = { isAtomic: false, fields: undefined, element: deduced }
  return deduced
})()

export const UNTYPED_SCALAR: MergeType = { scalar: 'untyped', list: undefined, map: undefined }
export const STRING: MergeType = { scalar: 'string', list: undefined, map: undefined }
export const NUMERIC: MergeType = { scalar: 'numeric', list: undefined, map: undefined }
export const BOOLEAN: MergeType = { scalar: 'boolean', list: undefined, map: undefined }
