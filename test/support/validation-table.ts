/** Table tests of validation: a valid object, one change per row, the errors as upstream prints them. */
import { expect, it } from 'vitest'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'

/** Values by path, `spec.rules.0.verbs`; undefined takes the member away. */
export type Change = Readonly<Record<string, unknown>>
export type Row = readonly [name: string, change: Change, expected: readonly string[]]

export function changed<T>(base: T, change: Change): T {
  const draft = structuredClone(base)
  for (const [path, value] of Object.entries(change)) setPath(draft as Record<string, unknown>, path.split('.'), value)
  return draft
}

function setPath(object: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [member = '', ...rest] = path
  if (rest.length > 0) {
    const inner = (object[member] ?? {}) as Record<string, unknown>
    object[member] = inner
    setPath(inner, rest, value)
  } else if (value === undefined) delete object[member]
  else object[member] = value
}

export function validationTable<T>(
  base: T,
  validate: (object: T) => readonly FieldError[],
  rows: readonly Row[],
): void {
  it('accepts the valid one', () => {
    expect(validate(base).map(fieldErrorString)).toEqual([])
  })
  it.each(rows)('%s', (_name, change, expected) => {
    expect(validate(changed(base, change)).map(fieldErrorString)).toEqual(expected)
  })
}
