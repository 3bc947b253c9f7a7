/** How a webhook is reached. Upstream: apiserver pkg/util/webhook/validation.go. */
import type { ServiceReference } from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { childField, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain, isValidPortNumber } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const URL_FORM = '; desired format: https://host[/path]'

export function validateWebhookUrl(url: string, field: string): FieldError[] {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    return [fieldRequired(field, `url must be a valid URL: parse ${JSON.stringify(url)}: invalid URL${URL_FORM}`)]
  }
  const errors: FieldError[] = []
  const scheme = parsed.protocol.slice(0, -1)
  if (scheme !== 'https') {
    errors.push(fieldInvalid(field, scheme, `'https' is the only allowed URL scheme${URL_FORM}`))
  }
  if (parsed.host === '') errors.push(fieldInvalid(field, '', `host must be specified${URL_FORM}`))
  if (parsed.username !== '' || parsed.password !== '') {
    errors.push(fieldInvalid(field, parsed.username, 'user information is not permitted in the URL'))
  }
  if (parsed.hash !== '') {
    errors.push(fieldInvalid(field, parsed.hash.slice(1), 'fragments are not permitted in the URL'))
  }
  if (parsed.search !== '') {
    errors.push(fieldInvalid(field, parsed.search.slice(1), 'query parameters are not permitted in the URL'))
  }
  return errors
}

/** Of admission, conversion and audit: the same members everywhere. */
export function validateWebhookService(service: DeepReadonly<ServiceReference>, field: string): FieldError[] {
  const errors: FieldError[] = []
  if (!service.name) errors.push(fieldRequired(childField(field, 'name'), 'service name is required'))
  if (!service.namespace) {
    errors.push(fieldRequired(childField(field, 'namespace'), 'service namespace is required'))
  }
  const portProblems = service.port === undefined ? [] : isValidPortNumber(service.port)
  if (portProblems.length > 0) {
    errors.push(fieldInvalid(childField(field, 'port'), service.port, `port is not valid: ${portProblems.join(',')}`))
  }
  if (service.path !== undefined && service.path !== '') {
    errors.push(...validateServicePath(service.path, childField(field, 'path')))
  }
  return errors
}

function validateServicePath(path: string, field: string): FieldError[] {
  if (path === '/') return []
  if (path === '//') return [fieldInvalid(field, path, 'segment[0] may not be empty')]
  if (!path.startsWith('/')) return [fieldInvalid(field, path, "must start with a '/'")]
  const inner = path.endsWith('/') ? path.slice(1, -1) : path.slice(1)
  const errors: FieldError[] = []
  inner.split('/').forEach((segment, i) => {
    if (segment === '') {
      errors.push(fieldInvalid(field, path, `segment[${i}] may not be empty`))
      return
    }
    for (const problem of isDns1123Subdomain(segment)) {
      errors.push(fieldInvalid(field, path, `segment[${i}]: ${problem}`))
    }
  })
  return errors
}
