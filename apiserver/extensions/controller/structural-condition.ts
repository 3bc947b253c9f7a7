/** The NonStructuralSchema condition. Upstream: apiextensions-apiserver pkg/controller/nonstructuralschema. */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { aggregateFieldErrors, fieldInvalid } from '#machinery/meta/field-error.ts'
import type { NewCondition } from '../definition/conditions.ts'
import type { Crd } from '../definition/types.ts'
import { structuralProblem, validateStructural } from '../schema/structural.ts'

/** Undefined when every schema is structural. */
export function nonStructuralCondition(crd: Crd): NewCondition | undefined {
  const errors: FieldError[] = []
  if (crd.spec.preserveUnknownFields === true) {
    errors.push(fieldInvalid('spec.preserveUnknownFields', true, 'must be false'))
  }
  for (const [i, version] of crd.spec.versions.entries()) {
    const schema = version.schema?.openAPIV3Schema
    if (schema === undefined) continue
    const problem = structuralProblem(schema)
    if (problem !== undefined) {
      const message = `failed to check validation schema for version ${version.name}: ${problem}`
      return { type: 'NonStructuralSchema', status: 'Unknown', reason: 'StructuralError', message }
    }
    errors.push(...validateStructural(schema, `spec.versions[${i}].schema.openAPIV3Schema`))
  }
  if (errors.length === 0) return undefined
  return { type: 'NonStructuralSchema', status: 'True', reason: 'Violations', message: aggregateFieldErrors(errors) }
}
