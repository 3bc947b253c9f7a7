/** Environment variables and the references they are filled from. Upstream: pkg/apis/core/validation ValidateEnv, ValidateEnvFrom. */
import type {
  ConfigMapKeySelector,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  FileKeySelector,
  ObjectFieldSelector,
  PodSpec,
  ResourceFieldSelector,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldNotFound, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import {
  isConfigMapKey,
  isDns1123Label,
  isDns1123Subdomain,
  isEnvVarName,
  isQualifiedName,
} from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from '../../validation.ts'
import { visitContainers } from './containers.ts'
import { checkNoBacksteps } from './paths.ts'

const ENV_FIELD_PATHS: ReadonlySet<string> = new Set([
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
])

export const VOLUME_FIELD_PATHS: ReadonlySet<string> = new Set([
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
])

/** What the downward API's field labels can be converted from. Upstream: pkg/apis/core/pods ConvertDownwardAPIFieldLabel. */
const CONVERTIBLE_FIELDS: ReadonlySet<string> = new Set([
  ...ENV_FIELD_PATHS,
  ...VOLUME_FIELD_PATHS,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
  'spec.host',
])

const RESOURCE_FIELDS = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const BYTE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']
const CPU_DIVISORS = ['1m', '1']

export function validateEnv(errors: FieldError[], field: string, env: readonly DeepReadonly<EnvVar>[]): void {
  for (let i = 0; i < env.length; i++) {
    const variable = env[i]
    if (variable === undefined) continue
    const { name = '', valueFrom } = variable
    if (name === '') errors.push(fieldRequired(`${field}[${i}].name`, ''))
    else {
      const messages = isEnvVarName(name)
      if (messages.length > 0) addInvalid(errors, `${field}[${i}].name`, name, messages)
    }
    if (valueFrom !== undefined) validateSource(errors, `${field}[${i}].valueFrom`, valueFrom, variable.value ?? '')
  }
}

function validateSource(errors: FieldError[], field: string, source: DeepReadonly<EnvVarSource>, value: string): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source
  let given = 0
  if (fieldRef !== undefined) {
    given++
    validateFieldRef(errors, `${field}.fieldRef`, fieldRef, ENV_FIELD_PATHS)
  }
  if (resourceFieldRef !== undefined) {
    given++
    validateResourceFieldRef(errors, `${field}.resourceFieldRef`, resourceFieldRef, false)
  }
  if (configMapKeyRef !== undefined) {
    given++
    validateKeyRef(errors, `${field}.configMapKeyRef`, configMapKeyRef)
  }
  if (secretKeyRef !== undefined) {
    given++
    validateKeyRef(errors, `${field}.secretKeyRef`, secretKeyRef)
  }
  if (fileKeyRef !== undefined) {
    given++
    validateFileKeyRef(errors, `${field}.fileKeyRef`, fileKeyRef)
  }
  if (given === 0) {
    const detail =
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'
    errors.push(fieldInvalid(field, '', detail))
  } else if (value !== '') {
    errors.push(fieldInvalid(field, '', 'may not be specified when `value` is not empty'))
  } else if (given > 1) {
    errors.push(fieldInvalid(field, '', 'may not have more than one field specified at a time'))
  }
}

function validateKeyRef(errors: FieldError[], field: string, reference: DeepReadonly<ConfigMapKeySelector>): void {
  const { name = '', key = '' } = reference
  addInvalid(errors, `${field}.name`, name, isDns1123Subdomain(name))
  if (key === '') errors.push(fieldRequired(`${field}.key`, ''))
  else addInvalid(errors, `${field}.key`, key, isConfigMapKey(key))
}

/** A key of a file that an init container left in an emptyDir. */
function validateFileKeyRef(errors: FieldError[], field: string, reference: DeepReadonly<FileKeySelector>): void {
  const { volumeName = '', path = '', key = '' } = reference
  if (key === '') errors.push(fieldRequired(`${field}.key`, ''))
  else addInvalid(errors, `${field}.key`, key, isEnvVarName(key))
  if (volumeName === '') errors.push(fieldRequired(`${field}.volumeName`, ''))
  else addInvalid(errors, `${field}.volumeName`, volumeName, isDns1123Label(volumeName))
  if (path === '') errors.push(fieldRequired(`${field}.path`, ''))
  else checkNoBacksteps(errors, `${field}.path`, path)
}

/** The files are in volumes of the kind that an init container can write. Upstream: validateFileKeyRefVolumes. */
export function checkFileVolumes(errors: FieldError[], at: string, spec: DeepReadonly<PodSpec>): void {
  visitContainers(spec, ({ env }, list, i) => {
    env?.forEach(({ valueFrom }, j) => {
      const volumeName = valueFrom?.fileKeyRef === undefined ? undefined : (valueFrom.fileKeyRef.volumeName ?? '')
      if (volumeName === undefined) return
      const field = `${at}.${list}[${i}].env[${j}].valueFrom.fileKeyRef.volumeName`
      const volume = spec.volumes?.findLast(({ name }) => name === volumeName)
      if (volume === undefined) errors.push(fieldNotFound(field, volumeName))
      else if (volume.emptyDir === undefined) {
        errors.push(fieldInvalid(field, volumeName, 'referenced volume must be of type emptyDir'))
      }
    })
  })
}

