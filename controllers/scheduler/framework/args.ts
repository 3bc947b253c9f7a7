/** Checks of a plugin's arguments: what is wrong, each line starting with the field's path. */
import { isObject } from '#machinery/util/json.ts'

type Fields = Readonly<Record<string, unknown>>

export function checkObject(value: unknown, path: string, check: (fields: Fields) => readonly string[]): string[] {
  return isObject(value) ? [...check(value)] : [`${path}: Invalid value: ${JSON.stringify(value)}: must be an object`]
}

/** An absent list is an empty one. */
export function checkList(
  value: unknown,
  path: string,
  check: (item: unknown, path: string) => readonly string[],
): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return [`${path}: Invalid value: ${JSON.stringify(value)}: must be a list`]
  return value.flatMap((item, i) => check(item, `${path}[${i}]`))
}

export function unknownFields(fields: Fields, path: string, known: readonly string[]): string[] {
  return Object.keys(fields)
    .filter((name) => !known.includes(name) && name !== 'apiVersion' && name !== 'kind')
    .map((name) => `${path}.${name}: unknown field`)
}

export function checkInteger(value: unknown, path: string, min: number, max: number): string[] {
  if (value === undefined) return []
  const isValid = Number.isInteger(value) && Number(value) >= min && Number(value) <= max
  return isValid ? [] : [`${path}: Invalid value: ${JSON.stringify(value)}: must be in the range ${min}-${max}`]
}
