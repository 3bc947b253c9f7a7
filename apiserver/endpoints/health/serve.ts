/** /healthz, /livez, /readyz and their single checks. Upstream: apiserver pkg/server/healthz/healthz.go. */

import { newPathNotFound } from '#machinery/meta/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ApiResponse, HealthCheck } from '../../server/interfaces.ts'
import { textResponse } from '../responses.ts'

export type HealthEndpoint = HealthCheck['endpoints'][number]

export const HEALTH_ENDPOINTS: ReadonlySet<string> = new Set<HealthEndpoint>(['healthz', 'livez', 'readyz'])

/** `checkName`: one check of the endpoint alone, '' for all. */
export function serveHealth(
  call: ApiCall,
  endpoint: HealthEndpoint,
  checkName: string,
  checks: readonly HealthCheck[],
  logger: Logger,
): ApiResponse {
  const own = checks.filter(({ endpoints }) => endpoints.includes(endpoint))
  if (checkName !== '') return serveOne(own.find(({ name }) => name === checkName))
  const excluded = new Set(call.query.all('exclude'))
  const lines: string[] = []
  const failed: string[] = []
  for (const check of own) {
    if (excluded.delete(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`)
      continue
    }
    const reason = check.check()
    if (reason === undefined) lines.push(`[+]${check.name} ok`)
    else {
      // The path is open to everybody: the reason is for the log.
      lines.push(`[-]${check.name} failed: reason withheld`)
      failed.push(`${check.name}: ${reason}`)
    }
  }
  if (excluded.size > 0) {
    const names = [...excluded].map((name) => JSON.stringify(name)).join(', ')
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`)
  }
  if (failed.length > 0) {
    logger.info({ endpoint, failed }, 'health check failed')
    return textResponse(500, `${lines.join('\n')}\n${endpoint} check failed\n`)
  }
  if (!call.query.has('verbose')) return textResponse(200, 'ok')
  return textResponse(200, `${lines.join('\n')}\n${endpoint} check passed\n`)
}

/** Who may ask for a single check may know why it fails. */
function serveOne(check: HealthCheck | undefined): ApiResponse {
  if (check === undefined) throw newPathNotFound()
  const reason = check.check()
  return reason === undefined ? textResponse(200, 'ok') : textResponse(500, `internal server error: ${reason}\n`)
}
