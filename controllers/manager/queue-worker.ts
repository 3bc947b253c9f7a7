/** Takes keys out of a queue and works on them, for components with queues of their own: errors are tried again. */
import { isConflict, isTooManyRequests, retryAfterMs } from '#machinery/meta/errors.ts'
import { isAbortError, toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { WorkQueue } from '#machinery/workqueue/workqueue.ts'

/** Resolves when the queue is shut down. */
export async function workOn(
  queue: WorkQueue,
  work: (key: string) => Promise<void>,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
    try {
      await work(key)
      queue.forget(key)
    } catch (err: unknown) {
      if (!signal.aborted && !isAbortError(err)) {
        queue.addRateLimited(key, retryAfterMs(err))
        if (!isConflict(err) && !isTooManyRequests(err))
          logger.error({ key, err: toError(err) }, 'reconcile failed, trying again')
      }
    }
    queue.done(key)
  }
}
