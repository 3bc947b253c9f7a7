/** What is accepted in a CRD but will not do what it says. Upstream: pkg/registry/customresourcedefinition/strategy.go. */
import { effectiveFormat } from '../schema/formats.ts'
import type { SchemaProps } from '../schema/props.ts'
import { someSchema } from '../schema/props.ts'
import type { Crd } from './types.ts'

/** Warnings the old CRD already gave are not repeated. */
export function crdWarnings(crd: Crd, old: Crd | undefined): string[] {
  const known = new Set(old === undefined ? [] : warningsOf(old))
  return warningsOf(crd).filter((warning) => !known.has(warning))
}

function warningsOf(crd: Crd): string[] {
  const warnings = new Set<string>()
  for (const version of crd.spec.versions) {
    someSchema(version.schema?.openAPIV3Schema, (schema) => {
      warnOf(schema, warnings)
      return false
    })
  }
  return [...warnings]
}

function warnOf(schema: SchemaProps, warnings: Set<string>): void {
  const types = schema.type === undefined ? [] : [schema.type]
  if (schema.format !== undefined && schema.format !== '' && effectiveFormat(types, schema.format) === '') {
    warnings.add(`unrecognized format ${JSON.stringify(schema.format)}`)
  }
}
