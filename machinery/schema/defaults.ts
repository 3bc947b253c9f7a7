/**
 * The defaults that are facts (`+default=` markers): compiled per struct, skipping every part of a type that has none.
 * Hand-written defaulting is in apiserver/apis. Upstream: the generated zz_generated.defaults.go files.
 */
import type { FactField } from './facts.ts'
import { schemaFacts } from './facts.ts'

type Defaulter = (object: Record<string, unknown>) => void

const defaulters = new Map<string, Defaulter | undefined>()

/** Undefined: nothing below this struct has a default. */
export function defaulterOf(type: string): Defaulter | undefined {
  if (defaulters.has(type)) return defaulters.get(type)
  // A type that contains itself adds nothing to its own defaults.
  defaulters.set(type, undefined)
  const steps = (schemaFacts().fieldsOf(type) ?? []).flatMap(stepsOf)
  const defaulter: Defaulter | undefined =
    steps.length === 0
      ? undefined
      : (object) => {
          for (const step of steps) step(object)
        }
  defaulters.set(type, defaulter)
  return defaulter
}

function stepsOf([name, expression, , flags, extra]: FactField): Defaulter[] {
  const steps: Defaulter[] = []
  const value = extra?.default
  const isPointer = flags.includes('p')
  if (value !== undefined && (isPointer || !isZero(value))) {
    steps.push((object) => {
      const current = object[name]
      if (current === undefined || (!isPointer && isZero(current))) object[name] = value
    })
  }
  const inner = defaulterOf(expression.replace(/^(\[\]|\{\})+/, ''))
  if (inner !== undefined) steps.push(within(name, expression, inner))
  return steps
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false
}

function within(name: string, expression: string, inner: Defaulter): Defaulter {
  const isCollection = expression.startsWith('[]') || expression.startsWith('{}')
  return (object) => {
    const value = object[name]
    if (typeof value !== 'object' || value === null) return
    if (!isCollection) inner(value as Record<string, unknown>)
    else for (const element of Object.values(value)) if (typeof element === 'object' && element !== null) inner(element)
  }
}
