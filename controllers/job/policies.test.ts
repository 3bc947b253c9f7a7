/** Pod failure policy, success policy and Pod backoff. */
import { describe, expect, it } from 'vitest'
import type { PodFailurePolicyRule } from '#machinery/api/batch/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { CompletionIndexes } from './completion-indexes.ts'
import { backoffRemainingMs, NO_FAILURES, nextBackoffRecord } from './pod-backoff.ts'
import { matchPodFailurePolicy } from './pod-failure-policy.ts'
import { matchSuccessPolicy } from './success-policy.ts'

function failedPod(exitCode: number, finishedAt = '2026-01-01T00:00:00Z'): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'ns', name: 'p' },
    spec: { containers: [] },
    status: {
      phase: 'Failed',
      conditions: [{ type: 'DisruptionTarget', status: 'True' }],
      containerStatuses: [
        {
          name: 'main',
          ready: false,
          restartCount: 0,
          image: '',
          imageID: '',
          state: { terminated: { exitCode, finishedAt } },
        },
      ],
    },
  }
}

const EXIT_42: PodFailurePolicyRule = { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }

describe('matchPodFailurePolicy', () => {
  it('says which container made the Job fail', () => {
    expect(matchPodFailurePolicy({ rules: [EXIT_42] }, failedPod(42))).toEqual({
      action: 'FailJob',
      isCounted: true,
      failJobMessage: 'Container main for pod ns/p failed with exit code 42 matching FailJob rule at index 0',
    })
  })

  it.each<[string, PodFailurePolicyRule, string | undefined, boolean]>([
    ['another exit code', EXIT_42, undefined, true],
    ['NotIn', { action: 'Count', onExitCodes: { operator: 'NotIn', values: [42] } }, 'Count', true],
    [
      'another container',
      { action: 'Ignore', onExitCodes: { containerName: 'x', operator: 'In', values: [1] } },
      undefined,
      true,
    ],
    [
      'a condition',
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      'Ignore',
      false,
    ],
    ['an index failure', { action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }, 'FailIndex', true],
  ])('matches %s', (_name, rule, action, isCounted) => {
    expect(matchPodFailurePolicy({ rules: [rule] }, failedPod(1))).toMatchObject({ action, isCounted })
  })

  it('takes the first rule that matches', () => {
    const ignore: PodFailurePolicyRule = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }
    expect(matchPodFailurePolicy({ rules: [ignore, EXIT_42] }, failedPod(42)).action).toBe('Ignore')
  })
})

describe('matchSuccessPolicy', () => {
  it.each([
    ['all required indexes', { succeededIndexes: '0-1' }, true],
    ['a required index is missing', { succeededIndexes: '0-2' }, false],
    ['enough of the required', { succeededIndexes: '0-9', succeededCount: 2 }, true],
    ['enough of any', { succeededCount: 3 }, true],
    ['too few', { succeededCount: 4 }, false],
    ['no index named', { succeededIndexes: '' }, false],
    ['indexes beyond the Job', { succeededIndexes: '10-12' }, false],
  ])('%s', (_name, rule, isMet) => {
    const succeeded = CompletionIndexes.parse('0,1,5', 10)
    expect(matchSuccessPolicy({ rules: [rule] }, succeeded, 10)).toBe(isMet ? 'Matched rules at index 0' : undefined)
  })
})

describe('Pod backoff', () => {
  const at = Date.parse('2026-01-01T00:00:00Z')

  it.each([
    [1, 10_000],
    [2, 20_000],
    [5, 160_000],
    [20, 600_000],
  ])('after %i failures in a row waits %i ms', (failures, waitMs) => {
    const record = nextBackoffRecord(
      NO_FAILURES,
      [],
      Array.from({ length: failures }, () => failedPod(1)),
    )
    expect(backoffRemainingMs(record, at)).toBe(waitMs)
    expect(backoffRemainingMs(record, at + waitMs)).toBe(0)
  })

  it('waits from the end of the last sidecar, not of its init containers', () => {
    const ended = (name: string, finishedAt: string) => ({
      name,
      ready: false,
      restartCount: 0,
      image: '',
      imageID: '',
      state: { terminated: { exitCode: 0, finishedAt } },
    })
    const pod = failedPod(1)
    pod.spec.initContainers = [{ name: 'proxy', restartPolicy: 'Always' }, { name: 'setup' }]
    pod.status = {
      ...pod.status,
      initContainerStatuses: [ended('proxy', '2026-01-01T00:00:05Z'), ended('setup', '2026-01-01T01:00:00Z')],
    }
    expect(backoffRemainingMs(nextBackoffRecord(NO_FAILURES, [], [pod]), at)).toBe(15_000)
  })

  it('forgets failures from before the last success', () => {
    const record = nextBackoffRecord(NO_FAILURES, [], [failedPod(1), failedPod(1)])
    const succeeded = failedPod(0, '2026-01-01T00:01:00Z')
    const after = nextBackoffRecord(record, [succeeded], [failedPod(1, '2026-01-01T00:02:00Z')])
    expect(after.failuresSinceSuccess).toBe(1)
  })
})
