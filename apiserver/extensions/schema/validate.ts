/**
 * Validates a value against a compiled schema with upstream's error texts. With an old value, errors in parts that did
 * not change are forgiven (ratcheting), so that a tightened schema does not block unrelated updates.
 * Upstream: kube-openapi pkg/validation/validate, apiextensions-apiserver pkg/apiserver/validation/{validation,ratcheting}.go.
 */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import { isUnchanged, NO_OLD, oldItemFinder } from './correlation.ts'
import type { SchemaNode } from './node.ts'
import { validateNumber } from './number-validation.ts'
import { ValidationResult } from './validation-result.ts'

interface ValidateOptions {
  /** Field the value sits at, '' for a whole object. */
  readonly prefix?: string
  /** The value before the update. Absent: nothing is forgiven. */
  readonly old?: unknown
}

type Members = Readonly<Record<string, unknown>>

export function validateValue(value: unknown, node: SchemaNode, options: ValidateOptions = {}): FieldError[] {
  const result = new ValidationResult()
  validateRatcheting(value, options.old === undefined ? NO_OLD : options.old, node, result)
  return result.count === 0 ? [] : result.fieldErrors(options.prefix ?? '')
}

function validateRatcheting(value: unknown, old: unknown, node: SchemaNode, result: ValidationResult): void {
  const before = result.count
  validateNode(value, old, node, result)
  if (result.count > before && isUnchanged(value, old, node)) result.truncate(before)
}

function validateNode(value: unknown, old: unknown, node: SchemaNode, result: ValidationResult): void {
  if (value === null || value === undefined) {
    validateType(value, node, result)
    validateEnum(null, node, result)
    return
  }
  if (node.types.length > 0 || node.format !== '') {
    validateType(value, node, result)
    result.matchCount++
  }
  validateJunctors(value, old, node, result)
  result.matchCount++
  if (typeof value === 'string') validateString(value, node, result)
  else if (typeof value === 'number') validateNumber(value, node, result)
  else if (Array.isArray(value)) validateArray(value, old, node, result)
  validateEnum(value, node, result)
  if (typeof value === 'object' && !Array.isArray(value)) validateObject(value as Members, old, node, result)
  result.matchCount += 2
}

/** Go's idea of the JSON value's type, and the format it implies. */
function goTypeOf(value: unknown): readonly [type: string, format: string] {
  switch (typeof value) {
    case 'string':
      return ['string', '']
    case 'boolean':
      return ['boolean', '']
    case 'number':
      return Number.isInteger(value) ? ['integer', 'int64'] : ['number', 'float64']
    default:
      return [Array.isArray(value) ? 'array' : 'object', '']
  }
}

function validateType(value: unknown, node: SchemaNode, result: ValidationResult): void {
  if (value === null || value === undefined) {
    if (node.types.length > 0 && !node.nullable) addTypeError(node.typeText, 'null', result)
    else result.matchCount++
    return
  }
  const [type, format] = goTypeOf(value)
  const isAccepted = node.types.includes(type) || (type === 'integer' && node.types.includes('number'))
  const isText = type === 'string' || type === 'array'
  if (isAccepted) {
    result.matchCount++
    return
  }
  if (!isText && node.format !== '' && format !== node.format) {
    addTypeError(node.format, format, result)
    return
  }
  // Upstream leaves the type of a string (and, by accident, of a list) with a string format to the format's check.
  const isNumeric = node.types.includes('number') || node.types.includes('integer')
  if (!isNumeric && node.format !== '' && isText) result.matchCount++
  else addTypeError(node.typeText, type, result)
}

function addTypeError(expected: string, actual: string, result: ValidationResult): void {
  const path = result.path()
  const detail = `${path} in body must be of type ${expected}: ${JSON.stringify(actual)}`
  result.add({ type: 'FieldValueTypeInvalid', path, badValue: actual, detail })
}

