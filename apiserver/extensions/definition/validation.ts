/**
 * Validation of CustomResourceDefinitions, with upstream's paths and texts. What a stored CRD already violates does not
 * stop its updates.
 * Upstream: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go, and v1/conversion.go for the paths.
 */
import type { CustomResourceDefinitionNames } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { childField, fieldInvalid, fieldNotSupported, fieldRequired, indexField } from '#machinery/meta/field-error.ts'
import { isDns1035Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { SchemaProps } from '../schema/props.ts'
import { someSchema } from '../schema/props.ts'
import { structuralProblem, validateStructural } from '../schema/structural.ts'
import { validateApproval } from './api-approval.ts'
import { isConditionTrue } from './conditions.ts'
import type { ConversionOptions } from './conversion-rules.ts'
import { isKnownReviewVersion, isValidCaBundle, validateConversion } from './conversion-rules.ts'
import { validateDefaults } from './default-values.ts'
import { ALL_SCHEMA_RULES, listKeyProblems, nonAtomicSetItem } from './schema-rules.ts'
import type { Crd, CrdSpec, CrdVersion } from './types.ts'
import type { SchemaOptions } from './version-rules.ts'
import {
  validateColumn,
  validateDeprecation,
  validateSelectableFields,
  validateSubresources,
  validateVersionSchema,
} from './version-rules.ts'

interface Options {
  readonly schema: SchemaOptions
  readonly conversion: ConversionOptions
  readonly requireSchemas: boolean
  readonly old: CrdSpec | undefined
}

const CREATE_OPTIONS: Options = {
  schema: { ...ALL_SCHEMA_RULES, requireStructural: true, requirePrunedDefaults: true },
  conversion: { requireKnownReviewVersion: true, allowInvalidCaBundle: true },
  requireSchemas: true,
  old: undefined,
}

export function validateCrd(crd: Crd): FieldError[] {
  const errors: FieldError[] = []
  const { names, group } = crd.spec
  const name = crd.metadata.name ?? ''
  if (name !== `${names.plural}.${group}`) {
    errors.push(fieldInvalid('metadata.name', name, 'must be spec.names.plural+"."+spec.group'))
  }
  return [...errors, ...validateSpec(crd.spec, CREATE_OPTIONS), ...validateRest(crd, undefined)]
}

export function validateCrdUpdate(crd: Crd, old: Crd): FieldError[] {
  const errors = validateSpec(crd.spec, updateOptions(old))
  const keep = (value: unknown, oldValue: unknown, field: string): void => {
    if (!deepEqual(value, oldValue)) errors.push(fieldInvalid(field, value, 'field is immutable'))
  }
  if (isConditionTrue(old, 'Established')) {
    keep(crd.spec.scope, old.spec.scope, 'spec.scope')
    keep(crd.spec.names.kind, old.spec.names.kind, 'spec.names.kind')
  }
  keep(crd.spec.group, old.spec.group, 'spec.group')
  keep(crd.spec.names.plural, old.spec.names.plural, 'spec.names.plural')
  return [...errors, ...validateRest(crd, old)]
}

export function validateCrdStatusUpdate(crd: Crd): FieldError[] {
  return validateNames(crd.status?.acceptedNames ?? { plural: '', kind: '' }, 'status.acceptedNames')
}

function validateRest(crd: Crd, old: Crd | undefined): FieldError[] {
  const errors = validateCrdStatusUpdate(crd)
  errors.push(...validateStoredVersions(crd.status?.storedVersions ?? [], crd.spec.versions))
  errors.push(...validateApproval(crd, old))
  if (crd.spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true) {
    const detail =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
    errors.push(fieldInvalid('spec.preserveUnknownFields', true, detail))
  }
  return errors
}

function updateOptions(old: Crd): Options {
  const schemas = old.spec.versions.map((version) => version.schema?.openAPIV3Schema)
  const some = (matches: (schema: SchemaProps) => boolean): boolean =>
    schemas.some((schema) => someSchema(schema, matches))
  const reviewVersions = old.spec.conversion?.webhook?.conversionReviewVersions ?? []
  const caBundle = old.spec.conversion?.webhook?.clientConfig?.caBundle ?? ''
  return {
    schema: {
      requireValidType: !some(({ type = '' }) => type !== '' && !VALID_TYPES.includes(type)),
      requireAtomicSetItems: !some((schema) => nonAtomicSetItem(schema) !== undefined),
      requireSoundListKeys: !some((schema) => listKeyProblems(schema, '').length > 0),
      requireStructural: !schemas.some((schema) => schema !== undefined && !isStructural(schema)),
      requirePrunedDefaults: !schemas.some((schema) => schema !== undefined && hasUnprunedDefaults(schema)),
    },
    conversion: {
      requireKnownReviewVersion: reviewVersions.length === 0 || reviewVersions.some(isKnownReviewVersion),
      allowInvalidCaBundle: !isConditionTrue(old, 'Established') || !isValidCaBundle(caBundle),
    },
    requireSchemas: schemas.every((schema) => schema !== undefined),
    old: old.spec,
  }
}

const VALID_TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']

function isStructural(schema: SchemaProps): boolean {
  return structuralProblem(schema) === undefined && validateStructural(schema, '').length === 0
}

function hasUnprunedDefaults(schema: SchemaProps): boolean {
  const hasDefaults = someSchema(schema, isDefaulted)
  if (!hasDefaults || !isStructural(schema)) return false
  return validateDefaults(schema, '', true).some((error) => error.detail === 'must not have unknown fields')
}

function validateSpec(spec: CrdSpec, options: Options): FieldError[] {
  const errors = validateGroupAndScope(spec)
  const versions = spec.versions ?? []
  errors.push(...validateSchemasPresent(spec, options))
  const usesExtensions = versions.some((version) =>
    someSchema(version.schema?.openAPIV3Schema, usesKubernetesExtension),
  )
  const requireStructural = options.schema.requireStructural || usesExtensions || spec.preserveUnknownFields !== true
  const schemaOptions: SchemaOptions = { ...options.schema, requireStructural }
  const hasDefaults = versions.some((version) => someSchema(version.schema?.openAPIV3Schema, isDefaulted))
  if (spec.preserveUnknownFields === true && hasDefaults) {
    const detail = 'must be false in order to use defaults in the schema'
    errors.push(fieldInvalid('spec.preserveUnknownFields', true, detail))
  }
  errors.push(...validateVersions(versions, { ...options, schema: schemaOptions }))
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!spec.names[name]) errors.push(fieldRequired(`spec.names.${name}`, ''))
  }
  errors.push(...validateNames(spec.names, 'spec.names'))
  errors.push(...validateShared(versions, { ...options, schema: schemaOptions }))
  const strategy = spec.conversion?.strategy
  if (strategy !== undefined && strategy !== 'None' && spec.preserveUnknownFields === true) {
    const detail = 'must be None if spec.preserveUnknownFields is true'
    errors.push(fieldInvalid('spec.conversion.strategy', strategy, detail))
  }
  errors.push(...validateConversion(spec.conversion, 'spec.conversion', options.conversion))
  return errors
}

