/**
 * Deletes finished Jobs once their ttlSecondsAfterFinished has passed.
 *
 * Reads: jobs from the cache; the one job about to be deleted, live.  Writes: deletes jobs.
 * Upstream: pkg/controller/ttlafterfinished.
 * Differs: the delete is bound to the resourceVersion as well as the UID, closing the gap between read and delete.
 */
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, Result } from '#sdk'
import { DONE, defineController, requeueAfter } from '#sdk'
import { TTL_AFTER_FINISHED_CONTROLLER } from '../manager/names.ts'

export const ttlAfterFinishedController = defineController({
  name: TTL_AFTER_FINISHED_CONTROLLER,
  reconciles: JOBS, // Its keys are the queue's keys. Nothing else is watched: all we need is on the Job.
  permissions: [{ resource: JOBS, verbs: ['get', 'list', 'watch', 'delete'] }],
  concurrency: 5,
  create: ({ client, lister, clock }) => new TtlAfterFinishedReconciler(client, lister(JOBS), clock),
})

class TtlAfterFinishedReconciler implements Reconciler {
  readonly #client: Client
  readonly #jobs: Lister<Job>
  readonly #clock: Clock

  constructor(client: Client, jobs: Lister<Job>, clock: Clock) {
    this.#client = client
    this.#jobs = jobs
    this.#clock = clock
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const cachedWaitMs = millisecondsUntilExpiry(this.#jobs.get(key), this.#clock.now())
    if (cachedWaitMs === undefined) return DONE // Gone, unfinished or without TTL: an update brings us back.
    if (cachedWaitMs > 0) return requeueAfter(cachedWaitMs)

    // Deleting cannot be undone and the cache may lag a user who has just raised the TTL,
    // so the decision is taken again on a live read, and the delete is bound to what was read.
    const live = await this.#client.get(JOBS, key, { signal }).catch(undefinedIfNotFound)
    const liveWaitMs = millisecondsUntilExpiry(live, this.#clock.now())
    if (live === undefined || liveWaitMs === undefined) return DONE
    if (liveWaitMs > 0) return requeueAfter(liveWaitMs)

    const { uid = '', resourceVersion = '' } = live.metadata
    await this.#client
      .delete(JOBS, key, { preconditions: { uid, resourceVersion }, propagationPolicy: 'Foreground', signal })
      .catch(undefinedIfNotFound)
    return DONE
  }
}

/** Time left before the Job may be deleted: zero or less when due, undefined when it never will be. */
export function millisecondsUntilExpiry(job: DeepReadonly<Job> | undefined, now: Date): number | undefined {
  const ttlSeconds = job?.spec.ttlSecondsAfterFinished
  if (job === undefined || ttlSeconds === undefined || job.metadata.deletionTimestamp !== undefined) return undefined
  const finished = job.status?.conditions?.find(isFinishedCondition)
  if (finished?.lastTransitionTime === undefined) return undefined
  return Date.parse(finished.lastTransitionTime) + ttlSeconds * 1000 - now.getTime()
}

function isFinishedCondition(condition: { readonly type: string; readonly status: string }): boolean {
  return (condition.type === 'Complete' || condition.type === 'Failed') && condition.status === 'True'
}
