/** ConfigMap and Secret. Upstream: pkg/apis/core/validation. A valid object costs one pass over its keys. */
import type { ConfigMap, Secret } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired, fieldTooLong, keyField } from '#machinery/meta/field-error.ts'
import { isConfigMapKey } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkImmutable } from '../validation.ts'
import { jsonObjectProblem } from './json-problem.ts'

type FrozenConfigMap = DeepReadonly<ConfigMap>
type FrozenSecret = DeepReadonly<Secret>
type Bag = Readonly<Record<string, string>> | undefined

const DATA_MAX_BYTES = 1024 * 1024
const IMMUTABLE = 'field is immutable when `immutable` is set'
const ACCOUNT_NAME = 'kubernetes.io/service-account.name'

export function validateConfigMap({ data, binaryData }: FrozenConfigMap): FieldError[] {
  const errors: FieldError[] = []
  let bytes = 0
  for (const key in data) {
    checkKey(errors, 'data', key)
    if (binaryData !== undefined && Object.hasOwn(binaryData, key)) {
      errors.push(fieldInvalid(keyField('data', key), key, 'duplicate of key present in binaryData'))
    }
    bytes += Buffer.byteLength(data[key] ?? '')
  }
  for (const key in binaryData) {
    checkKey(errors, 'binaryData', key)
    bytes += base64Bytes(binaryData[key] ?? '')
  }
  // Upstream's path for this one is empty.
  if (bytes > DATA_MAX_BYTES) errors.push(fieldTooLong('', DATA_MAX_BYTES))
  return errors
}

function checkKey(errors: FieldError[], field: string, key: string): void {
  const problems = isConfigMapKey(key)
  for (const problem of problems) errors.push(fieldInvalid(keyField(field, key), key, problem))
}

export function validateConfigMapUpdate(next: FrozenConfigMap, old: FrozenConfigMap): FieldError[] {
  const errors: FieldError[] = []
  if (old.immutable === true) {
    checkStays(errors, 'data', next.data, old.data, next.immutable)
    if (!deepEqual(next.binaryData ?? {}, old.binaryData ?? {})) errors.push(fieldForbidden('binaryData', IMMUTABLE))
  }
  errors.push(...validateConfigMap(next))
  return errors
}

function checkStays(errors: FieldError[], field: string, next: Bag, old: Bag, isImmutable: boolean | undefined): void {
  if (isImmutable !== true) errors.push(fieldForbidden('immutable', IMMUTABLE))
  if (!deepEqual(next ?? {}, old ?? {})) errors.push(fieldForbidden(field, IMMUTABLE))
}

/** What a type asks of the data. */
const TYPE_CHECKS: ReadonlyMap<string, (errors: FieldError[], secret: FrozenSecret) => void> = new Map([
  ['kubernetes.io/service-account-token', checkAccountName],
  ['kubernetes.io/dockercfg', (errors, { data }) => checkJson(errors, data, '.dockercfg')],
  ['kubernetes.io/dockerconfigjson', (errors, { data }) => checkJson(errors, data, '.dockerconfigjson')],
  ['kubernetes.io/basic-auth', checkBasicAuth],
  [
    'kubernetes.io/ssh-auth',
    (errors, { data }) => {
      if ((data?.['ssh-privatekey'] ?? '') === '') errors.push(missing('ssh-privatekey'))
    },
  ],
  [
    'kubernetes.io/tls',
    (errors, { data }) => {
      for (const key of ['tls.crt', 'tls.key']) if (data?.[key] === undefined) errors.push(missing(key))
    },
  ],
])

const missing = (key: string): FieldError => fieldRequired(keyField('data', key), '')

export function validateSecret(secret: FrozenSecret): FieldError[] {
  const errors: FieldError[] = []
  const { data, type = '' } = secret
  let bytes = 0
  for (const key in data) {
    checkKey(errors, 'data', key)
    bytes += base64Bytes(data[key] ?? '')
  }
  if (bytes > DATA_MAX_BYTES) errors.push(fieldTooLong('data', DATA_MAX_BYTES))
  TYPE_CHECKS.get(type)?.(errors, secret)
  return errors
}

function checkAccountName(errors: FieldError[], { metadata }: FrozenSecret): void {
  if ((metadata.annotations?.[ACCOUNT_NAME] ?? '') === '') {
    errors.push(fieldRequired(keyField('metadata.annotations', ACCOUNT_NAME), ''))
  }
}

function checkJson(errors: FieldError[], data: Bag, key: string): void {
  const value = data?.[key]
  if (value === undefined) {
    errors.push(missing(key))
    return
  }
  const problem = jsonObjectProblem(Buffer.from(value, 'base64').toString('utf8'))
  if (problem !== undefined) {
    errors.push(fieldInvalid(keyField('data', key), '<secret contents redacted>', problem))
  }
}

function checkBasicAuth(errors: FieldError[], { data }: FrozenSecret): void {
  if (data?.['username'] === undefined && data?.['password'] === undefined) {
    errors.push(missing('username'), missing('password'))
  }
}

export function validateSecretUpdate(next: FrozenSecret, old: FrozenSecret): FieldError[] {
  const errors: FieldError[] = []
  checkImmutable(errors, 'type', next.type, old.type)
  if (old.immutable === true) checkStays(errors, 'data', next.data, old.data, next.immutable)
  errors.push(...validateSecret(next))
  return errors
}

function base64Bytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return Math.floor((text.length * 3) / 4) - padding
}
