// A JSON Schema interpreter for chart values: drafts 4 to 2020-12, local references, RE2 patterns.
// Formats are not asserted, remote references and unevaluated* are accepted without checking.

import { RE2JS } from 're2js'
import { formatG } from '../gofmt/float.ts'
import { GoError } from '../gotypes/error.ts'
import { deepEqual } from '../gotypes/equal.ts'
import { GoInt, type GoMap, type GoValue, isMap } from '../gotypes/value.ts'
import { toJson } from '../yaml/json.ts'

export interface SchemaError {
  /** JSON pointer into the values. */
  readonly location: string
  readonly message: string
  readonly causes: readonly SchemaError[]
}

const MAX_DEPTH = 200

type Check = (schema: GoMap, value: GoValue, at: string) => SchemaError[]

function problem(location: string, message: string, causes: readonly SchemaError[] = []): SchemaError {
  return { location, message, causes }
}

function typeName(value: GoValue): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number' || value instanceof GoInt) return 'number'
  if (Array.isArray(value)) return 'array'
  return isMap(value) ? 'object' : typeof value
}

function numberOf(value: GoValue): number | undefined {
  if (typeof value === 'number') return value
  return value instanceof GoInt ? Number(value.value) : undefined
}

function shown(value: GoValue): string {
  const number = numberOf(value)
  if (number !== undefined) return Number.isInteger(number) ? String(number) : formatG(number)
  return typeof value === 'string' ? `'${value}'` : toJson(value)
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ')
}