function usesKubernetesExtension(schema: SchemaProps): boolean {
  return (
    schema['x-kubernetes-embedded-resource'] === true ||
    schema['x-kubernetes-preserve-unknown-fields'] !== undefined ||
    schema['x-kubernetes-int-or-string'] === true ||
    schema['x-kubernetes-list-type'] !== undefined ||
    (schema['x-kubernetes-list-map-keys'] ?? []).length > 0 ||
    (schema['x-kubernetes-validations'] ?? []).length > 0 ||
    isDefaulted(schema)
  )
}

const isDefaulted = (schema: SchemaProps): boolean => schema.default !== undefined && schema.default !== null

function validateGroupAndScope(spec: CrdSpec): FieldError[] {
  const errors: FieldError[] = []
  const { group = '', scope = '' } = spec as Partial<CrdSpec>
  const groupProblems = isDns1123Subdomain(group)
  if (group === '') errors.push(fieldRequired('spec.group', ''))
  else if (groupProblems.length > 0) errors.push(fieldInvalid('spec.group', group, groupProblems.join(',')))
  else if (!group.includes('.')) {
    errors.push(fieldInvalid('spec.group', group, 'should be a domain with at least one dot'))
  }
  if (scope === '') errors.push(fieldRequired('spec.scope', ''))
  else if (scope !== 'Cluster' && scope !== 'Namespaced') {
    errors.push(fieldNotSupported('spec.scope', scope, ['Cluster', 'Namespaced']))
  }
  return errors
}

