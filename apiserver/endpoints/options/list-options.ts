/**
 * ListOptions from the query. Upstream: apimachinery pkg/apis/meta/internalversion/validation, apiserver
 * pkg/endpoints/handlers/get.go.
 */
import { newBadRequest, newInvalid } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString, fieldForbidden, fieldInvalid, fieldNotSupported } from '#machinery/meta/field-error.ts'
import type { ResourceDefinition } from '../../registry/generic/interfaces.ts'
import type { Selection } from '../../storage/cacher/interface.ts'
import type { Query } from '../interfaces.ts'
import { isTrue } from '../request-info.ts'
import { parseSelection } from './selection.ts'

export interface ParsedListOptions {
  /** metadata.name when the field selector pins it. */
  readonly name: string | undefined
  readonly selection: Selection
  /** Selectors were sent at all. */
  readonly isSelective: boolean
  readonly resourceVersion: string
  readonly resourceVersionMatch: '' | 'Exact' | 'NotOlderThan'
  readonly limit: number
  readonly continueToken: string
  readonly timeoutSeconds: number | undefined
  readonly allowBookmarks: boolean
  readonly sendInitialEvents: boolean | undefined
}

const MATCHES: readonly string[] = ['Exact', 'NotOlderThan', '']

export function parseListOptions(query: Query, definition: ResourceDefinition, isWatch: boolean): ParsedListOptions {
  const match = query.get('resourceVersionMatch')
  const resourceVersion = query.get('resourceVersion')
  const errors: FieldError[] = isWatch ? validateWatch(query, match) : validateList(query, match, resourceVersion)
  if (errors.length > 0) throw newInvalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
  const selection = parseSelection(query.get('labelSelector'), query.get('fieldSelector'), definition)
  // A continued list has its revision in the token; what it says of a resourceVersion is looked at there.
  const isContinued = !isWatch && query.get('continue') !== ''
  const problem = isContinued ? undefined : resourceVersionProblem(resourceVersion)
  if (problem !== undefined) throw invalidResourceVersion(problem, definition, isWatch, selection.name ?? '')
  const sendInitialEvents = query.has('sendInitialEvents') ? isTrue(query, 'sendInitialEvents') : undefined
  const isLegacyStart = isWatch && match === '' && (resourceVersion === '' || resourceVersion === '0')
  return {
    ...selection,
    resourceVersion,
    resourceVersionMatch: match as ParsedListOptions['resourceVersionMatch'],
    limit: Math.max(parseInteger(query, 'limit') ?? 0, 0),
    continueToken: query.get('continue'),
    timeoutSeconds: parseInteger(query, 'timeoutSeconds'),
    allowBookmarks: isTrue(query, 'allowWatchBookmarks'),
    // Upstream: SetListOptionsDefaults. A watch from no revision is told, too, when it has seen what was there.
    sendInitialEvents: sendInitialEvents ?? (isLegacyStart ? true : undefined),
  }
}

const UINT64_MAX = 2n ** 64n - 1n

/** What upstream's ParseResourceVersion has against it. */
export function resourceVersionProblem(text: string): FieldError | undefined {
  if (text === '' || text === '0') return undefined
  const isNumber = /^[0-9]+$/.test(text)
  if (isNumber && BigInt(text) <= UINT64_MAX) return undefined
  const why = isNumber ? 'value out of range' : 'invalid syntax'
  return fieldInvalid('resourceVersion', text, `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`)
}

function invalidResourceVersion(
  problem: FieldError,
  { group, resource }: ResourceDefinition,
  isWatch: boolean,
  name: string,
): Error {
  if (isWatch) return newInvalid({ group, kind: resource }, name, [problem])
  return newBadRequest(`invalid resource version: ${fieldErrorString(problem)}`)
}

/** Go's strconv.ParseInt error for anything but an integer of 64 bits, also for nothing. */
export function parseInteger(query: Query, name: string): number | undefined {
  if (!query.has(name)) return undefined
  const text = query.get(name)
  const isInteger = /^[+-]?[0-9]+$/.test(text)
  const value = isInteger ? BigInt(text.startsWith('+') ? text.slice(1) : text) : 0n
  if (isInteger && BigInt.asIntN(64, value) === value) return Number(value)
  const why = isInteger ? 'value out of range' : 'invalid syntax'
  throw newBadRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`)
}

function validateList(query: Query, match: string, resourceVersion: string): FieldError[] {
  const errors: FieldError[] = []
  const field = 'resourceVersionMatch'
  if (match !== '') {
    if (resourceVersion === '')
      errors.push(fieldForbidden(field, `${field} is forbidden unless resourceVersion is provided`))
    if (query.get('continue') !== '')
      errors.push(fieldForbidden(field, `${field} is forbidden when continue is provided`))
    if (!MATCHES.includes(match)) errors.push(fieldNotSupported(field, match, MATCHES))
    if (match === 'Exact' && resourceVersion === '0') {
      errors.push(fieldForbidden(field, `${field} "exact" is forbidden for resourceVersion "0"`))
    }
  }
  if (query.has('sendInitialEvents')) {
    errors.push(fieldForbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  }
  return errors
}

function validateWatch(query: Query, match: string): FieldError[] {
  const errors: FieldError[] = []
  const field = 'resourceVersionMatch'
  const sendsInitialEvents = query.has('sendInitialEvents')
  if (sendsInitialEvents && match !== 'NotOlderThan') {
    errors.push(fieldForbidden(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  }
  if (match !== '') {
    if (!sendsInitialEvents)
      errors.push(fieldForbidden(field, `${field} is forbidden for watch unless sendInitialEvents is provided`))
    if (match !== 'NotOlderThan') errors.push(fieldNotSupported(field, match, ['NotOlderThan']))
    if (query.get('continue') !== '')
      errors.push(fieldForbidden(field, `${field} is forbidden when continue is provided`))
  }
  return errors
}
