/**
 * Scalars that Go prints although nobody set them: no pointer, no omitempty. A client may leave out
 * `containerStatuses[].imageID`; every answer has it, as "". Lists and maps that Go would print as null stay out.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { FactField } from './facts.ts'
import { schemaFacts } from './facts.ts'

type ZeroFiller = (object: Record<string, unknown>) => void

const ZEROS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['string', ''],
  ['boolean', false],
  ...['int32', 'int64', 'uint8', 'uint32', 'uint64', 'float', 'double'].map((type) => [type, 0] as const),
])

const fillers = new Map<string, ZeroFiller | undefined>()

/** Undefined: nothing below this struct is always printed. Fills structs that are there, adds none. */
function zeroFillerOf(type: string): ZeroFiller | undefined {
  if (fillers.has(type)) return fillers.get(type)
  // A type that contains itself is filled by the object it is in, once it is known.
  let filler: ZeroFiller | undefined
  fillers.set(type, (object) => filler?.(object))
  const steps = (schemaFacts().fieldsOf(type) ?? []).flatMap(stepsOf)
  if (steps.length > 0)
    filler = (object) => {
      for (const step of steps) step(object)
    }
  fillers.set(type, filler)
  return filler
}

/** The same by kind. */
export function fillZeros(group: string, version: string, kind: string): (object: KubeObject) => void {
  const type = schemaFacts().typeOfKind(group, version, kind)
  const filler = type === undefined ? undefined : zeroFillerOf(type)
  return (object) => filler?.(object as unknown as Record<string, unknown>)
}

function stepsOf([name, expression, , flags]: FactField): ZeroFiller[] {
  const zero = ZEROS.get(expression)
  if (zero !== undefined) {
    if (flags.includes('o') || flags.includes('p')) return []
    return [
      (object) => {
        object[name] ??= zero
      },
    ]
  }
  const inner = zeroFillerOf(expression.replace(/^(\[\]|\{\})+/, ''))
  if (inner === undefined) return []
  return [/^(\[\]|\{\})/.test(expression) ? ofEach(name, inner) : ofMember(name, inner)]
}

const isStruct = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function ofMember(name: string, inner: ZeroFiller): ZeroFiller {
  return (object) => {
    const value = object[name]
    if (isStruct(value)) inner(value)
  }
}

function ofEach(name: string, inner: ZeroFiller): ZeroFiller {
  return (object) => {
    const value = object[name]
    if (typeof value !== 'object' || value === null) return
    for (const element of Object.values(value)) if (isStruct(element)) inner(element)
  }
}
