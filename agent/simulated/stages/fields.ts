/** Reading members of untyped YAML, with errors that name the field. */
import { isObject } from '#machinery/util/json.ts'

export type Fields = Readonly<Record<string, unknown>>

/** Refuses members outside `known`: what is ignored is believed to work. */
export function fieldsOf(value: unknown, where: string, known: readonly string[]): Fields {
  if (!isObject(value)) throw new Error(`${where}: must be an object`)
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`${where}.${unknown}: not supported`)
  return value
}

export function optionalText(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw new Error(`${where}: must be text`)
}

export function optionalNumber(value: unknown, where: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new Error(`${where}: must be a number`)
}