/** Downward API references: whole fields, or one label or annotation. Upstream: validateObjectFieldSelector. */
export function validateFieldRef(
  errors: FieldError[],
  field: string,
  { apiVersion = '', fieldPath = '' }: DeepReadonly<ObjectFieldSelector>,
  supported: ReadonlySet<string>,
): void {
  if (apiVersion === '') {
    errors.push(fieldRequired(`${field}.apiVersion`, ''))
    return
  }
  if (fieldPath === '') {
    errors.push(fieldRequired(`${field}.fieldPath`, ''))
    return
  }
  if (supported.has(fieldPath) && apiVersion === 'v1') return
  const subscripted = /^(.*)\['(.*)'\]$/s.exec(fieldPath)
  const [, path = fieldPath, key = ''] = subscripted ?? []
  const problem = conversionError(apiVersion, fieldPath, path, subscripted !== null)
  if (problem !== undefined) {
    errors.push(fieldInvalid(`${field}.fieldPath`, fieldPath, `error converting fieldPath: ${problem}`))
  } else if (subscripted === null) {
    const converted = path === 'spec.host' ? 'spec.nodeName' : path
    if (!supported.has(converted)) {
      errors.push(fieldNotSupported(`${field}.fieldPath`, converted, [...supported].sort()))
    }
  } else {
    addInvalid(
      errors,
      field,
      path === 'metadata.annotations' ? key.toLowerCase() : key,
      isQualifiedName(path === 'metadata.annotations' ? key.toLowerCase() : key),
    )
  }
}

function conversionError(version: string, label: string, path: string, isSubscripted: boolean): string | undefined {
  if (version !== 'v1') return `unsupported pod version: ${version}`
  if (isSubscripted) {
    if (path === 'metadata.annotations' || path === 'metadata.labels') return undefined
    return `field label does not support subscript: ${label}`
  }
  return CONVERTIBLE_FIELDS.has(label) ? undefined : `field label not supported: ${label}`
}

/** Upstream: validateContainerResourceFieldSelector. */
export function validateResourceFieldRef(
  errors: FieldError[],
  field: string,
  reference: DeepReadonly<ResourceFieldSelector>,
  isInVolume: boolean,
): void {
  const { containerName = '', resource = '', divisor } = reference
  if (isInVolume && containerName === '') errors.push(fieldRequired(`${field}.containerName`, ''))
  else if (resource === '') errors.push(fieldRequired(`${field}.resource`, ''))
  else if (!RESOURCE_FIELDS.includes(resource) && !isHugePages(resource)) {
    errors.push(fieldNotSupported(`${field}.resource`, resource, RESOURCE_FIELDS))
  }
  const amount = divisor === undefined ? undefined : tryParseQuantity(String(divisor))
  if (amount === undefined || amount.isZero) return
  const refused = divisorError(resource, amount.toString())
  if (refused !== undefined) errors.push(fieldInvalid(`${field}.divisor`, resource, refused))
}

const isHugePages = (resource: string): boolean =>
  resource.startsWith('requests.hugepages-') || resource.startsWith('limits.hugepages-')

function divisorError(resource: string, divisor: string): string | undefined {
  const name = resource.slice(resource.indexOf('.') + 1)
  if (name === 'cpu') {
    if (CPU_DIVISORS.includes(divisor)) return undefined
    return "only divisor's values 1m and 1 are supported with the cpu resource"
  }
  const kinds: Readonly<Record<string, string>> = { memory: 'memory', 'ephemeral-storage': 'local ephemeral storage' }
  const kind = isHugePages(resource) ? 'hugepages' : kinds[name]
  if (kind === undefined || BYTE_DIVISORS.includes(divisor)) return undefined
  return `only divisor's values ${BYTE_DIVISORS.join(', ')} are supported with the ${kind} resource`
}

export function validateEnvFrom(
  errors: FieldError[],
  field: string,
  sources: readonly DeepReadonly<EnvFromSource>[],
): void {
  sources.forEach(({ prefix = '', configMapRef, secretRef }, i) => {
    const at = `${field}[${i}]`
    if (prefix !== '') addInvalid(errors, `${at}.prefix`, prefix, isEnvVarName(prefix))
    if (configMapRef !== undefined) checkReferenceName(errors, `${at}.configMapRef.name`, configMapRef.name ?? '')
    if (secretRef !== undefined) checkReferenceName(errors, `${at}.secretRef.name`, secretRef.name ?? '')
    if (configMapRef === undefined && secretRef === undefined) {
      errors.push(fieldInvalid(field, '', 'must specify one of: `configMapRef` or `secretRef`'))
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      errors.push(fieldInvalid(field, '', 'may not have more than one field specified at a time'))
    }
  })
}

function checkReferenceName(errors: FieldError[], field: string, name: string): void {
  if (name === '') errors.push(fieldRequired(field, ''))
  // Upstream allows a trailing dash here, as in a name to be generated.
  else
    addInvalid(
      errors,
      field,
      name,
      isDns1123Subdomain(name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name),
    )
}
