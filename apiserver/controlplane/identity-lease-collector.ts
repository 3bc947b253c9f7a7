/**
 * Deletes the identity Leases of API servers that have not renewed them for their duration: once at the start, then every hour.
 * Upstream: pkg/controlplane/controller/apiserverleasegc. Differs: Leases are listed each time, not watched.
 */
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { IDENTITY, IDENTITY_LABEL, type ServerIdentityOptions } from './server-identity.ts'

type CollectorOptions = Pick<ServerIdentityOptions, 'client' | 'clock' | 'logger'>

const PERIOD_MS = 3_600_000
const NAMESPACE = 'kube-system'

/** Until the signal aborts. Never rejects. */
export async function collectIdentityLeases(options: CollectorOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options
  while (!signal.aborted) {
    await collectOnce(options, signal).catch((err: unknown) => {
      if (!signal.aborted) logger.warn({ reason: errorMessage(err) }, 'expired identity leases were not collected')
    })
    await sleep(clock, PERIOD_MS, signal).catch(() => undefined)
  }
}

async function collectOnce({ client, clock }: CollectorOptions, signal: AbortSignal): Promise<void> {
  const labelSelector = `${IDENTITY_LABEL}=${IDENTITY}`
  const { items } = await client.list(LEASES, { namespace: NAMESPACE, labelSelector, signal })
  for (const lease of items) {
    if (!isExpired(lease, clock.nowMs())) continue
    const { name = '', resourceVersion = '' } = lease.metadata
    const options = { preconditions: { resourceVersion }, signal }
    await client.delete(LEASES, { namespace: NAMESPACE, name }, options).catch((err: unknown) => {
      // It is renewed after all, or another server was faster.
      if (!isConflict(err) && !isNotFound(err)) throw err
    })
  }
}

/** One without a time or a duration is nobody's. */
function isExpired({ spec }: DeepReadonly<Lease>, nowMs: number): boolean {
  const { renewTime, leaseDurationSeconds } = spec ?? {}
  if (renewTime === undefined || leaseDurationSeconds === undefined) return true
  return !(Date.parse(renewTime) + leaseDurationSeconds * 1000 >= nowMs)
}
