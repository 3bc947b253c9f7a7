/**
 * Types as the checker sees them. They are written as text, `map(string, list(int))`; a single capital letter is a type
 * parameter. Objects with known fields are made with objectType, values only functions look into with opaqueType.
 * Upstream: cel-go common/types/types.go, checker/{types,format,mapping}.go.
 */

export interface CelType {
  readonly kind: 'dyn' | 'error' | 'null' | 'scalar' | 'list' | 'map' | 'type' | 'opaque' | 'object' | 'parameter'
  readonly name: string
  readonly parameters: readonly CelType[]
  /** Of objects: what may be selected. */
  readonly fields?: Readonly<Record<string, CelType>>
}

const plain = (kind: CelType['kind'], name: string, parameters: readonly CelType[] = []): CelType => ({
  kind,
  name,
  parameters,
})

export const DYN: CelType = plain('dyn', 'dyn')
export const ERROR_TYPE: CelType = plain('error', '!error!')
export const NULL_TYPE: CelType = plain('null', 'null_type')
export const BOOL: CelType = plain('scalar', 'bool')
export const INT: CelType = plain('scalar', 'int')
export const UINT: CelType = plain('scalar', 'uint')
export const DOUBLE: CelType = plain('scalar', 'double')
export const STRING: CelType = plain('scalar', 'string')
export const BYTES: CelType = plain('scalar', 'bytes')
export const TIMESTAMP: CelType = plain('scalar', 'google.protobuf.Timestamp')
export const DURATION: CelType = plain('scalar', 'google.protobuf.Duration')

export const listType = (element: CelType): CelType => plain('list', 'list', [element])
export const mapType = (key: CelType, value: CelType): CelType => plain('map', 'map', [key, value])
export const typeType = (of?: CelType): CelType => plain('type', 'type', of === undefined ? [] : [of])
export const optionalType = (of: CelType): CelType => plain('opaque', 'optional_type', [of])
export const parameterType = (name: string): CelType => plain('parameter', name)
export const opaqueType = (name: string): CelType => plain('opaque', name)

/** Field types may be written as text. */
export function objectType(name: string, fields: Readonly<Record<string, CelType | string>>): CelType {
  const typed = Object.entries(fields).map(([field, type]) => [field, toType(type)] as const)
  return { ...plain('object', name), fields: Object.fromEntries(typed) }
}

export const isOptionalType = (type: CelType): boolean => type.kind === 'opaque' && type.name === 'optional_type'

const NAMED: ReadonlyMap<string, CelType> = new Map([
  ['dyn', DYN],
  ['any', DYN],
  ['null', NULL_TYPE],
  ['bool', BOOL],
  ['int', INT],
  ['uint', UINT],
  ['double', DOUBLE],
  ['string', STRING],
  ['bytes', BYTES],
  ['timestamp', TIMESTAMP],
  ['duration', DURATION],
  ['type', typeType()],
])

export function toType(type: CelType | string): CelType {
  return typeof type === 'string' ? parseType(type) : type
}

/** Names that are nothing known are opaque types. Throws an Error for text that is no type. */
export function parseType(text: string): CelType {
  const open = text.indexOf('(')
  if (open === -1) {
    const name = text.trim()
    if (!/^[A-Za-z_][\w.]*$/.test(name)) throw new Error(`${JSON.stringify(text)} is not a CEL type`)
    return NAMED.get(name) ?? (/^[A-Z]$/.test(name) ? parameterType(name) : opaqueType(name))
  }
  const name = text.slice(0, open).trim()
  const parameters = splitTypes(text.slice(open + 1, text.lastIndexOf(')'))).map(parseType)
  if (name === 'list' || name === 'map' || name === 'type') return plain(name, name, parameters)
  return plain('opaque', name, parameters)
}

/** `int, map(string, A)` at its outermost commas. */
export function splitTypes(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++
    else if (text[i] === ')') depth--
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  if (text.slice(start).trim() !== '') parts.push(text.slice(start))
  return parts
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ['google.protobuf.Timestamp', 'timestamp'],
  ['google.protobuf.Duration', 'duration'],
  ['null_type', 'null'],
])

/** As the checker's messages print it. */
export function formatType(type: CelType): string {
  if (type.parameters.length === 0) return SHORT.get(type.name) ?? type.name
  return `${type.name}(${type.parameters.map(formatType).join(', ')})`
}

export function isSameType(a: CelType, b: CelType): boolean {
  return (
    a === b ||
    (a.kind === b.kind &&
      a.name === b.name &&
      a.parameters.length === b.parameters.length &&
      a.parameters.every((parameter, i) => isSameType(parameter, b.parameters[i] ?? DYN)))
  )
}

