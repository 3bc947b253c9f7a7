import { expect, it } from 'vitest'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { newConflict, newNotFound } from '#machinery/meta/errors.ts'
import { systemClock } from '#machinery/util/clock.ts'
import type { PodControl } from '../manager/pod-control.ts'
import { FinalizerExpectations } from './finalizer-expectations.ts'
import { newJobSync } from './job-sync.ts'
import { NO_FAILURES } from './pod-backoff.ts'
import { TRACKING_FINALIZER } from './pod-facts.ts'
import { JobTracker, type JobTrackerDependencies } from './tracking.ts'

const PODS = { group: '', resource: 'pods' }
const status = { failed: 0, uncountedTerminatedPods: { failed: ['p'] } }
const metadata = { namespace: 'a', name: 'p', uid: 'p', finalizers: [TRACKING_FINALIZER] }
const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [] }, status: { phase: 'Failed' } }
const job: Job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { namespace: 'a', name: 'j', uid: 'j' },
  spec: { template: { spec: { containers: [] } }, completions: 1, parallelism: 1 },
  status,
}

// Seed 9857: it was counted again and again, as often as the Job was looked at.
it.each([
  ['that is gone', newNotFound(PODS, 'p'), ['p']],
  ['that could not be reached', newConflict(PODS, 'p', 'changed'), []],
])('knows a Pod %s as let go while the cache shows it', async (_what, refusal, known) => {
  const removals = new FinalizerExpectations()
  const patch: Pick<PodControl, 'patch'> = { patch: () => Promise.reject(refusal) }
  const update = (_resource: unknown, written: Job): Promise<Job> => Promise.resolve(written)
  const parts = { client: { update }, pods: patch, writes: { wrote: () => undefined }, removals, clock: systemClock }
  const tracker = new JobTracker(parts as unknown as JobTrackerDependencies)
  const sync = newJobSync({ job, pods: [pod], expectedRemovals: new Set(), backoff: NO_FAILURES })
  await tracker.track(sync, false, () => undefined, new AbortController().signal).catch(() => undefined)
  expect([...removals.of('j')]).toEqual(known)
})
