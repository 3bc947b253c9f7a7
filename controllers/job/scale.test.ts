/** What a Job does about its Pods: a table of situations. */
import { describe, expect, it } from 'vitest'
import type { Job, JobSpec, JobStatus } from '#machinery/api/batch/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { newJobSync } from './job-sync.ts'
import { NO_FAILURES } from './pod-backoff.ts'
import { COMPLETION_INDEX, TRACKING_FINALIZER } from './pod-facts.ts'
import { planScale } from './scale.ts'
import { decideTermination, isComplete } from './termination.ts'

const NOW = new Date('2026-01-01T01:00:00Z')

interface PodFacts {
  readonly phase?: string
  readonly index?: number
  readonly isTerminating?: boolean
  readonly isReady?: boolean
  readonly failures?: number
  readonly finishedAt?: string
}

function pod(
  name: string,
  { phase = 'Running', index, isTerminating, isReady, failures, finishedAt }: PodFacts = {},
): Pod {
  const annotations: Record<string, string> = {}
  if (index !== undefined) annotations[COMPLETION_INDEX] = String(index)
  if (failures !== undefined) annotations['batch.kubernetes.io/job-index-failure-count'] = String(failures)
  const terminated = { exitCode: phase === 'Failed' ? 1 : 0, finishedAt: finishedAt ?? '2026-01-01T00:00:00Z' }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'a',
      uid: name,
      annotations,
      finalizers: [TRACKING_FINALIZER],
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(isTerminating === true ? { deletionTimestamp: '2026-01-01T00:30:00Z' } : {}),
    },
    spec: { containers: [], nodeName: 'n' },
    status: {
      phase,
      conditions: [
        { type: 'Ready', status: isReady === true ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ],
      ...(phase === 'Running'
        ? {}
        : {
            containerStatuses: [
              { name: 'c', ready: false, restartCount: 0, image: '', imageID: '', state: { terminated } },
            ],
          }),
    },
  }
}

function sync(
  spec: Partial<JobSpec>,
  pods: readonly Pod[],
  status: JobStatus = {},
  expectedRemovals: ReadonlySet<string> = new Set(),
) {
  const template = { spec: { containers: [], restartPolicy: 'Never' } }
  const job: Job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { namespace: 'a', name: 'j' },
    spec: { template, parallelism: 1, ...spec },
    status,
  }
  return newJobSync({ job, pods, expectedRemovals, backoff: NO_FAILURES })
}

const summary = (spec: Partial<JobSpec>, pods: readonly Pod[], status?: JobStatus): string => {
  const plan = planScale(sync(spec, pods, status), NOW.getTime())
  if (plan.type === 'create') return `create ${plan.indexes.map((index) => index ?? '-').join(',')}`
  if (plan.type === 'delete') return `delete ${plan.pods.map(({ metadata }) => metadata.name).join(',')}`
  return plan.type === 'wait' ? `wait ${plan.delayMs}` : 'none'
}

const INDEXED = { completionMode: 'Indexed' }

describe('planScale', () => {
  it.each<[string, Partial<JobSpec>, readonly Pod[], JobStatus, string]>([
    ['starts as many as may run', { parallelism: 2, completions: 5 }, [], {}, 'create -,-'],
    ['starts no more than are still needed', { parallelism: 3, completions: 5 }, [], { succeeded: 4 }, 'create -'],
    [
      'counts Pods that have succeeded just now',
      { parallelism: 3, completions: 2 },
      [pod('a', { phase: 'Succeeded' })],
      {},
      'create -',
    ],
    [
      'starts nothing after the first success without completions',
      { parallelism: 2 },
      [pod('a'), pod('b', { phase: 'Succeeded' })],
      {},
      'none',
    ],
    [
      'removes what is too much, not ready first',
      { parallelism: 1, completions: 9 },
      [pod('a', { isReady: true }), pod('b')],
      {},
      'delete b',
    ],
    ['removes all when suspended', { parallelism: 1, completions: 1, suspend: true }, [pod('a')], {}, 'delete a'],
    [
      'waits after a failure',
      { parallelism: 1, completions: 1 },
      [pod('a', { phase: 'Failed', finishedAt: '2026-01-01T00:59:55Z' })],
      {},
      'wait 5000',
    ],
    [
      'replaces a terminating Pod at once',
      { parallelism: 1, completions: 1 },
      [pod('a', { isTerminating: true })],
      {},
      'create -',
    ],
    [
      'or only when it has failed',
      { parallelism: 1, completions: 1, podReplacementPolicy: 'Failed' },
      [pod('a', { isTerminating: true })],
      {},
      'none',
    ],
    [
      'fills the lowest free indexes',
      { ...INDEXED, parallelism: 3, completions: 6 },
      [pod('a', { index: 1 })],
      { completedIndexes: '0,3' },
      'create 2,4',
    ],
    [
      'removes a repeated and an impossible index',
      { ...INDEXED, parallelism: 3, completions: 3 },
      [pod('a', { index: 1, isReady: true }), pod('b', { index: 1 }), pod('c', { index: 7 })],
      {},
      'delete c,b',
    ],
    [
      'skips failed indexes',
      { ...INDEXED, parallelism: 3, completions: 3, backoffLimitPerIndex: 0 },
      [pod('a', { index: 0, phase: 'Failed' })],
      {},
      'create 1,2',
    ],
    [
      'backs off per index',
      { ...INDEXED, parallelism: 1, completions: 1, backoffLimitPerIndex: 2 },
      [pod('a', { index: 0, phase: 'Failed', failures: 1, finishedAt: '2026-01-01T00:59:50Z' })],
      {},
      'wait 10000',
    ],
  ])('%s', (_name, spec, pods, status, expected) => {
    expect(summary(spec, pods, status)).toBe(expected)
  })
})