const isAnything = ({ kind }: CelType): boolean => kind === 'dyn' || kind === 'error'

/** Type parameters and what they were found to stand for. */
export class Substitutions {
  readonly #found = new Map<string, CelType>()
  /** What each learned parameter was before, newest last. */
  readonly #trail: (readonly [name: string, before: CelType | undefined])[] = []

  /** Whether a value of `from` can be where `to` is wanted; what was learned is kept only if so. */
  isAssignable(from: CelType, to: CelType): boolean {
    return this.areAssignable([from], [to])
  }

  areAssignable(from: readonly CelType[], to: readonly CelType[]): boolean {
    if (from.length !== to.length) return false
    this.#trail.length = 0
    if (from.every((type, i) => this.#assign(type, to[i] ?? DYN))) return true
    for (const [name, before] of this.#trail.reverse()) {
      if (before === undefined) this.#found.delete(name)
      else this.#found.set(name, before)
    }
    return false
  }

  #set(name: string, type: CelType): void {
    this.#trail.push([name, this.#found.get(name)])
    this.#found.set(name, type)
  }

  /** `type` with what is known put in; what is not known stays, or is dyn if `isFinal`. */
  apply(type: CelType, isFinal = false): CelType {
    if (type.kind === 'parameter') {
      const found = this.#found.get(type.name)
      if (found !== undefined) return this.apply(found, isFinal)
      return isFinal ? DYN : type
    }
    if (type.parameters.length === 0) return type
    return { ...type, parameters: type.parameters.map((parameter) => this.apply(parameter, isFinal)) }
  }

  #assign(from: CelType, to: CelType): boolean {
    if (to.kind === 'parameter') {
      const learned = this.#learn(from, to)
      if (learned !== 'no') return learned === 'yes'
    }
    if (from.kind === 'parameter') return this.#learn(to, from) === 'yes'
    if (isAnything(from) || isAnything(to)) return true
    if (from.kind === 'null') return isNullable(to)
    if (to.kind === 'null') return isNullable(from)
    if (from.kind !== to.kind || from.name !== to.name) return false
    // `type` takes every `type(X)`.
    if (from.kind === 'type') return true
    return (
      from.parameters.length === to.parameters.length &&
      from.parameters.every((parameter, i) => this.#assign(parameter, to.parameters[i] ?? DYN))
    )
  }

  /** 'never': the parameter already stands for something else. 'no': it may still be learned the other way round. */
  #learn(type: CelType, parameter: CelType): 'yes' | 'no' | 'never' {
    if (type.kind === 'parameter' && type.name === parameter.name) return 'yes'
    const known = this.#found.get(parameter.name)
    if (known !== undefined) {
      if (!this.#assign(type, known)) return 'never'
      const general = isMoreGeneral(type, known) ? type : known
      if (!this.#mentions(general, parameter)) this.#set(parameter.name, general)
      return 'yes'
    }
    if (this.#mentions(type, parameter)) return 'no'
    this.#set(parameter.name, type)
    return 'yes'
  }

  #mentions(type: CelType, parameter: CelType): boolean {
    if (type.kind === 'parameter') {
      if (type.name === parameter.name) return true
      const known = this.#found.get(type.name)
      return known !== undefined && this.#mentions(known, parameter)
    }
    return type.parameters.some((inner) => this.#mentions(inner, parameter))
  }
}

const isNullable = (type: CelType): boolean =>
  type.kind === 'null' ||
  type.kind === 'object' ||
  type.kind === 'opaque' ||
  type.name === TIMESTAMP.name ||
  type.name === DURATION.name

/** The type of what may be either, of two of which one is assignable to the other. */
export const mostGeneral = (a: CelType, b: CelType): CelType => (isMoreGeneral(a, b) ? a : b)

/** `type` with its parameters renamed. */
export function renameParameters(type: CelType, rename: (name: string) => string): CelType {
  if (type.kind === 'parameter') return parameterType(rename(type.name))
  if (type.parameters.length === 0) return type
  return { ...type, parameters: type.parameters.map((parameter) => renameParameters(parameter, rename)) }
}

/** Whether `a` takes all that `b` does: dyn and type parameters take anything. */
function isMoreGeneral(a: CelType, b: CelType): boolean {
  if (isAnything(a) || a.kind === 'parameter') return true
  if (isAnything(b) || b.kind === 'parameter') return false
  if (a.kind !== b.kind || a.name !== b.name || a.parameters.length !== b.parameters.length) return false
  return a.parameters.every((parameter, i) => isMoreGeneral(parameter, b.parameters[i] ?? DYN))
}
