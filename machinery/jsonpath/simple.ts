/**
 * The JSONPath subset that custom resource columns and scale paths use: members, escaped dots, indices, slices, wildcards,
 * recursive descent and filters on one comparison.
 * Upstream: client-go util/jsonpath. No template text, ranges or unions.
 */

type Step =
  | { readonly type: 'member'; readonly name: string }
  | { readonly type: 'wildcard' }
  | { readonly type: 'slice'; readonly from: number | undefined; readonly to: number | undefined; readonly by: number }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'descend' }
  | { readonly type: 'filter'; readonly filter: Filter }

interface Filter {
  readonly left: Operand
  /** Undefined: the left side must exist. */
  readonly comparison: { readonly operator: string; readonly right: Operand } | undefined
}

type Operand =
  | { readonly type: 'path'; readonly steps: readonly Step[] }
  | { readonly type: 'literal'; readonly value: string | number | boolean | null }

const MAX_RESULTS = 10_000

/** Throws an Error on bad syntax. The function returns every match, in document order; a missing member matches nothing. */
export function compileJsonPath(path: string): (object: unknown) => unknown[] {
  const steps = new PathParser(stripBraces(path)).parse()
  const names = steps.map((step) => (step.type === 'member' ? step.name : undefined))
  if (names.every((name) => name !== undefined)) return (object) => lookUp(object, names)
  return (object) => evaluate(steps, object)
}

function stripBraces(path: string): string {
  const text = path.trim()
  return text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1).trim() : text
}

/** The common case, `.spec.replicas`, without intermediate lists. */
function lookUp(object: unknown, names: readonly string[]): unknown[] {
  let value = object
  for (const name of names) {
    value = memberOf(value, name)
    if (value === undefined) return []
  }
  return [value]
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
}

function evaluate(steps: readonly Step[], object: unknown): unknown[] {
  let values: unknown[] = [object]
  for (const step of steps) {
    const next: unknown[] = []
    for (const value of values) {
      applyStep(step, value, next)
      if (next.length > MAX_RESULTS) throw new Error(`more than ${MAX_RESULTS} results`)
    }
    values = next
  }
  return values
}

function applyStep(step: Step, value: unknown, out: unknown[]): void {
  switch (step.type) {
    case 'member': {
      const member = memberOf(value, step.name)
      if (member !== undefined) out.push(member)
      return
    }
    case 'wildcard':
      for (const child of childrenOf(value)) out.push(child)
      return
    case 'index': {
      if (!Array.isArray(value)) return
      const element: unknown = value.at(step.index)
      if (element !== undefined) out.push(element)
      return
    }
    case 'slice':
      if (Array.isArray(value)) for (const element of sliceOf(value, step)) out.push(element)
      return
    case 'descend':
      descend(value, out)
      return
    case 'filter':
      if (Array.isArray(value)) for (const element of value) if (passes(step.filter, element)) out.push(element)
      return
  }
}

function childrenOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  return typeof value === 'object' && value !== null ? Object.values(value) : []
}

function sliceOf(list: readonly unknown[], step: Extract<Step, { type: 'slice' }>): unknown[] {
  return list.slice(step.from ?? 0, step.to ?? list.length).filter((_, i) => i % step.by === 0)
}

function descend(value: unknown, out: unknown[]): void {
  if (out.length > MAX_RESULTS) return
  out.push(value)
  for (const child of childrenOf(value)) if (typeof child === 'object' && child !== null) descend(child, out)
}

function passes(filter: Filter, element: unknown): boolean {
  const left = operandValue(filter.left, element)
  if (filter.comparison === undefined) return left !== undefined
  const right = operandValue(filter.comparison.right, element)
  if (left === undefined || right === undefined) return false
  switch (filter.comparison.operator) {
    case '==':
      return left === right
    case '!=':
      return left !== right
    default:
      return compares(filter.comparison.operator, left, right)
  }
}

function compares(operator: string, left: unknown, right: unknown): boolean {
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) return false
  const order = left < (right as string | number) ? -1 : left > (right as string | number) ? 1 : 0
  if (operator === '<') return order < 0
  if (operator === '<=') return order <= 0
  return operator === '>' ? order > 0 : order >= 0
}

function operandValue(operand: Operand, element: unknown): unknown {
  return operand.type === 'literal' ? operand.value : evaluate(operand.steps, element)[0]
}

