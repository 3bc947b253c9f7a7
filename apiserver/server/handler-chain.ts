/**
 * The way of every request, outermost filter last. Upstream: apiserver pkg/server/config.go DefaultBuildHandlerChain.
 *
 *   errors → request info → metrics → timeout, warnings → authentication → audit → impersonation → in-flight limits →
 *   authorization → endpoint
 */
import type { Logger } from '#machinery/util/logger.ts'
import type { Authenticator } from '../authentication/interfaces.ts'
import type { Authorizer } from '../authorization/interfaces.ts'
import { errorResponse } from '../endpoints/error-response.ts'
import type { Auditing } from '../filters/audit.ts'
import { withAudit, withRefusalAudit } from '../filters/audit.ts'
import { withAuthentication } from '../filters/authentication.ts'
import { withAuthorization } from '../filters/authorization.ts'
import { withErrorGuard } from '../filters/error-guard.ts'
import { withImpersonation } from '../filters/impersonation.ts'
import type { Handler } from '../filters/interfaces.ts'
import type { InFlightCounts, InFlightLimits } from '../filters/max-in-flight.ts'
import { withMaxInFlight } from '../filters/max-in-flight.ts'
import type { RequestMetrics } from '../filters/request-metrics.ts'
import { withTimeout } from '../filters/timeout.ts'
import { withWarnings } from '../filters/warnings.ts'

export interface ChainDependencies {
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  /** Undefined: nothing is audited. */
  readonly audit: Auditing | undefined
  readonly limits: InFlightLimits
  readonly inFlight: InFlightCounts
  readonly metrics: RequestMetrics
  readonly timeoutMs: number
  readonly logger: Logger
}

/** `endpoint` is called with a call whose info has been parsed and whose user may do what it says. */
export function buildHandlerChain(endpoint: Handler, dependencies: ChainDependencies): Handler {
  const { authenticator, authorizer, audit, limits, inFlight, metrics, timeoutMs, logger } = dependencies
  let handler = withAuthorization(endpoint, authorizer)
  handler = withMaxInFlight(handler, limits, inFlight)
  handler = withImpersonation(handler, authorizer)
  if (audit !== undefined) handler = withAudit(handler, audit)
  handler = withAuthentication(handler, authenticator, logger)
  handler = withTimeout(handler, timeoutMs)
  if (audit !== undefined) handler = withRefusalAudit(handler, audit)
  handler = withErrorGuard(handler, errorResponse, logger)
  handler = withWarnings(handler)
  return metrics.wrap(handler)
}
