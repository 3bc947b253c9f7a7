/** Names of pools, attributes and shares. Upstream: pkg/apis/resource/validation/validation.go. */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired, fieldTooLong } from '#machinery/meta/field-error.ts'
import { isCIdentifier, isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { addInvalid, checkDriverName } from '../validation.ts'

const POOL_NAME_MAX = 253
const IDENTIFIER_MAX = 32
const DOMAIN_MAX = 63
/** A domain, a slash, an identifier. */
export const QUALIFIED_NAME_MAX: number = DOMAIN_MAX + 1 + IDENTIFIER_MAX
export const LABEL_MAX = 63

export function checkLabel(errors: FieldError[], field: string, name = ''): void {
  addInvalid(errors, field, name, isDns1123Label(name))
}

/** Empty: said to be missing, and nothing else. */
export function checkRequiredLabel(errors: FieldError[], field: string, name = ''): void {
  if (name === '') errors.push(fieldRequired(field, ''))
  else checkLabel(errors, field, name)
}

export function checkPoolName(errors: FieldError[], field: string, name = ''): void {
  if (name === '') {
    errors.push(fieldRequired(field, ''))
    return
  }
  if (Buffer.byteLength(name) > POOL_NAME_MAX) errors.push(fieldTooLong(field, POOL_NAME_MAX))
  for (const part of name.split('/')) addInvalid(errors, field, part, isDns1123Subdomain(part))
}

/** Of an attribute or a capacity; with more than one slash nothing is said, as upstream. */
export function checkQualifiedName(errors: FieldError[], field: string, name: string): void {
  const parts = name.split('/')
  const [first = '', second = ''] = parts
  if (parts.length === 1) checkIdentifier(errors, field, first)
  if (parts.length !== 2) return
  if (first === '') errors.push(fieldInvalid(field, '', 'the domain must not be empty'))
  else checkDriverName(errors, field, first)
  if (second === '') errors.push(fieldInvalid(field, '', 'the name must not be empty'))
  else checkIdentifier(errors, field, second)
}

export function checkFullyQualifiedName(errors: FieldError[], field: string, name: string): void {
  checkQualifiedName(errors, field, name)
  if (name.includes('/')) return
  errors.push(fieldInvalid(field, name, 'a fully qualified name must be a domain and a name separated by a slash'))
}

function checkIdentifier(errors: FieldError[], field: string, name: string): void {
  if (Buffer.byteLength(name) > IDENTIFIER_MAX) errors.push(fieldTooLong(field, IDENTIFIER_MAX))
  addInvalid(errors, field, name, isCIdentifier(name))
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const NOT_NORMALIZED =
  'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters'

export function checkUid(errors: FieldError[], field: string, uid: string): void {
  const problem = uuidProblem(uid)
  if (problem !== undefined) errors.push(fieldInvalid(field, uid, `error validating uid: ${problem}`))
  else if (uid.length !== 36 || uid !== uid.toLowerCase()) errors.push(fieldInvalid(field, uid, NOT_NORMALIZED))
}

/** The four forms, and the words, of upstream's library (github.com/google/uuid). */
function uuidProblem(uid: string): string | undefined {
  const length = Buffer.byteLength(uid)
  const invalid = 'invalid UUID format'
  if (length === 32) return /^[0-9a-f]{32}$/i.test(uid) ? undefined : invalid
  if (length === 36) return UUID.test(uid) ? undefined : invalid
  if (length === 38) {
    if (!uid.startsWith('{') || !uid.endsWith('}')) return 'invalid bracketed UUID format'
    return UUID.test(uid.slice(1, -1)) ? undefined : invalid
  }
  if (length !== 45) return `invalid UUID length: ${length}`
  const prefix = uid.slice(0, 9)
  if (prefix.toLowerCase() !== 'urn:uuid:') return `invalid urn prefix: ${JSON.stringify(prefix)}`
  return UUID.test(uid.slice(9)) ? undefined : invalid
}