const NAME_END = /[.[\]\s()=!<>{}]/

class PathParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): Step[] {
    if (this.#text.charAt(0) === '$') this.#at++
    const steps = this.#steps()
    if (this.#at < this.#text.length)
      throw new Error(`unexpected character at ${this.#at} in ${JSON.stringify(this.#text)}`)
    return steps
  }

  #steps(): Step[] {
    const steps: Step[] = []
    if (this.#at === 0 && this.#text !== '' && !/[.[]/.test(this.#text.charAt(0))) steps.push(this.#name())
    for (;;) {
      const character = this.#text.charAt(this.#at)
      if (character === '[') {
        this.#at++
        steps.push(this.#bracket())
      } else if (character === '.') {
        this.#at++
        if (this.#text.charAt(this.#at) === '.') {
          this.#at++
          steps.push({ type: 'descend' })
        }
        const next = this.#text.charAt(this.#at)
        if (next !== '' && next !== '[') steps.push(this.#name())
      } else {
        return steps
      }
    }
  }

  #name(): Step {
    if (this.#text.charAt(this.#at) === '*') {
      this.#at++
      return { type: 'wildcard' }
    }
    let name = ''
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at)
      if (character === '\\') {
        name += this.#text.charAt(this.#at + 1)
        this.#at += 2
      } else if (NAME_END.test(character)) {
        break
      } else {
        name += character
        this.#at++
      }
    }
    if (name === '') throw new Error(`expected a field name at ${this.#at} in ${JSON.stringify(this.#text)}`)
    return { type: 'member', name }
  }

  #bracket(): Step {
    const character = this.#text.charAt(this.#at)
    if (character === '?') return this.#filter()
    if (character === "'" || character === '"') {
      const name = this.#quoted()
      this.#expect(']')
      return { type: 'member', name }
    }
    const end = this.#text.indexOf(']', this.#at)
    if (end < 0) throw new Error('unterminated array')
    const inner = this.#text.slice(this.#at, end).trim()
    this.#at = end + 1
    if (inner === '*') return { type: 'wildcard' }
    if (/^-?\d+$/.test(inner)) return { type: 'index', index: Number(inner) }
    const slice = /^(-?\d+)?:(-?\d+)?(?::(\d+))?$/.exec(inner)
    if (slice === null) throw new Error(`invalid array index ${inner}`)
    const bound = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))
    const by = bound(slice[3]) ?? 1
    if (by < 1) throw new Error('step must be > 0')
    return { type: 'slice', from: bound(slice[1]), to: bound(slice[2]), by }
  }

  #filter(): Step {
    this.#at++
    this.#expect('(')
    this.#skipSpace()
    const left = this.#operand()
    this.#skipSpace()
    const operator = /^(==|!=|<=|>=|<|>)/.exec(this.#text.slice(this.#at, this.#at + 2))?.[1]
    let comparison: Filter['comparison']
    if (operator !== undefined) {
      this.#at += operator.length
      this.#skipSpace()
      comparison = { operator, right: this.#operand() }
      this.#skipSpace()
    }
    this.#expect(')')
    this.#expect(']')
    return { type: 'filter', filter: { left, comparison } }
  }

  #operand(): Operand {
    const character = this.#text.charAt(this.#at)
    if (character === '@' || character === '$') {
      this.#at++
      return { type: 'path', steps: this.#steps() }
    }
    if (character === "'" || character === '"') return { type: 'literal', value: this.#quoted() }
    const literal = /^(?:-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null)/.exec(this.#text.slice(this.#at))?.[0]
    if (literal === undefined) throw new Error(`unrecognized filter operand in ${JSON.stringify(this.#text)}`)
    this.#at += literal.length
    return { type: 'literal', value: JSON.parse(literal) as string | number | boolean | null }
  }

  #quoted(): string {
    const quote = this.#text.charAt(this.#at++)
    let value = ''
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at++)
      if (character === quote) return value
      value += character === '\\' ? this.#text.charAt(this.#at++) : character
    }
    throw new Error('unterminated quoted string')
  }

  #expect(character: string): void {
    if (this.#text.charAt(this.#at) !== character) {
      throw new Error(`expected ${character} at ${this.#at} in ${JSON.stringify(this.#text)}`)
    }
    this.#at++
  }

  #skipSpace(): void {
    while (this.#text.charAt(this.#at) === ' ') this.#at++
  }
}
