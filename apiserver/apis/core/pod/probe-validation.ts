/** Probes and lifecycle handlers. Upstream: pkg/apis/core/validation validateProbe, validateHandler, validateLifecycle. */
import type {
  Container,
  HTTPGetAction,
  Lifecycle,
  LifecycleHandler,
  PodOS,
  Probe,
  ProbeHandler,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isHttpHeaderName, isValidPortName, isValidPortNumber } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkNonNegative } from '../../validation.ts'
import { SIGNALS_OF_LINUX, SIGNALS_OF_WINDOWS } from './signals.ts'

type Handler = DeepReadonly<ProbeHandler & LifecycleHandler>

/** What the handlers of a container need to know of its pod. */
export interface HandlerContext {
  readonly gracePeriodSeconds: number | undefined
  readonly os: DeepReadonly<PodOS> | undefined
}

const SIGNALS_OF: Readonly<Record<string, readonly string[]>> = { linux: SIGNALS_OF_LINUX, windows: SIGNALS_OF_WINDOWS }
const PROBE_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'] as const
const LIFECYCLE_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'sleep'] as const
const COUNTERS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const

export function validateHandlers(
  errors: FieldError[],
  at: string,
  container: DeepReadonly<Container>,
  context: HandlerContext,
): void {
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container
  if (lifecycle !== undefined) validateLifecycle(errors, `${at}.lifecycle`, lifecycle, context)
  if (livenessProbe !== undefined) {
    validateProbe(errors, `${at}.livenessProbe`, livenessProbe, context)
    checkSingleSuccess(errors, at, 'livenessProbe', livenessProbe)
  }
  if (readinessProbe !== undefined) {
    validateProbe(errors, `${at}.readinessProbe`, readinessProbe, context)
    const { terminationGracePeriodSeconds: grace } = readinessProbe
    if (grace !== undefined) {
      const field = `${at}.readinessProbe.terminationGracePeriodSeconds`
      errors.push(fieldInvalid(field, grace, 'must not be set for readinessProbes'))
    }
  }
  if (startupProbe !== undefined) {
    validateProbe(errors, `${at}.startupProbe`, startupProbe, context)
    checkSingleSuccess(errors, at, 'startupProbe', startupProbe)
  }
}

function checkSingleSuccess(errors: FieldError[], at: string, name: string, probe: DeepReadonly<Probe>): void {
  const { successThreshold = 0 } = probe
  if (successThreshold !== 1) errors.push(fieldInvalid(`${at}.${name}.successThreshold`, successThreshold, 'must be 1'))
}

function validateProbe(errors: FieldError[], field: string, probe: DeepReadonly<Probe>, context: HandlerContext): void {
  validateHandler(errors, field, probe, PROBE_HANDLERS, context)
  for (const counter of COUNTERS) {
    const value = probe[counter]
    if (value !== undefined && value < 0) checkNonNegative(errors, `${field}.${counter}`, value)
  }
  const { terminationGracePeriodSeconds: grace } = probe
  if (grace !== undefined && grace <= 0) {
    errors.push(fieldInvalid(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
  }
}

function validateLifecycle(
  errors: FieldError[],
  field: string,
  lifecycle: DeepReadonly<Lifecycle>,
  context: HandlerContext,
): void {
  const { postStart, preStop, stopSignal } = lifecycle
  if (postStart !== undefined) validateHandler(errors, `${field}.postStart`, postStart, LIFECYCLE_HANDLERS, context)
  if (preStop !== undefined) validateHandler(errors, `${field}.preStop`, preStop, LIFECYCLE_HANDLERS, context)
  if (stopSignal === undefined) return
  if (context.os === undefined) {
    errors.push(fieldForbidden(`${field}.stopSignal`, 'may not be set for containers with empty `spec.os.name`'))
    return
  }
  const supported = SIGNALS_OF[context.os.name ?? '']
  // Another system is refused for itself.
  if (supported !== undefined && !supported.includes(stopSignal))
    errors.push(fieldNotSupported(`${field}.stopSignal`, stopSignal, supported))
}

function validateHandler(
  errors: FieldError[],
  field: string,
  handler: Handler,
  types: readonly (keyof Handler)[],
  context: HandlerContext,
): void {
  let chosen: keyof Handler | undefined
  for (const type of types) {
    if (handler[type] === undefined) continue
    if (chosen !== undefined) {
      errors.push(fieldForbidden(`${field}.${type}`, 'may not specify more than 1 handler type'))
      continue
    }
    chosen = type
    validateAction(errors, `${field}.${type}`, handler, type, context)
  }
  if (chosen === undefined) errors.push(fieldRequired(field, 'must specify a handler type'))
}

function validateAction(
  errors: FieldError[],
  field: string,
  handler: Handler,
  type: keyof Handler,
  context: HandlerContext,
): void {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  if (type === 'exec') {
    if ((exec?.command ?? []).length === 0) errors.push(fieldRequired(`${field}.command`, ''))
  } else if (type === 'httpGet') validateHttpGet(errors, field, httpGet)
  else if (type === 'tcpSocket') checkPort(errors, field, tcpSocket?.port)
  else if (type === 'grpc') checkPort(errors, field, grpc?.port)
  else {
    const { gracePeriodSeconds: grace } = context
    const seconds = sleep?.seconds ?? 0
    if (grace === undefined || (seconds >= 0 && seconds <= grace)) return
    const detail = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`
    errors.push(fieldInvalid(field, seconds, detail))
  }
}

function validateHttpGet(errors: FieldError[], field: string, action: DeepReadonly<HTTPGetAction> | undefined): void {
  const { path = '', port, scheme = '', httpHeaders } = action ?? {}
  if (path === '') errors.push(fieldRequired(`${field}.path`, ''))
  checkPort(errors, field, port)
  if (scheme !== 'HTTP' && scheme !== 'HTTPS') {
    errors.push(fieldNotSupported(`${field}.scheme`, scheme, ['HTTP', 'HTTPS']))
  }
  if (httpHeaders === undefined) return
  for (const { name = '' } of httpHeaders) addInvalid(errors, `${field}.httpHeaders`, name, isHttpHeaderName(name))
}

function checkPort(errors: FieldError[], field: string, port: number | string | undefined): void {
  const messages = typeof port === 'string' ? isValidPortName(port) : isValidPortNumber(port ?? 0)
  if (messages.length > 0) addInvalid(errors, `${field}.port`, port ?? 0, messages)
}