function validateSchemasPresent(spec: CrdSpec, options: Options): FieldError[] {
  const errors: FieldError[] = []
  ;(spec.versions ?? []).forEach((version, i) => {
    if (version.schema?.openAPIV3Schema !== undefined) return
    const field = `spec.versions[${i}].schema.openAPIV3Schema`
    if (options.requireSchemas) errors.push(fieldRequired(field, ''))
    else if (version.served && spec.preserveUnknownFields !== true) {
      errors.push(fieldRequired(field, 'because otherwise all fields are pruned'))
    }
  })
  return errors
}

type PerVersionField = 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields'

/** Upstream speaks of values that all versions share at their old, top-level place. */
function isShared(versions: readonly CrdVersion[], field: PerVersionField): boolean {
  return versions.every((version) => deepEqual(version[field], versions[0]?.[field]))
}

const hasStatus = (version: CrdVersion): boolean =>
  version.subresources?.status !== undefined && version.subresources.status !== null

function validateVersions(versions: readonly CrdVersion[], options: Options): FieldError[] {
  const errors: FieldError[] = []
  versions.forEach((version, i) => {
    const field = `spec.versions[${i}]`
    const nameProblems = isDns1035Label(version.name ?? '')
    if (nameProblems.length > 0) errors.push(fieldInvalid(`${field}.name`, version.name ?? '', nameProblems.join(',')))
    for (const problem of validateDeprecation(version)) {
      errors.push(fieldInvalid(`${field}.deprecationWarning`, version.deprecationWarning, problem))
    }
    const schema = version.schema?.openAPIV3Schema
    if (schema !== undefined && !isShared(versions, 'schema')) {
      errors.push(...validateVersionSchema(schema, `${field}.schema`, hasStatus(version), options.schema))
    }
    errors.push(...validateServing(version, versions, field, options))
  })
  if (new Set(versions.map((version) => version.name)).size !== versions.length) {
    errors.push(fieldInvalid('spec.versions', versions, 'must contain unique version names'))
  }
  if (versions.filter((version) => version.storage).length !== 1) {
    errors.push(fieldInvalid('spec.versions', versions, 'must have exactly one version marked as storage version'))
  }
  return errors
}

function validateServing(
  version: CrdVersion,
  versions: readonly CrdVersion[],
  field: string,
  options: Options,
): FieldError[] {
  const errors: FieldError[] = []
  if (version.subresources !== undefined && !isShared(versions, 'subresources')) {
    errors.push(...validateSubresources(version.subresources, `${field}.subresources`))
  }
  if (!isShared(versions, 'additionalPrinterColumns')) {
    version.additionalPrinterColumns?.forEach((column, i) => {
      errors.push(...validateColumn(column, indexField(`${field}.additionalPrinterColumns`, i)))
    })
  }
  if (version.selectableFields !== undefined && !isShared(versions, 'selectableFields')) {
    errors.push(...validateSelectable(version, `${field}.selectableFields`, options))
  }
  return errors
}

