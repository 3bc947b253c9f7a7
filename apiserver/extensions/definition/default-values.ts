/**
 * Defaults in a CRD's schema must be valid and contain no field that would be pruned.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema/defaulting/validation.go.
 */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { aggregateFieldErrors, childField, fieldInvalid, keyField } from '#machinery/meta/field-error.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import { compileRules } from '../rules/compile.ts'
import { evaluateRules } from '../rules/evaluate.ts'
import type { SchemaNode } from '../schema/node.ts'
import { compileSchema } from '../schema/node.ts'
import { coerceEmbedded, coerceObjectMeta, validateEmbedded, validateResource } from '../schema/object-meta.ts'
import type { SchemaProps } from '../schema/props.ts'
import { itemsOf } from '../schema/props.ts'
import { prune } from '../schema/prune.ts'
import { validateValue } from '../schema/validate.ts'

/** Wraps a value of apiVersion, kind or metadata (or a part of it) into the resource it belongs to. */
type Surround = (value: unknown) => Record<string, unknown>

interface Scope {
  readonly surround: Surround
  readonly isInsideMeta: boolean
  readonly requirePruned: boolean
}

const asResource: Surround = (value) => ({ apiVersion: 'validation/v1', kind: 'Validation', ...(value as object) })

export function validateDefaults(schema: SchemaProps, field: string, requirePruned: boolean): FieldError[] {
  const errors: FieldError[] = []
  const scope: Scope = { surround: asResource, isInsideMeta: false, requirePruned }
  visit({ ...schema, 'x-kubernetes-embedded-resource': true }, field, scope, errors)
  return errors
}

function visit(schema: SchemaProps, field: string, outer: Scope, errors: FieldError[]): void {
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true
  const scope: Scope = isEmbedded ? { ...outer, surround: asResource, isInsideMeta: false } : outer
  if (schema.default !== undefined && schema.default !== null) {
    const at = childField(field, 'default')
    errors.push(...(scope.isInsideMeta ? checkMetaDefault(schema, at, scope) : checkDefault(schema, at, scope)))
  }
  // Defaults below additionalProperties are forbidden elsewhere.
  const items = itemsOf(schema)
  if (items !== undefined) {
    visit(items, childField(field, 'items'), { ...scope, surround: (value) => scope.surround([value]) }, errors)
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMeta = isEmbedded && (name === 'metadata' || name === 'apiVersion' || name === 'kind')
    const inner: Scope = {
      ...scope,
      isInsideMeta: scope.isInsideMeta || isMeta,
      surround: (value) => scope.surround({ [name]: value }),
    }
    visit(property, keyField(childField(field, 'properties'), name), inner, errors)
  }
}

function checkDefault(schema: SchemaProps, field: string, scope: Scope): FieldError[] {
  const node = compileSchema(schema)
  const value = schema.default
  const errors: FieldError[] = []
  if (scope.requirePruned) {
    const pruned = deepCopy(value)
    prune(pruned, node, { isResourceRoot: node.embedded })
    if (!deepEqual(pruned, value)) errors.push(fieldInvalid(field, value, 'must not have unknown fields'))
  }
  const coerced = deepCopy(value)
  const coerceError = coerceEmbedded(coerced, node, undefined, field)
  if (coerceError !== undefined) return [...errors, coerceError]
  const embeddedErrors = validateEmbedded(coerced, node, field)
  return [...errors, ...(embeddedErrors.length > 0 ? embeddedErrors : checkValue(value, node, field))]
}

/** By the schema, then by its rules: first as what has not changed, then as what is new. */
function checkValue(value: unknown, node: SchemaNode, field: string): FieldError[] {
  const errors = validateValue(value, node, { prefix: field })
  const rules = errors.length > 0 ? undefined : compileRules(node, node.embedded)
  if (rules === undefined) return errors
  const unchanged = evaluateRules(value, value, rules)
  const broken = unchanged.length > 0 ? unchanged : evaluateRules(value, undefined, rules)
  return broken.map((error) => ({ ...error, field: pathBelow(field, error.field) }))
}

function pathBelow(field: string, path: string): string {
  return path.startsWith('[') || path === '' ? `${field}${path}` : childField(field, path)
}

function checkMetaDefault(schema: SchemaProps, field: string, scope: Scope): FieldError[] {
  const resource = deepCopy(scope.surround(schema.default))
  const problem = coerceObjectMeta(resource, '')
  const detail = problem ?? aggregateFieldErrors(validateResource(resource, ''))
  if (detail !== '') return [fieldInvalid(field, schema.default, `must result in valid metadata: ${detail}`)]
  return checkValue(schema.default, compileSchema(schema), field)
}
