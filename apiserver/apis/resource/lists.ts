/** Lists and maps with a limit. Upstream: pkg/apis/resource/validation validateSlice, validateSet, validateMap. */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate, fieldTooMany, keyField } from '#machinery/meta/field-error.ts'

interface ListRules<T> {
  readonly max?: number
  /** Of lists whose items differ: what tells them apart. */
  readonly keyOf?: (item: T) => string | undefined
  /** What a duplicate is reported as; its key if absent. */
  readonly printed?: (item: T) => unknown
}

/** Too long a list is not looked into; items that are there twice are named after what is wrong with each. */
export function validateItems<T>(
  errors: FieldError[],
  field: string,
  list: readonly T[],
  { max = Number.POSITIVE_INFINITY, keyOf, printed = keyOf }: ListRules<T>,
  validate: (item: T, at: string) => void,
): void {
  if (list.length > max) {
    errors.push(fieldTooMany(field, list.length, max))
    return
  }
  list.forEach((item, i) => {
    validate(item, `${field}[${i}]`)
  })
  if (keyOf === undefined) return
  const seen = new Set<string>()
  list.forEach((item, i) => {
    const key = keyOf(item) ?? ''
    if (seen.has(key)) errors.push(fieldDuplicate(`${field}[${i}]`, printed?.(item) ?? key))
    seen.add(key)
  })
}

export const nameOf = ({ name }: { readonly name?: string }): string | undefined => name

interface MapRules {
  readonly max?: number
  readonly maxKeyLength: number
  readonly checkKey: (errors: FieldError[], field: string, key: string) => void
}

/** Keys are reported at the map, values at their own path. */
export function validateEntries<T>(
  errors: FieldError[],
  field: string,
  entries: Readonly<Record<string, T>>,
  { max = Number.POSITIVE_INFINITY, maxKeyLength, checkKey }: MapRules,
  validate: (value: T, at: string, key: string) => void,
): void {
  const keys = Object.keys(entries)
  if (keys.length > max) {
    errors.push(fieldTooMany(field, keys.length, max))
    return
  }
  for (const [key, value] of Object.entries(entries)) {
    checkKey(errors, field, key)
    validate(value, keyField(field, shortened(key, maxKeyLength)), key)
  }
}

function shortened(key: string, max: number): string {
  if (key.length <= max) return key
  const kept = max - 3
  return `${key.slice(0, Math.ceil(kept / 2))}...${key.slice(key.length - Math.floor(kept / 2))}`
}
