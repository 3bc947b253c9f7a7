/** How an extender's answers are read. */
import { isObject } from '#machinery/util/json.ts'

/** Field, in lower case -> value. */
export type Answer = ReadonlyMap<string, unknown>

/** Go reads field names whatever their case; so do we. */
export function fieldsOf(value: unknown): Answer {
  if (!isObject(value)) return new Map()
  return new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]))
}
