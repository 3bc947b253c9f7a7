/**
 * Functions as libraries declare them: a signature for the checker and the choice of overload, an implementation, a cost.
 * An operator is a function named like `_+_`. A library is a list of them with its macros.
 */
import type { Macro } from './macros.ts'
import { type CelType, parseType, splitTypes } from './types.ts'
import {
  CelDuration,
  CelList,
  CelMap,
  CelOpaque,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
} from './values.ts'

/**
 * Cost of a call. One that takes no result is charged before the call, so that nothing dear is done that nobody may pay
 * for.
 */
export type CallCost = (args: readonly CelValue[], result: CelValue) => number

export interface Overload {
  readonly name: string
  /** Written `target.name(…)`; the target is the first of `parameters`. */
  readonly isMember: boolean
  readonly parameters: readonly CelType[]
  readonly result: CelType
  /** Whether values are what `parameters` say, looked at from outside only. */
  readonly accepts: readonly ((value: CelValue) => boolean)[]
  /** Throws an EvaluationError. */
  readonly apply: (...args: CelValue[]) => CelValue
  readonly cost: CallCost | undefined
}

export interface CelLibrary {
  readonly overloads: readonly Overload[]
  readonly macros?: readonly Macro[]
  /** Names of types that can be written as values. */
  readonly types?: readonly CelType[]
}

type Implementation = (...args: never[]) => CelValue

/**
 * `name(string, list(A)): bool`. The implementation is called only with values its parameters say, so it may state them:
 * define('size(string): int', (text: string) => …).
 */
export function define(signature: string, apply: Implementation, cost?: CallCost): Overload {
  return overload(signature, false, apply, cost)
}

/** `string.contains(string): bool`: the type before the last dot is the target's. */
export function defineMember(signature: string, apply: Implementation, cost?: CallCost): Overload {
  return overload(signature, true, apply, cost)
}

function overload(signature: string, isMember: boolean, apply: Implementation, cost: CallCost | undefined): Overload {
  const close = signature.lastIndexOf('): ')
  const open = openingOf(signature, close)
  const head = signature.slice(0, open)
  const dot = isMember ? head.lastIndexOf('.') : -1
  const targets = isMember ? [parseType(head.slice(0, dot))] : []
  const parameters = [...targets, ...splitTypes(signature.slice(open + 1, close)).map(parseType)]
  return {
    name: head.slice(dot + 1),
    isMember,
    parameters,
    result: parseType(signature.slice(close + 3)),
    accepts: parameters.map(acceptance),
    apply: apply as Overload['apply'],
    cost,
  }
}

function openingOf(signature: string, close: number): number {
  let depth = 1
  let at = close
  while (depth > 0) {
    at--
    if (signature[at] === ')') depth++
    else if (signature[at] === '(') depth--
  }
  return at
}

function acceptance(type: CelType): (value: CelValue) => boolean {
  switch (type.kind) {
    case 'list':
      return (value) => value instanceof CelList
    case 'map':
    case 'object':
      return (value) => value instanceof CelMap
    case 'type':
      return (value) => value instanceof CelTypeValue
    case 'null':
      return (value) => value === null
    case 'scalar':
      return scalarAcceptance(type.name)
    case 'opaque':
      if (type.name === 'optional_type') return (value) => value instanceof CelOptional
      return (value) => value instanceof CelOpaque && value.type.name === type.name
    default:
      return () => true
  }
}

function scalarAcceptance(name: string): (value: CelValue) => boolean {
  switch (name) {
    case 'bool':
      return (value) => typeof value === 'boolean'
    case 'int':
      return (value) => typeof value === 'bigint'
    case 'uint':
      return (value) => value instanceof CelUint
    case 'double':
      return (value) => typeof value === 'number'
    case 'string':
      return (value) => typeof value === 'string'
    case 'bytes':
      return (value) => value instanceof Uint8Array
    case 'google.protobuf.Timestamp':
      return (value) => value instanceof CelTimestamp
    default:
      return (value) => value instanceof CelDuration
  }
}

export function acceptsAll({ accepts }: Overload, args: readonly CelValue[]): boolean {
  if (accepts.length !== args.length) return false
  for (let i = 0; i < accepts.length; i++) if (accepts[i]?.(args[i] as CelValue) !== true) return false
  return true
}
