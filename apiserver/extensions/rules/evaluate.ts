/**
 * Rules over a custom resource, within one budget: what is wrong, transition rules included. Errors of rules about parts
 * an update did not change are forgiven, unless the rule compares with the old value.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema/cel/validation.go. Differs: what is forgiven gives no Warning.
 */
import type { Evaluation } from '#machinery/cel/environment.ts'
import { PER_CALL_LIMIT } from '#machinery/cel/kubernetes/libraries.ts'
import { CelOptional, type CelValue, EvaluationError, OPTIONAL_NONE } from '#machinery/cel/values.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  childField,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
  indexField,
  keyField,
  OMITTED_VALUE,
} from '#machinery/meta/field-error.ts'
import { isObject } from '#machinery/util/json.ts'
import { isUnchanged } from '../schema/correlation.ts'
import type { CompiledRule, RuleNode } from './compile.ts'
import { typedValue } from './typed-value.ts'

/** Cost of all rules for one object: about a second upstream. */
const COST_BUDGET = 10_000_000
const MESSAGE_MAX_BYTES = 5 * 1024
const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run'

/** `old`: undefined for a create. */
export function evaluateRules(value: unknown, old: unknown, node: RuleNode): FieldError[] {
  const evaluation = new RuleEvaluation()
  evaluation.visit(
    { value, old, field: '', isUnchanged: () => old !== undefined && isUnchanged(value, old, node.schema) },
    node,
  )
  return evaluation.errors
}

interface Place {
  readonly value: unknown
  /** Undefined: there is none, or none that is known to be the same thing. */
  readonly old: unknown
  readonly field: string
  /** Whether it, or the nearest part around it that has an old value, is as it was. */
  readonly isUnchanged: () => boolean
}

class RuleEvaluation {
  readonly errors: FieldError[] = []
  #budget = COST_BUDGET

  get #isOver(): boolean {
    return this.#budget < 0
  }

  visit(place: Place, node: RuleNode): void {
    const { value } = place
    if (value === null || value === undefined || this.#isOver) return
    if (node.problem !== undefined) {
      const detail = `rule compiler initialization error: ${node.problem}`
      this.errors.push(fieldInvalid(place.field, node.typeText, detail))
    }
    this.#evaluateAll(place, node)
    if (Array.isArray(value)) this.#visitItems(value, place, node)
    else if (isObject(value)) this.#visitMembers(value, place, node)
  }

  #visitMembers(members: Readonly<Record<string, unknown>>, place: Place, node: RuleNode): void {
    const oldMembers = isObject(place.old) ? place.old : {}
    for (const [name, value] of Object.entries(members)) {
      if (this.#isOver) return
      const property = node.properties.get(name)
      const below = property ?? node.values
      if (below === undefined) continue
      const field = property === undefined ? keyField(place.field, name) : childField(place.field, name)
      const old = Object.hasOwn(oldMembers, name) ? oldMembers[name] : undefined
      this.visit(inner(place, value, old ?? undefined, field, below), below)
    }
  }

  #visitItems(items: readonly unknown[], place: Place, { items: below, listType, listMapKeys }: RuleNode): void {
    if (below === undefined) return
    const oldItems = listType === 'map' && Array.isArray(place.old) ? byKeys(place.old, listMapKeys) : undefined
    for (const [i, item] of items.entries()) {
      if (this.#isOver) return
      const key = oldItems === undefined ? undefined : keysOf(item, listMapKeys)
      const old = key === undefined ? undefined : oldItems?.get(key)
      this.visit(inner(place, item, old, indexField(place.field, i), below), below)
    }
  }

  #evaluateAll(place: Place, node: RuleNode): void {
    if (node.rules.length === 0) return
    if (this.#budget === 0) this.#giveUp(place, node, OUT_OF_BUDGET)
    for (const rule of node.rules) {
      if (this.#isOver) return
      this.#evaluate(rule, place, node)
    }
  }

  #giveUp({ field }: Place, { typeText }: RuleNode, detail: string): void {
    this.errors.push(fieldInvalid(field, typeText, detail))
    this.#budget = -1
  }

  #evaluate(rule: CompiledRule, place: Place, node: RuleNode): void {
    const { field } = place
    if (rule.problem !== undefined) {
      this.errors.push(fieldInvalid(field, node.typeText, `rule compile error: ${rule.problem}`))
      return
    }
    const { program } = rule
    const hasOptionalOld = rule.rule.optionalOldSelf === true
    if (program === undefined || (rule.usesOldSelf && place.old === undefined && !hasOptionalOld)) return
    const variables = lazyVariables(place, node, hasOptionalOld)
    const { value, error, cost } = tryEvaluate(() => program.evaluate(variables(), { costLimit: PER_CALL_LIMIT }))
    if (cost > this.#budget) {
      this.#giveUp(place, node, OUT_OF_BUDGET)
      return
    }
    this.#budget -= cost
    if (error !== undefined) this.#failed(rule, place, node, error)
    else if (value !== true) this.#violated(rule, place, node, variables)
  }

  #violated(rule: CompiledRule, place: Place, node: RuleNode, variables: () => Variables): void {
    const { field } = place
    const detail = this.#message(rule, variables, place, node)
    if (detail === undefined || (!rule.usesOldSelf && place.isUnchanged())) return
    const isWhole = node.typeText === 'object' || node.typeText === 'array'
    const at = rule.fieldPath === '' ? field : childField(field, rule.fieldPath)
    this.errors.push(errorOf(rule, at, isWhole ? OMITTED_VALUE : place.value, detail))
  }

  #failed({ rule }: CompiledRule, place: Place, node: RuleNode, error: string): void {
    const text = ruleText(rule)
    if (error.startsWith('operation cancelled: actual cost limit exceeded')) {
      const what = 'no further validation rules will be run due to call cost exceeds limit for rule'
      this.#giveUp(place, node, `'${error}': ${what}: ${text}`)
      return
    }
    const detail = error.startsWith('no such overload')
      ? `'${error}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`
      : `${error} evaluating rule: ${text}`
    this.errors.push(fieldInvalid(place.field, node.typeText, detail))
  }

  /** Undefined: it could not be paid for, and nothing else will be evaluated. */
  #message(rule: CompiledRule, variables: () => Variables, place: Place, node: RuleNode): string | undefined {
    const { message } = rule
    if (message === undefined) return defaultMessage(rule)
    const { value, error, cost } = tryEvaluate(() => message.evaluate(variables(), { costLimit: PER_CALL_LIMIT }))
    if (cost > this.#budget) {
      const why = 'messageExpression evaluation failed due to running out of cost budget'
      this.#giveUp(place, node, `${why}, no further validation rules will be run`)
      return undefined
    }
    this.#budget -= cost
    if (error?.startsWith('operation cancelled') === true) {
      const why = 'no further validation rules will be run due to call cost exceeds limit for messageExpression'
      this.#giveUp(place, node, `${why}: ${JSON.stringify(rule.rule.messageExpression)}`)
      return undefined
    }
    const text = typeof value === 'string' ? value.trim() : ''
    const isUsable = text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= MESSAGE_MAX_BYTES
    return isUsable ? text : defaultMessage(rule)
  }
}

