import { describe, expect, it } from 'vitest'
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '#machinery/api/apps/v1/types.gen.ts'
import { isComplete, progressCheckInMs, rolloutStatus } from './deployment-status.ts'
import { rolloutOf } from './rollout.ts'

const NOW = new Date('2026-01-01T01:00:00Z')
const secondsAgo = (seconds: number): string =>
  new Date(NOW.getTime() - seconds * 1_000).toISOString().replace('.000', '')

const template = (image: string) => ({ metadata: {}, spec: { containers: [{ name: 'c', image }] } })

interface Facts {
  readonly replicas?: number
  readonly deadline?: number
  readonly status?: DeploymentStatus
}

const deployment = ({ replicas = 1, deadline, status = {} }: Facts): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: {
    replicas,
    selector: {},
    template: template('new'),
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
    ...(deadline === undefined ? {} : { progressDeadlineSeconds: deadline }),
  },
  status,
})

const set = (
  name: string,
  replicas: number,
  available: number,
  status: ReplicaSet['status'] = { replicas },
): ReplicaSet => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name },
  spec: { replicas, selector: {}, template: template(name) },
  status: { readyReplicas: available, availableReplicas: available, observedGeneration: 1, ...status },
})

const progressing = (status: string, reason: string, ago: number): DeploymentCondition => ({
  type: 'Progressing',
  status,
  reason,
  lastUpdateTime: secondsAgo(ago),
  lastTransitionTime: secondsAgo(ago),
})

function statusOf(subject: Deployment, sets: readonly ReplicaSet[]): DeploymentStatus {
  return rolloutStatus(rolloutOf(subject, sets), subject.status?.conditions ?? [], 0, NOW)
}

const conditionOf = (status: DeploymentStatus) => status.conditions?.find(({ type }) => type === 'Progressing')
const now = { lastUpdateTime: secondsAgo(0), lastTransitionTime: secondsAgo(0) }

describe('the condition Progressing', () => {
  it.each<[string, Facts & { condition?: DeploymentCondition; sets: ReplicaSet[] }, object | undefined]>([
    [
      'goes when there is no deadline',
      { condition: progressing('True', 'ReplicaSetUpdated', 30), sets: [set('new', 1, 0)] },
      undefined,
    ],
    [
      'stays as it is after a rollout, whatever becomes of the Pods',
      {
        replicas: 2,
        deadline: 5,
        condition: progressing('True', 'NewReplicaSetAvailable', 30),
        sets: [set('new', 2, 0)],
      },
      progressing('True', 'NewReplicaSetAvailable', 30),
    ],
    [
      'moves only the time of the update with further progress',
      {
        replicas: 3,
        deadline: 5,
        status: { replicas: 3, updatedReplicas: 1 },
        condition: progressing('True', 'ReplicaSetUpdated', 30),
        sets: [set('new', 2, 2), set('old', 1, 1)],
      },
      {
        ...progressing('True', 'ReplicaSetUpdated', 30),
        message: 'ReplicaSet "new" is progressing.',
        lastUpdateTime: secondsAgo(0),
      },
    ],
    [
      'is true again with progress after the deadline',
      {
        replicas: 3,
        deadline: 5,
        status: { replicas: 3, updatedReplicas: 1 },
        condition: progressing('False', 'ProgressDeadlineExceeded', 30),
        sets: [set('new', 2, 2), set('old', 1, 1)],
      },
      {
        type: 'Progressing',
        status: 'True',
        reason: 'ReplicaSetUpdated',
        message: 'ReplicaSet "new" is progressing.',
        ...now,
      },
    ],
    [
      'is made with the first progress',
      { replicas: 3, deadline: 5, sets: [set('new', 2, 2), set('old', 1, 1)] },
      {
        type: 'Progressing',
        status: 'True',
        reason: 'ReplicaSetUpdated',
        message: 'ReplicaSet "new" is progressing.',
        ...now,
      },
    ],
    [
      'keeps the time it became true when the rollout is complete',
      { deadline: 5, condition: progressing('True', 'ReplicaSetUpdated', 30), sets: [set('new', 1, 1)] },
      {
        type: 'Progressing',
        status: 'True',
        reason: 'NewReplicaSetAvailable',
        message: 'ReplicaSet "new" has successfully progressed.',
        lastUpdateTime: secondsAgo(0),
        lastTransitionTime: secondsAgo(30),
      },
    ],
    [
      'is complete without a set when nothing is wanted',
      { replicas: 0, deadline: 5, sets: [] },
      {
        type: 'Progressing',
        status: 'True',
        reason: 'NewReplicaSetAvailable',
        message: 'Deployment "d" has successfully progressed.',
        ...now,
      },
    ],
    [
      'is false after the deadline',
      {
        replicas: 2,
        deadline: 5,
        status: { replicas: 2, updatedReplicas: 2 },
        condition: progressing('True', 'ReplicaSetUpdated', 30),
        sets: [set('new', 2, 0)],
      },
      {
        type: 'Progressing',
        status: 'False',
        reason: 'ProgressDeadlineExceeded',
        message: 'ReplicaSet "new" has timed out progressing.',
        ...now,
      },
    ],
    [
      'says only once that the deadline is over',
      {
        replicas: 2,
        deadline: 5,
        status: { replicas: 2, updatedReplicas: 2 },
        condition: progressing('False', 'ProgressDeadlineExceeded', 30),
        sets: [set('new', 2, 0)],
      },
      progressing('False', 'ProgressDeadlineExceeded', 30),
    ],
  ])('%s', (_what, { condition, sets, ...facts }, expected) => {
    const conditions = condition === undefined ? [] : [condition]
    const subject = deployment({ ...facts, status: { ...facts.status, conditions } })
    expect(conditionOf(statusOf(subject, sets))).toEqual(expected)
  })
})

