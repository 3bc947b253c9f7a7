/** What both event APIs ask of an event. Upstream: pkg/apis/core/validation/events.go legacyValidateEvent. */
import type { Event } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain, isQualifiedName } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from '../validation.ts'

const INSTANCE_MAX = 128
const ACTION_MAX = 128
const REASON_MAX = 128
const NOTE_MAX = 1024

/** `controllerField`: what the event's API calls the reporting controller. */
export function validateEvent(
  event: DeepReadonly<Event>,
  controllerField: 'reportingComponent' | 'reportingController' = 'reportingComponent',
): FieldError[] {
  const errors: FieldError[] = []
  const { namespace = '' } = event.metadata
  const involved = event.involvedObject?.namespace ?? ''
  const isNew = (event.eventTime ?? '') !== ''
  if (!isMatch(involved, namespace, isNew)) {
    errors.push(fieldInvalid('involvedObject.namespace', involved, 'does not match event.namespace'))
  }
  if (isNew) validateReport(errors, event, controllerField)
  addInvalid(errors, 'namespace', namespace, isDns1123Subdomain(namespace))
  return errors
}

function isMatch(involved: string, namespace: string, isNew: boolean): boolean {
  if (isNew) return involved !== '' || namespace === 'kube-system' || namespace === 'default'
  return involved === '' ? namespace === '' || namespace === 'default' : involved === namespace
}

function validateReport(errors: FieldError[], event: DeepReadonly<Event>, controllerField: string): void {
  const { reportingComponent = '', reportingInstance = '', action = '', reason = '', message = '' } = event
  const checkLength = (field: string, text: string, max: number): void => {
    if (Buffer.byteLength(text) > max) errors.push(fieldInvalid(field, '', `can have at most ${max} characters`))
  }
  if (reportingComponent === '') errors.push(fieldRequired(controllerField, ''))
  addInvalid(errors, controllerField, reportingComponent, isQualifiedName(reportingComponent))
  if (reportingInstance === '') errors.push(fieldRequired('reportingInstance', ''))
  checkLength('reportingInstance', reportingInstance, INSTANCE_MAX)
  if (action === '') errors.push(fieldRequired('action', ''))
  checkLength('action', action, ACTION_MAX)
  if (reason === '') errors.push(fieldRequired('reason', ''))
  checkLength('reason', reason, REASON_MAX)
  checkLength('message', message, NOTE_MAX)
}

/** What events.k8s.io/v1 asks beyond that; the object is in core's shape. Upstream: ValidateEventCreate. */
export function validateEventStrictly(event: DeepReadonly<Event>): FieldError[] {
  const errors = validateEvent(event, 'reportingController')
  validateSeries(errors, event)
  if ((event.eventTime ?? '') === '') errors.push(fieldRequired('eventTime', ''))
  const { type = '' } = event
  if (type !== 'Normal' && type !== 'Warning') errors.push(fieldInvalid('type', '', `has invalid value: ${type}`))
  const { firstTimestamp, lastTimestamp, count = 0, source } = event
  const checkUnset = (field: string, isSet: boolean): void => {
    if (isSet) errors.push(fieldInvalid(field, '', 'needs to be unset'))
  }
  checkUnset('firstTimestamp', (firstTimestamp ?? '') !== '')
  checkUnset('lastTimestamp', (lastTimestamp ?? '') !== '')
  checkUnset('count', count !== 0)
  checkUnset('source', (source?.component ?? '') !== '' || (source?.host ?? '') !== '')
  return errors
}

function validateSeries(errors: FieldError[], { series }: DeepReadonly<Event>): void {
  if (series === undefined) return
  if ((series.count ?? 0) < 2) errors.push(fieldInvalid('series.count', '', 'should be at least 2'))
  if ((series.lastObservedTime ?? '') === '') errors.push(fieldRequired('series.lastObservedTime', ''))
}

/**
 * In upstream's order; `reason` is there twice. The second name is the one that is reported. Differs: the message may change.
 * Releases before 1.24 let it, their conformance suite does it, and nothing depends on its staying.
 */
const IMMUTABLE = [
  ['involvedObject', 'involvedObject'],
  ['reason', 'reason'],
  ['source', 'source'],
  ['firstTimestamp', 'firstTimestamp'],
  ['lastTimestamp', 'lastTimestamp'],
  ['count', 'count'],
  ['reason', 'reason'],
  ['type', 'type'],
  ['eventTime', 'eventTime'],
  ['action', 'action'],
  ['related', 'related'],
  ['reportingComponent', 'reportingController'],
  ['reportingInstance', 'reportingInstance'],
] as const satisfies readonly (readonly [keyof Event, string])[]

export function validateEventUpdateStrictly(next: DeepReadonly<Event>, old: DeepReadonly<Event>): FieldError[] {
  const errors = validateEvent(next, 'reportingController')
  if (!deepEqual(next.series, old.series)) validateSeries(errors, next)
  for (const [member, field] of IMMUTABLE) {
    if (!isSame(next[member], old[member])) errors.push(fieldInvalid(field, next[member] ?? null, 'field is immutable'))
  }
  return errors
}

/** Go's zero values are printed or left out, as the encoder likes. */
function isSame(a: unknown, b: unknown): boolean {
  const isZero = (value: unknown): boolean => value === undefined || value === '' || value === 0 || value === null
  return deepEqual(a, b) || (isZero(a) && isZero(b)) || (deepEqual(a ?? {}, {}) && deepEqual(b ?? {}, {}))
}
