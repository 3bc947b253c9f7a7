/** Rules of internal.apiserver.k8s.io. Upstream: pkg/apis/apiserverinternal/validation. */
import type {
  ServerStorageVersion,
  StorageVersion,
  StorageVersionCondition,
} from '#machinery/api/apiserverinternal/v1alpha1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1035Label, isDns1123Subdomain, isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from '../validation.ts'

const NOT_EMPTY = 'must be non-empty'
const MALFORMED =
  "an apiVersion is a DNS-1035 label, which must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyVersion')"

/** `<group>.<resource>`; `core` stands for the group without a name. */
export function storageVersionNameProblems(name: string): string[] {
  const dot = name.lastIndexOf('.')
  if (dot < 0) return ['name must be in the form of <group>.<resource>']
  return [
    ...isDns1123Subdomain(name.slice(0, dot)).map((problem) => `the group segment ${problem}`),
    ...isDns1035Label(name.slice(dot + 1)).map((problem) => `the resource segment ${problem}`),
  ]
}

export function validateStorageVersionStatus({ status }: DeepReadonly<StorageVersion>): FieldError[] {
  const errors: FieldError[] = []
  const { storageVersions = [], commonEncodingVersion, conditions = [] } = status ?? {}
  storageVersions.forEach((version, i) => {
    checkServer(errors, `status.storageVersions[${i}]`, version)
  })
  checkCommonVersion(errors, storageVersions, commonEncodingVersion)
  checkConditions(errors, conditions)
  return errors
}

function checkServer(errors: FieldError[], field: string, server: DeepReadonly<ServerStorageVersion>): void {
  const { apiServerID = '', encodingVersion = '', decodableVersions = [] } = server
  addInvalid(errors, `${field}.apiServerID`, apiServerID, isDns1123Subdomain(apiServerID))
  checkApiVersion(errors, `${field}.encodingVersion`, encodingVersion)
  decodableVersions.forEach((version, i) => {
    checkApiVersion(errors, `${field}.decodableVersions[${i}]`, version)
  })
  if (decodableVersions.includes(encodingVersion)) return
  const detail = `decodableVersions must include encodingVersion ${encodingVersion}`
  errors.push(fieldInvalid(`${field}.decodableVersions`, decodableVersions, detail))
}

function checkApiVersion(errors: FieldError[], field: string, apiVersion: string): void {
  const problems = apiVersionProblems(apiVersion)
  if (problems.length > 0) errors.push(fieldInvalid(field, apiVersion, problems.join(',')))
}

function apiVersionProblems(apiVersion: string): string[] {
  const parts = apiVersion.split('/')
  if (parts.length > 2) return [MALFORMED]
  const [version = '', group] = parts.reverse()
  const groupProblems = group === undefined ? [] : group === '' ? [NOT_EMPTY] : isDns1123Subdomain(group)
  const versionProblems = version === '' ? [NOT_EMPTY] : isDns1035Label(version)
  return [
    ...groupProblems.map((problem) => `group part: ${problem}`),
    ...versionProblems.map((problem) => `version part: ${problem}`),
  ]
}

function checkCommonVersion(
  errors: FieldError[],
  servers: DeepReadonly<ServerStorageVersion[]>,
  given: string | undefined,
): void {
  const versions = new Set(servers.map(({ encodingVersion }) => encodingVersion))
  const [actual] = versions.size === 1 ? versions : []
  if (actual === given) return
  const detail =
    actual === undefined
      ? 'should be nil if servers do not agree on the same encoding version, or if there is no server reporting the supported versions yet'
      : given === undefined
        ? `the common encoding version is ${actual}`
        : `the actual common encoding version is ${actual}`
  errors.push(fieldInvalid('status.commonEncodingVersion', given, detail))
}

/** Upstream's paths leave out `conditions`, and its errors on the status show the type. */
function checkConditions(errors: FieldError[], conditions: DeepReadonly<StorageVersionCondition[]>): void {
  const seen = new Map<string, number>()
  conditions.forEach(({ type = '', status = '', reason = '', message = '' }, i) => {
    const earlier = seen.get(type)
    if (earlier !== undefined) {
      const detail = `the type of the condition is not unique, it also appears in conditions[${earlier}]`
      errors.push(fieldInvalid(`status[${i}].type`, type, detail))
    }
    seen.set(type, i)
    addInvalid(errors, `status[${i}].type`, type, isQualifiedName(type))
    addInvalid(errors, `status[${i}].status`, type, isQualifiedName(status))
    if (reason === '') errors.push(fieldRequired(`status[${i}].reason`, 'reason cannot be empty'))
    if (message === '') errors.push(fieldRequired(`status[${i}].message`, 'message cannot be empty'))
  })
}