describe('decideTermination', () => {
  const failed = (index?: number): Pod =>
    pod(`f${index ?? ''}`, { phase: 'Failed', ...(index === undefined ? {} : { index }) })

  it.each<[string, Partial<JobSpec>, readonly Pod[], JobStatus, string | undefined]>([
    ['goes on below the limit', { backoffLimit: 1 }, [failed()], {}, undefined],
    ['fails above the limit', { backoffLimit: 1 }, [failed()], { failed: 1 }, 'FailureTarget/BackoffLimitExceeded'],
    [
      'fails past its deadline',
      { activeDeadlineSeconds: 60 },
      [],
      { startTime: '2026-01-01T00:59:00Z' },
      'FailureTarget/DeadlineExceeded',
    ],
    [
      'has no deadline while suspended',
      { activeDeadlineSeconds: 60, suspend: true },
      [],
      { startTime: '2026-01-01T00:00:00Z' },
      undefined,
    ],
    [
      'fails when every index is over',
      { ...INDEXED, completions: 2, backoffLimitPerIndex: 0 },
      [failed(0)],
      { completedIndexes: '1' },
      'FailureTarget/FailedIndexes',
    ],
    [
      'fails with too many failed indexes',
      { ...INDEXED, completions: 9, backoffLimitPerIndex: 0, maxFailedIndexes: 1 },
      [failed(0), failed(1)],
      {},
      'FailureTarget/MaxFailedIndexesExceeded',
    ],
    [
      'succeeds by its policy',
      { ...INDEXED, completions: 9, successPolicy: { rules: [{ succeededCount: 1 }] } },
      [pod('s', { phase: 'Succeeded', index: 4 })],
      {},
      'SuccessCriteriaMet/SuccessPolicy',
    ],
    [
      'keeps to a failure once decided',
      {},
      [],
      { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'X' }] },
      'Failed/X',
    ],
  ])('%s', (_name, spec, pods, status, expected) => {
    const subject = sync(spec, pods, status)
    decideTermination(subject, NOW)
    const { finished } = subject
    expect(finished === undefined ? undefined : `${finished.type}/${finished.reason}`).toBe(expected)
  })

  it.each<[string, Partial<JobSpec>, PodFacts, JobStatus]>([
    ['a Pod', { completions: 2 }, {}, { succeeded: 1 }],
    ['an index', { ...INDEXED, completions: 1 }, { index: 0 }, {}],
  ])('is complete by %s that ends well, not by one that was noted as failed while it was deleted', (...row) => {
    const [, spec, facts, status] = row
    const pods = [pod('s', { phase: 'Succeeded', isTerminating: true, ...facts })]
    expect(isComplete(sync(spec, pods, status))).toBe(true)
    expect(isComplete(sync(spec, pods, { ...status, uncountedTerminatedPods: { failed: ['s'] } }))).toBe(false)
  })

  it('is not complete by an index whose Pod was counted as failed and let go, and that the cache shows still (seed 8117)', () => {
    const pods = [pod('s', { phase: 'Succeeded', isTerminating: true, index: 0 })]
    const spec = { ...INDEXED, completions: 1 }
    expect(isComplete(sync(spec, pods, { failed: 1 }))).toBe(true)
    expect(isComplete(sync(spec, pods, { failed: 1 }, new Set(['s'])))).toBe(false)
  })

  it('asks to be looked at again when the deadline passes', () => {
    const subject = sync({ activeDeadlineSeconds: 60 }, [], { startTime: '2026-01-01T00:59:30Z' })
    decideTermination(subject, NOW)
    expect(subject.requeueAfterMs).toBe(30_000)
  })
})
