/** Probes and lifecycle handlers. Upstream: pkg/apis/core/validation validateProbe, validateHandler. */
import type { Container, Lifecycle, LifecycleHandler, Probe, ProbeHandler } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isHttpHeaderName, isValidPortNumber } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkNonNegative, checkOneOf, checkPortNumberOrName, checkPositive } from '../../validation.ts'

type Handler = DeepReadonly<ProbeHandler & LifecycleHandler>

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const

export function validateProbes(errors: FieldError[], field: string, container: DeepReadonly<Container>): void {
  const { livenessProbe, readinessProbe, startupProbe } = container
  validateProbe(errors, `${field}.livenessProbe`, livenessProbe)
  validateProbe(errors, `${field}.readinessProbe`, readinessProbe)
  validateProbe(errors, `${field}.startupProbe`, startupProbe)
  for (const [name, probe] of Object.entries({ livenessProbe, startupProbe })) {
    if (probe !== undefined && (probe.successThreshold ?? 1) !== 1) {
      errors.push(fieldInvalid(`${field}.${name}.successThreshold`, probe.successThreshold, 'must be 1'))
    }
    checkPositive(errors, `${field}.${name}.terminationGracePeriodSeconds`, probe?.terminationGracePeriodSeconds)
  }
  if (readinessProbe?.terminationGracePeriodSeconds !== undefined) {
    const at = `${field}.readinessProbe.terminationGracePeriodSeconds`
    errors.push(fieldInvalid(at, readinessProbe.terminationGracePeriodSeconds, 'must not be set for readinessProbes'))
  }
}

function validateProbe(errors: FieldError[], field: string, probe: DeepReadonly<Probe> | undefined): void {
  if (probe === undefined) return
  validateHandler(errors, field, probe)
  checkNonNegative(errors, `${field}.initialDelaySeconds`, probe.initialDelaySeconds)
  checkNonNegative(errors, `${field}.timeoutSeconds`, probe.timeoutSeconds)
  checkNonNegative(errors, `${field}.periodSeconds`, probe.periodSeconds)
  checkNonNegative(errors, `${field}.successThreshold`, probe.successThreshold)
  checkNonNegative(errors, `${field}.failureThreshold`, probe.failureThreshold)
}

export function validateLifecycle(
  errors: FieldError[],
  field: string,
  lifecycle: DeepReadonly<Lifecycle> | undefined,
): void {
  if (lifecycle?.postStart !== undefined) validateHandler(errors, `${field}.postStart`, lifecycle.postStart)
  if (lifecycle?.preStop !== undefined) validateHandler(errors, `${field}.preStop`, lifecycle.preStop)
}

function validateHandler(errors: FieldError[], field: string, handler: Handler): void {
  const given = HANDLERS.filter((name) => handler[name] !== undefined)
  if (given.length === 0) errors.push(fieldRequired(field, 'must specify a handler type'))
  for (const extra of given.slice(1)) {
    errors.push(fieldForbidden(`${field}.${extra}`, 'may not specify more than 1 handler type'))
  }
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  if (exec !== undefined && (exec.command ?? []).length === 0) errors.push(fieldRequired(`${field}.exec.command`, ''))
  if (httpGet !== undefined) {
    if ((httpGet.path ?? '') === '') errors.push(fieldRequired(`${field}.httpGet.path`, ''))
    checkPortNumberOrName(errors, `${field}.httpGet.port`, httpGet.port)
    checkOneOf(errors, `${field}.httpGet.scheme`, httpGet.scheme, ['HTTP', 'HTTPS'], 'unsupported')
    for (const header of httpGet.httpHeaders ?? []) {
      addInvalid(errors, `${field}.httpGet.httpHeaders`, header.name, isHttpHeaderName(header.name))
    }
  }
  if (tcpSocket !== undefined) checkPortNumberOrName(errors, `${field}.tcpSocket.port`, tcpSocket.port)
  if (grpc !== undefined) addInvalid(errors, `${field}.grpc.port`, grpc.port, isValidPortNumber(grpc.port ?? 0))
  if (sleep !== undefined) checkNonNegative(errors, `${field}.sleep.seconds`, sleep.seconds)
}