function validateSelectable(version: CrdVersion, field: string, options: Options): FieldError[] {
  const fields = version.selectableFields ?? []
  if (fields.length === 0) return []
  if (version.schema?.openAPIV3Schema === undefined) {
    const detail = 'may only be set when `version.schema.openAPIV3Schema` is not included'
    return [fieldInvalid(field, '', detail)]
  }
  const old = options.old?.versions.find((one) => one.name === version.name)
  const isUnchanged = old !== undefined && deepEqual(old.selectableFields, fields)
  return validateSelectableFields(fields, version.schema?.openAPIV3Schema, field, isUnchanged)
}

function validateShared(versions: readonly CrdVersion[], options: Options): FieldError[] {
  const [first] = versions
  if (first === undefined) return []
  const errors: FieldError[] = []
  const schema = first.schema?.openAPIV3Schema
  if (schema !== undefined && isShared(versions, 'schema')) {
    errors.push(...validateVersionSchema(schema, 'spec.validation', versions.some(hasStatus), options.schema))
  }
  if (first.subresources !== undefined && isShared(versions, 'subresources')) {
    errors.push(...validateSubresources(first.subresources, 'spec.subresources'))
  }
  if (isShared(versions, 'additionalPrinterColumns')) {
    first.additionalPrinterColumns?.forEach((column, i) => {
      errors.push(...validateColumn(column, indexField('spec.additionalPrinterColumns', i)))
    })
  }
  if (!isShared(versions, 'selectableFields') || (first.selectableFields ?? []).length === 0) return errors
  // Upstream has no schema to look at here unless all versions share it, too.
  if (!isShared(versions, 'schema') || first.schema === undefined) {
    errors.push(fieldInvalid('spec.selectableFields', '', 'may only be set when validations.schema is included'))
  } else {
    errors.push(...validateSelectable(first, 'spec.selectableFields', options))
  }
  return errors
}

function validateNames(names: CustomResourceDefinitionNames, field: string): FieldError[] {
  const errors: FieldError[] = []
  const check = (name: string, at: string, text = name, prefix = ''): void => {
    const problems = name === '' ? [] : isDns1035Label(text)
    if (problems.length > 0) errors.push(fieldInvalid(at, name, prefix + problems.join(',')))
  }
  const { plural = '', singular = '', kind = '', listKind = '' } = names as Partial<CustomResourceDefinitionNames>
  const mixedCase = 'may have mixed case, but should otherwise match: '
  check(plural, childField(field, 'plural'))
  check(singular, childField(field, 'singular'))
  check(kind, childField(field, 'kind'), kind.toLowerCase(), mixedCase)
  check(listKind, childField(field, 'listKind'), listKind.toLowerCase(), mixedCase)
  const checkList = (list: readonly string[] | undefined, at: string): void => {
    list?.forEach((name, i) => {
      const problems = isDns1035Label(name)
      if (problems.length > 0) errors.push(fieldInvalid(indexField(at, i), name, problems.join(',')))
    })
  }
  checkList(names.shortNames, childField(field, 'shortNames'))
  if (kind !== '' && kind === listKind) {
    errors.push(fieldInvalid(childField(field, 'listKind'), listKind, 'kind and listKind may not be the same'))
  }
  checkList(names.categories, childField(field, 'categories'))
  return errors
}

function validateStoredVersions(stored: readonly string[], versions: readonly CrdVersion[]): FieldError[] {
  const field = 'status.storedVersions'
  if (stored.length === 0) return [fieldInvalid(field, stored, 'must have at least one stored version')]
  const errors: FieldError[] = []
  for (const version of versions) {
    if (version.storage && !stored.includes(version.name)) {
      errors.push(fieldInvalid(field, stored, `must have the storage version ${version.name}`))
    }
  }
  stored.forEach((name, i) => {
    if (versions.some((version) => version.name === name)) return
    const detail = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`
    errors.push(fieldInvalid(indexField(field, i), name, detail))
  })
  return errors
}
