/** Names of certificate signers, `domain/path`. Upstream: pkg/apis/core/validation/names.go ValidateSignerName. */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired, fieldTooLong } from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'

const DOMAIN_MAX = 253
const PATH_MAX = DOMAIN_MAX + 63 + 1
const SIGNER_NAME_MAX = DOMAIN_MAX + PATH_MAX + 1

export function checkSignerName(errors: FieldError[], field: string, name: string): void {
  if (name === '') {
    errors.push(fieldRequired(field, ''))
    return
  }
  const [domain = '', path = '', ...more] = name.split('/')
  if (!name.includes('/') || more.length > 0) {
    const detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
    errors.push(fieldInvalid(field, name, detail))
    return
  }
  if (domain.length > DOMAIN_MAX) errors.push(fieldTooLong(field, DOMAIN_MAX))
  const labels = domain.split('.')
  checkSegments(errors, field, domain, labels, isDns1123Label)
  if (labels.length < 2) {
    errors.push(fieldInvalid(field, domain, 'should be a domain with at least two segments separated by dots'))
  }
  checkSegments(errors, field, path, path.split('.'), isDns1123Subdomain)
  if (name.length > SIGNER_NAME_MAX) errors.push(fieldTooLong(field, SIGNER_NAME_MAX))
}

/** Only the first segment that is wrong. */
function checkSegments(
  errors: FieldError[],
  field: string,
  value: string,
  segments: readonly string[],
  check: (segment: string) => readonly string[],
): void {
  const wrong = segments.find((segment) => check(segment).length > 0)
  if (wrong === undefined) return
  for (const message of check(wrong)) {
    errors.push(fieldInvalid(field, value, `validating label ${JSON.stringify(wrong)}: ${message}`))
  }
}

/** Signers of the project's own domain, which are bound to stricter limits. */
export function isKubernetesSigner(name: string): boolean {
  const [domain = ''] = name.split('/', 1)
  return domain === 'kubernetes.io' || domain.endsWith('.kubernetes.io')
}
