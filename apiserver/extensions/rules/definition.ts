/**
 * The rules of a CRD when it is written: they compile, may look back only where there is something to look back at, and
 * cannot cost too much for the largest object there may be.
 * Upstream: apiextensions-apiserver pkg/apis/apiextensions/validation/{validation,cel_validation}.go. Differs: a schema with
 * any other error has its rules not looked at.
 */
import type { CheckedExpr } from '#machinery/cel/checker.ts'
import { estimateCost } from '#machinery/cel/estimate.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { childField, fieldForbidden, fieldInvalid, indexField, keyField } from '#machinery/meta/field-error.ts'
import { compileSchema, type SchemaNode } from '../schema/node.ts'
import type { SchemaProps } from '../schema/props.ts'
import { type CompiledRule, compileNodeRules } from './compile.ts'
import { type DeclaredType, declareType, REQUEST_MAX_BYTES } from './declared-type.ts'
import { normalizeFieldPath } from './field-path.ts'

/** Of one rule, and of all rules of one version, on the largest object. */
const RULE_COST_LIMIT = 10_000_000
const TOTAL_COST_LIMIT = 100_000_000
const EXPENSIVE_MAX = 4
const HINT =
  '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'

interface Place {
  readonly field: string
  readonly isResource: boolean
  readonly known: DeclaredType | undefined
  /** How often there can be one in an object; undefined: as often as fits. */
  readonly cardinality: number | undefined
  /** The list whose items are not the same ones before and after an update. */
  readonly uncorrelatable: string | undefined
}

/** `field`: of openAPIV3Schema. */
export function validateRuleDefinitions(schema: SchemaProps, field: string): FieldError[] {
  const node = compileSchema(schema)
  if (!node.hasRules) return []
  const check = new DefinitionCheck()
  check.visit(node, { field, isResource: true, known: undefined, cardinality: 1, uncorrelatable: undefined })
  return [...check.errors, ...check.totalErrors(field)]
}

class DefinitionCheck {
  readonly errors: FieldError[] = []
  readonly #expensive: { readonly field: string; readonly cost: number }[] = []
  #total = 0

  visit(node: SchemaNode, place: Place): void {
    if (!node.hasRules) return
    const type = place.known ?? declareType(node, place.isResource)
    const each = elementsMax(node)
    const inner = {
      cardinality: place.cardinality === undefined || each === undefined ? undefined : place.cardinality * each,
      uncorrelatable: place.uncorrelatable,
    }
    if (node.additional?.node !== undefined) {
      const values = node.additional.node
      const known = type?.kind === 'map' ? type.element : undefined
      this.visit(values, {
        ...inner,
        field: childField(place.field, 'additionalProperties'),
        isResource: values.embedded,
        known,
      })
    }
    const typeOf = new Map([...(type?.fields?.values() ?? [])].map((one) => [one.property, one.type]))
    for (const [name, property] of node.properties ?? []) {
      const field = keyField(childField(place.field, 'properties'), name)
      const known = place.isResource && name === 'metadata' ? undefined : typeOf.get(name)
      this.visit(property, { ...inner, field, isResource: property.embedded, known })
    }
    if (node.items !== undefined) {
      const uncorrelatable = inner.uncorrelatable ?? (node.listType === 'map' ? undefined : place.field)
      const field = childField(place.field, 'items')
      this.visit(node.items, { ...inner, uncorrelatable, field, isResource: node.items.embedded, known: type?.element })
    }
    if (type !== undefined) this.#checkRules(node, type, place)
  }

  #checkRules(node: SchemaNode, type: DeclaredType, place: Place): void {
    for (const [i, compiled] of compileNodeRules(node, type).entries()) {
      const at = indexField(childField(place.field, 'x-kubernetes-validations'), i)
      const { rule } = compiled
      if (normalizeFieldPath(rule.fieldPath ?? '', node) === undefined) {
        this.errors.push(fieldInvalid(childField(at, 'fieldPath'), rule.fieldPath, 'must be a valid path'))
      }
      this.#checkCost(compiled.checked, type, place.cardinality, { field: childField(at, 'rule'), what: 'rule' })
      if (compiled.problem !== undefined) {
        this.errors.push(fieldInvalid(childField(at, 'rule'), rule, compiled.problem))
      }
      const messageField = childField(at, 'messageExpression')
      if (compiled.messageProblem !== undefined) {
        this.errors.push(fieldInvalid(messageField, rule, compiled.messageProblem))
      }
      this.#checkCost(compiled.checkedMessage, type, 1, { field: messageField, what: 'messageExpression' })
      this.#checkOldSelf(compiled, at, place)
    }
  }

  #checkOldSelf({ rule, usesOldSelf }: CompiledRule, at: string, { uncorrelatable }: Place): void {
    if (usesOldSelf && uncorrelatable !== undefined) {
      const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`
      this.errors.push(fieldInvalid(childField(at, 'rule'), rule.rule, detail))
    } else if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
      const detail = 'may not be set if oldSelf is not used in rule'
      this.errors.push(fieldInvalid(childField(at, 'optionalOldSelf'), rule.optionalOldSelf, detail))
    }
  }

  #checkCost(
    checked: CheckedExpr | undefined,
    type: DeclaredType,
    cardinality: number | undefined,
    { field, what }: { readonly field: string; readonly what: string },
  ): void {
    if (checked === undefined) return
    const times = cardinality ?? Math.floor(REQUEST_MAX_BYTES / (type.minSize + 1))
    const cost = estimateCost(checked, (path) => sizeAt(type, path)) * times
    if (cost > RULE_COST_LIMIT) {
      this.errors.push(fieldForbidden(field, costMessage(`estimated ${what} cost`, cost, RULE_COST_LIMIT)))
    }
    this.#total += cost
    if (cost >= TOTAL_COST_LIMIT / 100) this.#expensive.push({ field, cost })
  }

  totalErrors(field: string): FieldError[] {
    if (this.#total <= TOTAL_COST_LIMIT) return []
    const worst = [...this.#expensive].sort((a, b) => b.cost - a.cost).slice(0, EXPENSIVE_MAX)
    const detail = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
    return [
      ...worst.map((one) => fieldForbidden(one.field, detail)),
      fieldForbidden(field, costMessage(what, this.#total, TOTAL_COST_LIMIT)),
    ]
  }
}

function costMessage(what: string, cost: number, limit: number): string {
  const times = cost / limit
  const factor = times > 100 ? 'more than 100x' : `${times.toFixed(times < 1.5 ? 6 : 1)}x`
  return `${what} exceeds budget by factor of ${factor} ${HINT}`
}

/** How many parts of the kind below there can be in one of these; undefined: no bound is declared. */
function elementsMax(node: SchemaNode): number | undefined {
  if (node.types[0] === 'array') return node.maxItems
  return node.additional?.node === undefined ? 1 : node.maxProperties
}

/** The path starts at `self` or `oldSelf`. */
function sizeAt(root: DeclaredType, [, ...path]: readonly string[]): number | undefined {
  let type: DeclaredType | undefined = root
  for (const part of path) {
    if (part === '@items' || part === '@values') type = type?.element
    else if (part === '@keys') return type?.kind === 'map' ? REQUEST_MAX_BYTES - 2 : undefined
    else type = type?.fields?.get(part)?.type
    if (type === undefined) return undefined
  }
  return type?.maxElements
}
