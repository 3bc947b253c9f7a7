/** CreateOptions, UpdateOptions and PatchOptions from the query. Upstream: apimachinery pkg/apis/meta/v1/validation. */
import { newInvalid } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '#machinery/meta/field-error.ts'
import type { FieldValidation } from '#machinery/schema/interfaces.ts'
import type { Query } from '../interfaces.ts'

export interface WriteOptions {
  readonly isDryRun: boolean
  /** Upstream's default since 1.27 is Warn. */
  readonly fieldValidation: FieldValidation
  /** For admission: the options object as sent. */
  readonly options: Readonly<Record<string, unknown>>
}

const FIELD_MANAGER_MAX_BYTES = 128
const DIRECTIVES: readonly string[] = ['', 'Ignore', 'Strict', 'Warn']
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu

const WITHOUT_QUERY: Readonly<Record<'CreateOptions' | 'UpdateOptions' | 'PatchOptions', WriteOptions>> = {
  CreateOptions: defaults('CreateOptions'),
  UpdateOptions: defaults('UpdateOptions'),
  PatchOptions: defaults('PatchOptions'),
}

function defaults(kind: string): WriteOptions {
  return { isDryRun: false, fieldValidation: 'Warn', options: Object.freeze({ kind, apiVersion: 'meta.k8s.io/v1' }) }
}

export function parseWriteOptions(
  query: Query,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
): WriteOptions {
  return parseOptions(query, kind, false)
}

interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string
  readonly force: boolean
}

/** PatchOptions of an apply: it has to say who applies, and may take fields over. */
export function parseApplyOptions(query: Query): ApplyOptions {
  const options = parseOptions(query, 'PatchOptions', true)
  return { ...options, fieldManager: query.get('fieldManager'), force: isTrue(query, 'force') }
}

/** As Go reads a boolean parameter. */
function isTrue(query: Query, name: string): boolean {
  const value = query.get(name)
  return query.has(name) && value !== '0' && value.toLowerCase() !== 'false'
}

function parseOptions(
  query: Query,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  isApply: boolean,
): WriteOptions {
  const hasAny = query.has('dryRun') || query.has('fieldManager') || query.has('fieldValidation') || query.has('force')
  if (!hasAny && !isApply) return WITHOUT_QUERY[kind]
  const dryRun = query.all('dryRun')
  const fieldManager = query.get('fieldManager')
  const fieldValidation = query.get('fieldValidation')
  const errors: FieldError[] = []
  if (isApply && fieldManager === '') errors.push(fieldRequired('fieldManager', 'is required for apply patch'))
  if (!isApply && kind === 'PatchOptions' && query.has('force')) {
    errors.push(fieldForbidden('force', 'may not be specified for non-apply patch'))
  }
  validateFieldManager(fieldManager, errors)
  validateDryRun(dryRun, errors)
  if (!DIRECTIVES.includes(fieldValidation)) {
    errors.push(fieldNotSupported('fieldValidation', fieldValidation, DIRECTIVES))
  }
  if (errors.length > 0) throw newInvalid({ group: 'meta.k8s.io', kind }, '', errors)
  return {
    isDryRun: dryRun.length > 0,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as FieldValidation),
    options: {
      kind,
      apiVersion: 'meta.k8s.io/v1',
      ...(dryRun.length > 0 ? { dryRun } : {}),
      ...(isApply && query.has('force') ? { force: isTrue(query, 'force') } : {}),
      ...(fieldManager === '' ? {} : { fieldManager }),
      ...(fieldValidation === '' ? {} : { fieldValidation }),
    },
  }
}

export function validateDryRun(dryRun: readonly string[], errors: FieldError[]): void {
  if (dryRun.some((value) => value !== 'All')) errors.push(fieldNotSupported('dryRun', dryRun, ['All']))
}

function validateFieldManager(fieldManager: string, errors: FieldError[]): void {
  if (Buffer.byteLength(fieldManager) > FIELD_MANAGER_MAX_BYTES) {
    errors.push(fieldTooLong('fieldManager', FIELD_MANAGER_MAX_BYTES))
  }
  for (const { 0: character, index } of fieldManager.matchAll(UNPRINTABLE)) {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    const position = Buffer.byteLength(fieldManager.slice(0, index))
    const detail = `invalid character U+${code} (at position ${position})`
    errors.push(fieldInvalid('fieldManager', fieldManager, detail))
  }
}
