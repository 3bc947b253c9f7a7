/**
 * DeleteOptions from the body, or from the query when there is no body.
 * Upstream: apiserver pkg/endpoints/handlers/delete.go, apimachinery pkg/apis/meta/v1/validation.
 */
import type { DeleteOptions, Preconditions, PropagationPolicy } from '#machinery/api/meta/v1.ts'
import { newBadRequest, newInvalid, StatusError } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldNotSupported } from '#machinery/meta/field-error.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { isObject } from '#machinery/util/json.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ApiRequest } from '../../server/interfaces.ts'
import { mediaTypeOf, parseBody } from '../body/decode.ts'
import type { Query } from '../interfaces.ts'
import { isTrue } from '../request-info.ts'
import { parseInteger } from './list-options.ts'
import { validateDryRun } from './write-options.ts'

const POLICIES: readonly string[] = ['Foreground', 'Background', 'Orphan']

export function parseDeleteOptions({ request, query, audit }: ApiCall): DeleteOptions {
  const fromBody = parseOptionsBody(request)
  if (fromBody !== undefined) audit?.recordBody({ kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...fromBody })
  const options = fromBody ?? fromQuery(query)
  const errors: FieldError[] = []
  const { propagationPolicy: policy, orphanDependents, dryRun } = options
  if (orphanDependents !== undefined && policy !== undefined) {
    errors.push(
      fieldInvalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'),
    )
  }
  if (policy !== undefined && !POLICIES.includes(policy)) {
    errors.push(fieldNotSupported('propagationPolicy', policy, [...POLICIES, 'nil']))
  }
  validateDryRun(dryRun ?? [], errors)
  if (errors.length > 0) throw newInvalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
  return options
}

function fromQuery(query: Query): DeleteOptions {
  const options: DeleteOptions = {}
  const grace = parseInteger(query, 'gracePeriodSeconds')
  if (grace !== undefined) options.gracePeriodSeconds = grace
  if (query.has('orphanDependents')) options.orphanDependents = isTrue(query, 'orphanDependents')
  // Empty is a policy, too: one that does not exist.
  if (query.has('propagationPolicy')) options.propagationPolicy = query.get('propagationPolicy') as PropagationPolicy
  if (query.has('dryRun')) options.dryRun = [...query.all('dryRun')]
  return options
}

function parseOptionsBody(request: ApiRequest): DeleteOptions | undefined {
  let value: unknown
  try {
    value = parseBody(request, mediaTypeOf(request.headers['content-type']))?.value
  } catch (err) {
    if (err instanceof StatusError) throw err
    throw newBadRequest(`the object provided is unrecognized (must be of type DeleteOptions): ${errorMessage(err)}`)
  }
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) throw newBadRequest('the object provided is unrecognized (must be of type DeleteOptions)')
  const { kind } = value
  if (kind !== undefined && kind !== '' && kind !== 'DeleteOptions') {
    throw newBadRequest(`decoded object cannot be converted to DeleteOptions`)
  }
  return typedOptions(value)
}

function typedOptions(value: Record<string, unknown>): DeleteOptions {
  const options: DeleteOptions = {}
  const grace = member(value, 'gracePeriodSeconds', 'number', 'int64')
  if (grace !== undefined) {
    if (!Number.isInteger(grace)) throw wrongType('number', 'gracePeriodSeconds', 'int64')
    options.gracePeriodSeconds = grace
  }
  const orphan = member(value, 'orphanDependents', 'boolean', 'bool')
  if (orphan !== undefined) options.orphanDependents = orphan
  const policy = member(value, 'propagationPolicy', 'string', 'v1.DeletionPropagation')
  if (policy !== undefined) options.propagationPolicy = policy as PropagationPolicy
  const { dryRun, preconditions } = value
  if (Array.isArray(dryRun)) options.dryRun = dryRun.map(String)
  if (preconditions !== undefined && preconditions !== null) {
    if (!isObject(preconditions)) throw wrongType(typeof preconditions, 'preconditions', 'v1.Preconditions')
    const typed: Preconditions = {}
    const uid = member(preconditions, 'uid', 'string', 'types.UID')
    const resourceVersion = member(preconditions, 'resourceVersion', 'string', 'string')
    if (uid !== undefined) typed.uid = uid
    if (resourceVersion !== undefined) typed.resourceVersion = resourceVersion
    options.preconditions = typed
  }
  return options
}

interface TypeByName {
  readonly number: number
  readonly boolean: boolean
  readonly string: string
}

function member<T extends keyof TypeByName>(
  value: Record<string, unknown>,
  name: string,
  type: T,
  goType: string,
): TypeByName[T] | undefined {
  const found = Object.hasOwn(value, name) ? value[name] : undefined
  if (found === undefined || found === null) return undefined
  // The typeof test is what makes the cast true.
  if (typeof found === type) return found as TypeByName[T]
  throw wrongType(Array.isArray(found) ? 'array' : typeof found, name, goType)
}

function wrongType(jsonType: string, field: string, goType: string): StatusError {
  return newBadRequest(
    `DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot unmarshal ${jsonType} into Go struct field DeleteOptions.${field} of type ${goType}`,
  )
}