function validateEnum(value: unknown, node: SchemaNode, result: ValidationResult): void {
  const allowed = node.enumValues
  if (allowed === undefined || (value !== null && allowed.some((one) => deepEqual(one, value)))) return
  const texts = allowed.map((one) => JSON.stringify(typeof one === 'string' ? one : JSON.stringify(one)))
  const detail = `supported values: ${texts.join(', ')}`
  result.add({ type: 'FieldValueNotSupported', path: result.path(), badValue: value, detail })
}

/** Characters as Go counts them. */
function runeCount(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

/** At most one of the length and pattern errors is reported, as upstream does. */
function validateString(text: string, node: SchemaNode, result: ValidationResult): void {
  const { minLength, maxLength, pattern, formatCheck } = node
  if (maxLength !== undefined && text.length > maxLength && runeCount(text) > maxLength) {
    const detail = `may not be more than ${maxLength} bytes`
    result.add({ type: 'FieldValueTooLong', path: result.path(), detail })
  } else if (minLength !== undefined && (text.length < minLength || runeCount(text) < minLength)) {
    addInvalid(text, `should be at least ${minLength} chars long`, result)
  } else if (pattern !== undefined && !pattern.test(text)) {
    const problem = pattern.problem()
    const source = problem === '' ? pattern.source : `${pattern.source}, but pattern is invalid: ${problem}`
    addInvalid(text, `should match '${source}'`, result)
  }
  if (formatCheck !== undefined && !formatCheck(text)) addTypeError(node.format, text, result)
}

function addInvalid(badValue: unknown, rule: string, result: ValidationResult): void {
  const path = result.path()
  result.add({ type: 'FieldValueInvalid', path, badValue, detail: `${path} in body ${rule}` })
}

function addTooMany(actual: number, max: number, result: ValidationResult): void {
  const detail = `must have at most ${max} items`
  result.add({ type: 'FieldValueTooMany', path: result.path(), badValue: actual, detail })
}

function validateArray(list: readonly unknown[], old: unknown, node: SchemaNode, result: ValidationResult): void {
  const { items, minItems, maxItems } = node
  if (items !== undefined) {
    const correlate = oldItemFinder(old, node)
    for (let i = 0; i < list.length; i++) {
      result.push(i)
      validateRatcheting(list[i], correlate(list[i]), items, result)
      result.pop()
    }
  }
  if (minItems !== undefined && list.length < minItems) {
    addInvalid(list.length, `should have at least ${minItems} items`, result)
  }
  if (maxItems !== undefined && list.length > maxItems) addTooMany(list.length, maxItems, result)
  if (node.uniqueItems && list.some((item, i) => list.slice(0, i).some((other) => deepEqual(item, other)))) {
    addInvalid('', "shouldn't contain duplicates", result)
  }
  result.matchCount++
}

function validateObject(members: Members, old: unknown, node: SchemaNode, result: ValidationResult): void {
  validateMemberCount(members, node, result)
  const oldMembers = typeof old === 'object' && old !== null && !Array.isArray(old) ? (old as Members) : undefined
  if (node.additional !== undefined) validateAdditional(members, oldMembers, node, result)
  if (node.properties !== undefined) {
    for (const [name, property] of node.properties) {
      if (Object.hasOwn(members, name)) validateMember(name, members[name], oldMembers, property, result)
    }
  }
  for (const name of node.required) {
    if (Object.hasOwn(members, name)) continue
    result.push(name)
    result.add({ type: 'FieldValueRequired', path: result.path(), detail: '' })
    result.pop()
  }
}

function validateMember(
  name: string,
  value: unknown,
  oldMembers: Members | undefined,
  node: SchemaNode,
  result: ValidationResult,
): void {
  // Both objects have been converted to one version: what changed in them cannot be seen.
  const isTypeMeta = result.isAtRoot && (name === 'apiVersion' || name === 'kind')
  result.push(name)
  const hasOld = !isTypeMeta && oldMembers !== undefined && Object.hasOwn(oldMembers, name)
  const old = hasOld ? oldMembers[name] : NO_OLD
  validateRatcheting(value, old, node, result)
  result.pop()
}

function validateMemberCount(members: Members, node: SchemaNode, result: ValidationResult): void {
  const { minProperties, maxProperties } = node
  if (minProperties === undefined && maxProperties === undefined) return
  const count = Object.keys(members).length
  if (minProperties !== undefined && count < minProperties) {
    addInvalid(count, `should have at least ${minProperties} properties`, result)
  }
  if (maxProperties !== undefined && count > maxProperties) addTooMany(count, maxProperties, result)
}

function validateAdditional(
  members: Members,
  oldMembers: Members | undefined,
  node: SchemaNode,
  result: ValidationResult,
): void {
  const additional = node.additional
  for (const name of Object.keys(members)) {
    if (node.properties?.has(name) === true) continue
    if (additional?.node !== undefined) {
      validateMember(name, members[name], oldMembers, additional.node, result)
    } else if (additional?.allowed === false) {
      const path = result.path()
      const detail = `${path}.${name} in body is a forbidden property`
      result.add({ type: 'FieldValueInvalid', path, badValue: name, detail })
    }
  }
}

function validateJunctors(value: unknown, old: unknown, node: SchemaNode, result: ValidationResult): void {
  if (node.anyOf !== undefined) validateAnyOf(value, old, node.anyOf, result)
  if (node.oneOf !== undefined) validateOneOf(value, old, node.oneOf, result)
  if (node.allOf !== undefined) validateAllOf(value, old, node.allOf, result)
  const not = node.not
  if (not !== undefined) {
    const outcome = result.isolate(() => validateNode(value, NO_OLD, not, result))
    if (outcome.findings.length === 0) addJunctorError('must not validate the schema (not)', result)
  }
}

/** These name the field in the text only: upstream reports them for the whole object. */
function addJunctorError(rule: string, result: ValidationResult): void {
  const detail = `${JSON.stringify(result.path())} ${rule}`
  result.add({ type: 'FieldValueInvalid', path: undefined, badValue: '', detail })
}

type Outcome = ReturnType<ValidationResult['isolate']>

function validateAnyOf(value: unknown, old: unknown, nodes: readonly SchemaNode[], result: ValidationResult): void {
  let best: Outcome | undefined
  for (const node of nodes) {
    const outcome = result.isolate(() => validateNode(value, old, node, result))
    if (outcome.findings.length === 0) {
      result.matchCount += outcome.matchCount
      return
    }
    if (best === undefined || outcome.matchCount > best.matchCount) best = outcome
  }
  addJunctorError('must validate at least one schema (anyOf)', result)
  if (best !== undefined) result.merge(best)
}

function validateOneOf(value: unknown, old: unknown, nodes: readonly SchemaNode[], result: ValidationResult): void {
  let best: Outcome | undefined
  let success: Outcome | undefined
  let validCount = 0
  for (const node of nodes) {
    const outcome = result.isolate(() => validateNode(value, old, node, result))
    if (outcome.findings.length === 0) {
      validCount++
      success ??= outcome
    } else if (validCount === 0 && (best === undefined || outcome.matchCount > best.matchCount)) {
      best = outcome
    }
  }
  if (validCount === 1) {
    result.matchCount += success?.matchCount ?? 0
    return
  }
  const found = validCount === 0 ? 'Found none valid' : `Found ${validCount} valid alternatives`
  addJunctorError(`must validate one and only one schema (oneOf). ${found}`, result)
  if (validCount === 0 && best !== undefined) result.merge(best)
}

function validateAllOf(value: unknown, old: unknown, nodes: readonly SchemaNode[], result: ValidationResult): void {
  let validCount = 0
  for (const node of nodes) {
    const outcome = result.isolate(() => validateNode(value, old, node, result))
    if (outcome.findings.length === 0) validCount++
    result.merge(outcome)
  }
  if (validCount === nodes.length) return
  addJunctorError(`must validate all the schemas (allOf)${validCount === 0 ? '. None validated' : ''}`, result)
}