function pointer(at: string, name: string | number): string {
  return `${at}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function sameValue(a: GoValue, b: GoValue): boolean {
  const left = numberOf(a)
  return left === undefined ? deepEqual(a, b) : left === numberOf(b)
}

export class SchemaValidator {
  readonly #root: GoValue
  readonly #patterns = new Map<string, RE2JS | undefined>()
  #depth = 0

  constructor(root: GoValue) {
    this.#root = root
  }

  validate(value: GoValue): SchemaError[] {
    return this.#schema(this.#root, value, '')
  }

  #schema(schema: GoValue, value: GoValue, at: string): SchemaError[] {
    if (schema === false) return [problem(at, 'false schema')]
    if (!isMap(schema)) return []
    if (++this.#depth > MAX_DEPTH) {
      this.#depth = 0
      throw new GoError('schema nested too deeply')
    }
    const errors = this.#checks.flatMap((check) => check(schema, value, at))
    this.#depth--
    return errors
  }

  readonly #checks: readonly Check[] = [
    (schema, value, at) => this.#reference(schema, value, at),
    checkType,
    checkConstants,
    checkNumber,
    (schema, value, at) => this.#string(schema, value, at),
    (schema, value, at) => (Array.isArray(value) ? this.#array(schema, value, at) : []),
    (schema, value, at) => (isMap(value) ? this.#object(schema, value, at) : []),
    (schema, value, at) => this.#combined(schema, value, at),
    (schema, value, at) => this.#conditional(schema, value, at),
  ]

  #reference(schema: GoMap, value: GoValue, at: string): SchemaError[] {
    const ref = schema.get('$ref')
    if (typeof ref !== 'string' || !ref.startsWith('#')) return []
    const target = this.#resolve(ref)
    return target === undefined ? [] : this.#schema(target, value, at)
  }

  #resolve(ref: string): GoValue {
    if (ref === '#') return this.#root
    if (!ref.startsWith('#/')) return findAnchor(this.#root, ref.slice(1))
    let current: GoValue = this.#root
    for (const part of ref.slice(2).split('/')) {
      const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
      if (isMap(current)) current = current.get(name)
      else if (Array.isArray(current)) current = current[Number(name)]
      else return undefined
    }
    return current
  }

  #matches(pattern: string, text: string): boolean {
    if (!this.#patterns.has(pattern)) {
      let compiled: RE2JS | undefined
      try {
        compiled = RE2JS.compile(pattern)
      } catch {
        compiled = undefined
      }
      this.#patterns.set(pattern, compiled)
    }
    return this.#patterns.get(pattern)?.matcher(text).find() ?? true
  }

  #string(schema: GoMap, value: GoValue, at: string): SchemaError[] {
    if (typeof value !== 'string') return []
    const errors: SchemaError[] = []
    const length = [...value].length
    const min = numberOf(schema.get('minLength'))
    const max = numberOf(schema.get('maxLength'))
    const pattern = schema.get('pattern')
    if (min !== undefined && length < min) errors.push(problem(at, `minLength: got ${length}, want ${min}`))
    if (max !== undefined && length > max) errors.push(problem(at, `maxLength: got ${length}, want ${max}`))
    if (typeof pattern === 'string' && !this.#matches(pattern, value))
      errors.push(problem(at, `'${value}' does not match pattern '${pattern}'`))
    return errors
  }

  #array(schema: GoMap, value: readonly GoValue[], at: string): SchemaError[] {
    const errors = checkSize(schema, 'Items', value.length, at)
    if (schema.get('uniqueItems') === true) {
      const second = value.findIndex((item, i) => value.slice(0, i).some((other) => sameValue(item, other)))
      if (second >= 0) {
        const first = value.findIndex((item) => sameValue(item, value[second]))
        errors.push(problem(at, `items at ${first} and ${second} are equal`))
      }
    }
    const items = schema.get('items')
    const prefix = Array.isArray(items) ? items : schema.get('prefixItems')
    const rest = Array.isArray(items) ? schema.get('additionalItems') : items
    const fixed = Array.isArray(prefix) ? prefix : []
    value.forEach((item, i) => {
      errors.push(...this.#schema(i < fixed.length ? fixed[i] : rest, item, pointer(at, i)))
    })
    const contains = schema.get('contains')
    const found =
      contains === undefined ? 1 : value.filter((item) => this.#schema(contains, item, at).length === 0).length
    if (found < (numberOf(schema.get('minContains')) ?? 1)) errors.push(problem(at, 'no items match contains schema'))
    return errors
  }

  #object(schema: GoMap, value: GoMap, at: string): SchemaError[] {
    const errors = checkSize(schema, 'Properties', value.size, at)
    errors.push(...checkRequired(schema, value, at))
    const properties = schema.get('properties')
    const patterns = schema.get('patternProperties')
    const additional = schema.get('additionalProperties')
    const refused: string[] = []
    for (const [name, item] of value) {
      const here = pointer(at, name)
      let isKnown = false
      if (isMap(properties) && properties.has(name)) {
        isKnown = true
        errors.push(...this.#schema(properties.get(name), item, here))
      }
      for (const [pattern, inner] of isMap(patterns) ? patterns : []) {
        if (!this.#matches(pattern, name)) continue
        isKnown = true
        errors.push(...this.#schema(inner, item, here))
      }
      if (!isKnown && additional === false) refused.push(name)
      else if (!isKnown && isMap(additional)) errors.push(...this.#schema(additional, item, here))
    }
    if (refused.length > 0) errors.push(problem(at, `additional properties ${quoted(refused)} not allowed`))
    return [...errors, ...this.#names(schema, value, at), ...this.#dependent(schema, value, at)]
  }

  #names(schema: GoMap, value: GoMap, at: string): SchemaError[] {
    const names = schema.get('propertyNames')
    if (names === undefined) return []
    return [...value.keys()].flatMap((name) => {
      const causes = this.#schema(names, name, at)
      return causes.length === 0 ? [] : [problem(at, `invalid propertyName '${name}'`, causes)]
    })
  }

  #dependent(schema: GoMap, value: GoMap, at: string): SchemaError[] {
    const errors: SchemaError[] = []
    for (const keyword of ['dependentRequired', 'dependentSchemas', 'dependencies']) {
      const table = schema.get(keyword)
      for (const [name, inner] of isMap(table) ? table : []) {
        if (!value.has(name)) continue
        if (Array.isArray(inner)) {
          const missing = inner.filter((each) => typeof each === 'string' && !value.has(each)) as string[]
          if (missing.length > 0)
            errors.push(problem(at, `properties ${quoted(missing)} required, if '${name}' exists`))
        } else errors.push(...this.#schema(inner, value, at))
      }
    }
    return errors
  }

  #combined(schema: GoMap, value: GoValue, at: string): SchemaError[] {
    const errors: SchemaError[] = []
    const all = schema.get('allOf')
    const some = schema.get('anyOf')
    const one = schema.get('oneOf')
    const results = (list: GoValue): SchemaError[][] =>
      Array.isArray(list) ? list.map((inner) => this.#schema(inner, value, at)) : []
    const allErrors = results(all).flat()
    if (allErrors.length > 0) errors.push(problem(at, 'allOf failed', allErrors))
    if (Array.isArray(some)) {
      const each = results(some)
      if (!each.some((result) => result.length === 0)) errors.push(problem(at, 'anyOf failed', each.flat()))
    }
    if (Array.isArray(one)) errors.push(...oneOf(results(one), at))
    const not = schema.get('not')
    if (not !== undefined && this.#schema(not, value, at).length === 0) errors.push(problem(at, 'not failed'))
    return errors
  }

  #conditional(schema: GoMap, value: GoValue, at: string): SchemaError[] {
    const condition = schema.get('if')
    if (condition === undefined) return []
    const branch = this.#schema(condition, value, at).length === 0 ? schema.get('then') : schema.get('else')
    return this.#schema(branch, value, at)
  }
}

function oneOf(results: readonly (readonly SchemaError[])[], at: string): SchemaError[] {
  const matched = results.flatMap((result, i) => (result.length === 0 ? [i] : []))
  if (matched.length === 1) return []
  if (matched.length === 0) return [problem(at, 'oneOf failed, none matched', results.flat())]
  return [problem(at, `oneOf failed, subschemas ${matched.slice(0, 2).join(', ')} matched`)]
}

function checkType(schema: GoMap, value: GoValue, at: string): SchemaError[] {
  const type = schema.get('type')
  if (type === undefined || type === null) return []
  const wanted = (Array.isArray(type) ? type : [type]).filter((each) => typeof each === 'string')
  const actual = typeName(value)
  const number = numberOf(value)
  const fits = wanted.some(
    (each) => each === actual || (each === 'integer' && number !== undefined && Number.isInteger(number)),
  )
  return fits ? [] : [problem(at, `got ${actual}, want ${wanted.join(' or ')}`)]
}

function checkConstants(schema: GoMap, value: GoValue, at: string): SchemaError[] {
  const errors: SchemaError[] = []
  const options = schema.get('enum')
  if (Array.isArray(options) && !options.some((option) => sameValue(option, value))) {
    errors.push(problem(at, `value must be ${options.length > 1 ? 'one of ' : ''}${options.map(shown).join(', ')}`))
  }
  const constant = schema.get('const')
  if (schema.has('const') && !sameValue(constant, value)) errors.push(problem(at, `value must be ${shown(constant)}`))
  return errors
}

function checkNumber(schema: GoMap, value: GoValue, at: string): SchemaError[] {
  const number = numberOf(value)
  if (number === undefined) return []
  const errors: SchemaError[] = []
  const limit = (keyword: string, fails: (limit: number) => boolean): void => {
    const bound = numberOf(schema.get(keyword))
    if (bound !== undefined && fails(bound))
      errors.push(problem(at, `${keyword}: got ${shown(number)}, want ${shown(bound)}`))
  }
  limit('minimum', (bound) => number < bound || (schema.get('exclusiveMinimum') === true && number === bound))
  limit('maximum', (bound) => number > bound || (schema.get('exclusiveMaximum') === true && number === bound))
  limit('exclusiveMinimum', (bound) => number <= bound)
  limit('exclusiveMaximum', (bound) => number >= bound)
  limit('multipleOf', (bound) => bound > 0 && !Number.isInteger(Math.round((number / bound) * 1e9) / 1e9))
  return errors
}

function checkSize(schema: GoMap, noun: 'Items' | 'Properties', size: number, at: string): SchemaError[] {
  const min = numberOf(schema.get(`min${noun}`))
  const max = numberOf(schema.get(`max${noun}`))
  if (min !== undefined && size < min) return [problem(at, `min${noun}: got ${size}, want ${min}`)]
  if (max !== undefined && size > max) return [problem(at, `max${noun}: got ${size}, want ${max}`)]
  return []
}

function checkRequired(schema: GoMap, value: GoMap, at: string): SchemaError[] {
  const required = schema.get('required')
  if (!Array.isArray(required)) return []
  const missing = required.filter((name) => typeof name === 'string' && !value.has(name)) as string[]
  if (missing.length === 0) return []
  return [
    problem(at, missing.length === 1 ? `missing property '${missing[0]}'` : `missing properties ${quoted(missing)}`),
  ]
}

/** A schema somewhere below that names itself. */
function findAnchor(schema: GoValue, name: string): GoValue {
  if (Array.isArray(schema)) {
    for (const item of schema) {
      const found = findAnchor(item, name)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (!isMap(schema)) return undefined
  if (schema.get('$anchor') === name || schema.get('$id') === `#${name}`) return schema
  return findAnchor([...schema.values()], name)
}
