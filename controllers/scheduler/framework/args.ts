/**
 * Checks of configuration: what is wrong, each line starting with the field's path, in upstream's words. Upstream:
 * apimachinery util/validation/field/errors.go.
 */
import { isQualifiedName } from '#machinery/meta/validation.ts'
import { isObject } from '#machinery/util/json.ts'

type Fields = Readonly<Record<string, unknown>>

export const invalid = (path: string, value: unknown, detail: string): string =>
  `${path}: Invalid value: ${shown(value)}: ${detail}`

export const required = (path: string, detail = ''): string =>
  detail === '' ? `${path}: Required value` : `${path}: Required value: ${detail}`

export const duplicate = (path: string, value: string): string => `${path}: Duplicate value: ${shown(value)}`

export const forbidden = (path: string, detail: string): string => `${path}: Forbidden: ${detail}`

export const notSupported = (path: string, value: unknown, supported: readonly string[]): string =>
  `${path}: Unsupported value: ${shown(value)}: supported values: ${supported.map(shown).join(', ')}`

const shown = (value: unknown): string => JSON.stringify(value) ?? 'null'

export function checkObject(value: unknown, path: string, check: (fields: Fields) => readonly string[]): string[] {
  return isObject(value) ? [...check(value)] : [invalid(path, value, 'must be an object')]
}

/** An absent list is an empty one. */
export function checkList(
  value: unknown,
  path: string,
  check: (item: unknown, path: string, place: number) => readonly string[],
): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return [invalid(path, value, 'must be a list')]
  return value.flatMap((item, i) => check(item, `${path}[${i}]`, i))
}

/** Upstream: strict decoding. */
export function unknownFields(fields: Fields, path: string, known: readonly string[]): string[] {
  return Object.keys(fields)
    .filter((name) => !known.includes(name) && name !== 'apiVersion' && name !== 'kind')
    .map((name) => `unknown field ${shown(path === '' ? name : `${path}.${name}`)}`)
}

/** `detail`: what is said of an integer outside the bounds. */
export function checkInteger(
  value: unknown,
  path: string,
  { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: { readonly min?: number; readonly max?: number },
  detail: string,
): string[] {
  if (!Number.isInteger(value)) return [invalid(path, value, 'must be an integer')]
  return Number(value) >= min && Number(value) <= max ? [] : [invalid(path, value, detail)]
}

/** Upstream: metav1 validation ValidateLabelName. */
export function checkLabelName(value: unknown, path: string): string[] {
  return isQualifiedName(String(value ?? '')).map((detail) => invalid(path, value, detail))
}
