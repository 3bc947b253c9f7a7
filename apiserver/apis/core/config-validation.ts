/** ConfigMap, Secret, ServiceAccount. Upstream: pkg/apis/core/validation. */
import type { ConfigMap, Secret } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired, fieldTooLong, keyField } from '#machinery/meta/field-error.ts'
import { isConfigMapKey } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkImmutable } from '../validation.ts'

const DATA_MAX_BYTES = 1024 * 1024
const IMMUTABLE = 'field is immutable when `immutable` is set'

export function validateConfigMap(configMap: DeepReadonly<ConfigMap>): FieldError[] {
  const errors: FieldError[] = []
  const { data = {}, binaryData = {} } = configMap
  let bytes = 0
  for (const [key, value] of Object.entries(data)) {
    addInvalid(errors, keyField('data', key), key, isConfigMapKey(key))
    if (Object.hasOwn(binaryData, key)) {
      errors.push(fieldInvalid(keyField('data', key), key, 'duplicate of key present in binaryData'))
    }
    bytes += Buffer.byteLength(value)
  }
  for (const [key, value] of Object.entries(binaryData)) {
    addInvalid(errors, keyField('binaryData', key), key, isConfigMapKey(key))
    bytes += base64Bytes(value)
  }
  // Upstream's path for this one is empty, which prints as "[]".
  if (bytes > DATA_MAX_BYTES) errors.push(fieldTooLong('', DATA_MAX_BYTES))
  return errors
}

export function validateConfigMapUpdate(next: DeepReadonly<ConfigMap>, old: DeepReadonly<ConfigMap>): FieldError[] {
  const errors: FieldError[] = []
  if (old.immutable === true) {
    if (next.immutable !== true) errors.push(fieldForbidden('immutable', IMMUTABLE))
    if (!deepEqual(next.data ?? {}, old.data ?? {})) errors.push(fieldForbidden('data', IMMUTABLE))
    if (!deepEqual(next.binaryData ?? {}, old.binaryData ?? {})) errors.push(fieldForbidden('binaryData', IMMUTABLE))
  }
  errors.push(...validateConfigMap(next))
  return errors
}

/** The keys a type cannot do without. */
const REQUIRED_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['kubernetes.io/dockercfg', ['.dockercfg']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
  ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
])
const JSON_TYPES: ReadonlySet<string> = new Set(['kubernetes.io/dockercfg', 'kubernetes.io/dockerconfigjson'])

export function validateSecret(secret: DeepReadonly<Secret>): FieldError[] {
  const errors: FieldError[] = []
  const { data = {}, type = '', metadata } = secret
  let bytes = 0
  for (const [key, value] of Object.entries(data)) {
    addInvalid(errors, keyField('data', key), key, isConfigMapKey(key))
    bytes += base64Bytes(value)
  }
  if (bytes > DATA_MAX_BYTES) errors.push(fieldTooLong('data', DATA_MAX_BYTES))
  for (const key of REQUIRED_KEYS.get(type) ?? []) {
    const value = Object.hasOwn(data, key) ? data[key] : undefined
    if (value === undefined) errors.push(fieldRequired(keyField('data', key), ''))
    else if (JSON_TYPES.has(type) && !isJson(value)) {
      errors.push(
        fieldInvalid(keyField('data', key), '<secret contents redacted>', 'invalid character in JSON document'),
      )
    }
  }
  if (type === 'kubernetes.io/service-account-token') {
    const name = metadata.annotations?.['kubernetes.io/service-account.name'] ?? ''
    const at = keyField('metadata.annotations', 'kubernetes.io/service-account.name')
    if (name === '') errors.push(fieldRequired(at, ''))
  }
  if (type === 'kubernetes.io/basic-auth' && !Object.hasOwn(data, 'username') && !Object.hasOwn(data, 'password')) {
    errors.push(fieldRequired(keyField('data', 'username'), ''), fieldRequired(keyField('data', 'password'), ''))
  }
  return errors
}

export function validateSecretUpdate(next: DeepReadonly<Secret>, old: DeepReadonly<Secret>): FieldError[] {
  const errors: FieldError[] = []
  checkImmutable(errors, 'type', next.type, old.type)
  if (old.immutable === true) {
    if (next.immutable !== true) errors.push(fieldForbidden('immutable', IMMUTABLE))
    if (!deepEqual(next.data ?? {}, old.data ?? {})) errors.push(fieldForbidden('data', IMMUTABLE))
  }
  errors.push(...validateSecret(next))
  return errors
}

function base64Bytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return Math.floor((text.length * 3) / 4) - padding
}

function isJson(base64: string): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