describe('progressCheckInMs', () => {
  it.each<[string, Facts, number | undefined]>([
    ['no condition', { deadline: 600 }, undefined],
    ['no deadline', { status: { conditions: [progressing('True', 'x', 180)] } }, undefined],
    [
      'after the deadline',
      { deadline: 60, status: { conditions: [progressing('False', 'ProgressDeadlineExceeded', 180)] } },
      undefined,
    ],
    ['in time, a second late', { deadline: 600, status: { conditions: [progressing('True', 'x', 180)] } }, 421_000],
    ['at once, but not in a loop', { deadline: 60, status: { conditions: [progressing('True', 'x', 180)] } }, 1_000],
  ])('%s', (_what, facts, expected) => {
    const subject = deployment({ replicas: 3, ...facts })
    expect(progressCheckInMs(subject, subject.status ?? {}, NOW)).toBe(expected)
  })
})

describe('isComplete', () => {
  it.each([
    { wanted: 5, counts: [5, 5, 4], expected: false },
    { wanted: 5, counts: [5, 5, 5], expected: true },
    { wanted: 5, counts: [5, 4, 5], expected: false },
    { wanted: 1, counts: [2, 1, 1], expected: false },
    { wanted: 1, counts: [1, 1, 0], expected: false },
  ])('$wanted wanted, $counts are there, updated, available: $expected', ({ wanted, counts, expected }) => {
    const [replicas = 0, updatedReplicas = 0, availableReplicas = 0] = counts
    const status = { replicas, updatedReplicas, availableReplicas }
    expect(isComplete(deployment({ replicas: wanted }), status)).toBe(expected)
  })
})

describe('terminatingReplicas', () => {
  const unseen = set('old', 3, 0, { replicas: 0, observedGeneration: 0 })
  const silent = set('old', 1, 1, { replicas: 1 })
  const going = set('new', 1, 1, { replicas: 2, terminatingReplicas: 3 })
  it.each([
    { what: 'no set', sets: [], expected: 0 },
    { what: 'one that nobody has looked at', sets: [unseen], expected: 0 },
    { what: 'one that tells, and one that nobody has looked at', sets: [going, unseen], expected: 3 },
    { what: 'one that does not tell', sets: [going, silent], expected: undefined },
  ])('of $what', ({ sets, expected }) => {
    expect(statusOf(deployment({}), sets).terminatingReplicas).toBe(expected)
  })
})

describe('the condition ReplicaFailure', () => {
  const failing = (name: string, reason: string) =>
    set(name, 1, 0, {
      replicas: 0,
      conditions: [
        { type: 'ReplicaFailure', status: 'True', reason, message: name, lastTransitionTime: secondsAgo(5) },
      ],
    })

  it("is the new set's rather than an old one's, and keeps the time it became true", () => {
    const before: DeploymentCondition = {
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedDelete',
      message: 'before',
      lastUpdateTime: secondsAgo(60),
      lastTransitionTime: secondsAgo(60),
    }
    const subject = deployment({ status: { conditions: [before] } })
    const status = statusOf(subject, [failing('old', 'FailedCreate'), failing('new', 'FailedCreate')])
    expect(status.conditions?.find(({ type }) => type === 'ReplicaFailure')).toEqual({
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: 'new',
      lastUpdateTime: secondsAgo(5),
      lastTransitionTime: secondsAgo(60),
    })
  })
})