function inner(outer: Place, value: unknown, old: unknown, field: string, { schema }: RuleNode): Place {
  const isSame = old === undefined ? outer.isUnchanged : () => isUnchanged(value, old, schema)
  return { value, old, field, isUnchanged: isSame }
}

type Variables = Readonly<Record<string, unknown>>

function lazyVariables({ value, old }: Place, { type }: RuleNode, hasOptionalOld: boolean): () => Variables {
  let made: Variables | undefined
  return () => {
    if (made === undefined) {
      const before = old === undefined ? undefined : typedValue(old, type)
      made = { self: typedValue(value, type), ...oldSelf(before, hasOptionalOld) }
    }
    return made
  }
}

function oldSelf(before: CelValue | undefined, hasOptionalOld: boolean): Variables {
  if (hasOptionalOld) return { oldSelf: before === undefined ? OPTIONAL_NONE : new CelOptional(before) }
  return before === undefined ? {} : { oldSelf: before }
}

/** A scalar its format does not allow fails before the rule starts. */
function tryEvaluate(evaluate: () => Evaluation): Evaluation {
  try {
    return evaluate()
  } catch (err: unknown) {
    if (!(err instanceof EvaluationError)) throw err
    return { error: err.message, cost: 0, isCostExceeded: false }
  }
}

const ruleText = ({ rule, message = '' }: CompiledRule['rule']): string => (message === '' ? rule : message).trim()

const defaultMessage = ({ rule }: CompiledRule): string =>
  (rule.message ?? '') === '' ? `failed rule: ${ruleText(rule)}` : ruleText(rule)

function errorOf({ rule }: CompiledRule, field: string, value: unknown, detail: string): FieldError {
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return fieldForbidden(field, detail)
    case 'FieldValueRequired':
      return fieldRequired(field, detail)
    case 'FieldValueDuplicate':
      return fieldDuplicate(field, value)
    default:
      return fieldInvalid(field, value, detail)
  }
}

function byKeys(items: readonly unknown[], keys: readonly string[]): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const item of items) {
    const key = keysOf(item, keys)
    if (key !== undefined && !found.has(key)) found.set(key, item)
  }
  return found
}

/** Undefined for an item that does not have them all. */
function keysOf(item: unknown, keys: readonly string[]): string | undefined {
  if (!isObject(item)) return undefined
  const values = keys.map((key) => item[key])
  const isComplete = values.every((value) => value !== undefined && value !== null && typeof value !== 'object')
  return isComplete ? JSON.stringify(values) : undefined
}
