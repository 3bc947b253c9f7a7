/** Upstream: kube-aggregator pkg/apis/apiregistration/validation/validation.go. */
import type { APIService } from '#machinery/api/apiregistration/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1035Label, isDns1123Subdomain, isPathSegmentName, isValidPortNumber } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkRequired } from '../validation.ts'

const MAX_GROUP_PRIORITY = 20_000
const MAX_VERSION_PRIORITY = 1000
const CONDITION_STATUSES = ['True', 'False', 'Unknown']

type FrozenService = DeepReadonly<APIService>

export function validateApiService({ metadata, spec }: FrozenService): FieldError[] {
  const errors: FieldError[] = []
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 } = spec ?? {}
  const { name = '' } = metadata
  const required = `${version}.${group}`
  // What is no path segment at all is the generic store's affair.
  if (name !== '' && isPathSegmentName(name).length === 0 && name !== required) {
    const detail = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(required)}`
    errors.push(fieldInvalid('metadata.name', name, detail))
  }
  if (group === '' && version !== 'v1') {
    errors.push(fieldRequired('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
  }
  if (group !== '') addInvalid(errors, 'spec.group', group, isDns1123Subdomain(group))
  addInvalid(errors, 'spec.version', version, isDns1035Label(version))
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > MAX_GROUP_PRIORITY) {
    const detail = 'must be positive and less than 20000'
    errors.push(fieldInvalid('spec.groupPriorityMinimum', groupPriorityMinimum, detail))
  }
  if (versionPriority <= 0 || versionPriority > MAX_VERSION_PRIORITY) {
    errors.push(fieldInvalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000'))
  }
  validateBackend(errors, spec)
  return errors
}

function validateBackend(errors: FieldError[], spec: FrozenService['spec'] | undefined): void {
  const { service, caBundle = '', insecureSkipTLSVerify = false } = spec ?? {}
  const skipField = 'spec.insecureSkipTLSVerify'
  if (service === undefined) {
    if (caBundle !== '') {
      const bytes = `${Buffer.from(caBundle, 'base64').length} bytes`
      errors.push(fieldInvalid('spec.caBundle', bytes, 'local APIServices may not have a caBundle'))
    }
    if (insecureSkipTLSVerify) {
      errors.push(fieldInvalid(skipField, true, 'local APIServices may not have insecureSkipTLSVerify'))
    }
    return
  }
  checkRequired(errors, 'spec.service.namespace', service.namespace)
  checkRequired(errors, 'spec.service.name', service.name)
  const { port = 0 } = service
  const problems = isValidPortNumber(port)
  if (problems.length > 0) {
    errors.push(fieldInvalid('spec.service.port', port, `port is not valid: ${problems.join(', ')}`))
  }
  if (insecureSkipTLSVerify && caBundle !== '') {
    errors.push(fieldInvalid(skipField, true, 'may not be true if caBundle is present'))
  }
}

export function validateApiServiceStatus({ status }: FrozenService): FieldError[] {
  const errors: FieldError[] = []
  status?.conditions?.forEach((condition, i) => {
    const value = condition.status ?? ''
    if (CONDITION_STATUSES.includes(value)) return
    errors.push(fieldNotSupported(`status.conditions[${i}].status`, value, CONDITION_STATUSES))
  })
  return errors
}
