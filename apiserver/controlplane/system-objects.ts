/**
 * Keeps the objects every cluster starts with: what is deleted comes back within a minute.
 * Upstream: pkg/controlplane/controller/systemnamespaces and clusterauthenticationtrust, pkg/registry/flowcontrol/rest. Differs: one
 * look a minute at all of them.
 */
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'

export interface SystemObjectsOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Makes what is missing, leaves alone what is there. */
  ensure(signal: AbortSignal): Promise<unknown>
}

const PERIOD_MS = 60_000

/** Until the signal aborts; the first look is a minute away. Never rejects. */
export async function keepSystemObjects(options: SystemObjectsOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger, ensure } = options
  for (;;) {
    await sleep(clock, PERIOD_MS, signal).catch(() => undefined)
    if (signal.aborted) return
    await ensure(signal).catch((err: unknown) => {
      if (!signal.aborted) logger.warn({ reason: errorMessage(err) }, 'the objects of the system were not kept')
    })
  }
}
