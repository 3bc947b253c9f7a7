import { describe, expect, it } from 'vitest'
import type { ReplicaSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { replicaStatus } from './replica-status.ts'

const owner: ReplicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web', generation: 2 },
  spec: { replicas: 1, selector: {}, template: { metadata: {}, spec: { containers: [] } } },
}
const pods = (count: number): Pod[] =>
  Array.from({ length: count }, (_, i) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `web-${i}` },
    spec: { containers: [] },
  }))

describe('the condition ReplicaFailure', () => {
  it.each([
    { found: 0, reason: 'FailedCreate', message: 'refused' },
    { found: 2, reason: 'FailedDelete', message: 'unable to delete pods: refused' },
  ])('with $found of 1 Pods is $reason', ({ found, reason, message }) => {
    const facts = { owner, pods: pods(found), terminating: undefined, error: new Error('refused') }
    expect(replicaStatus(facts, new Date(0)).status.conditions).toEqual([
      { type: 'ReplicaFailure', status: 'True', lastTransitionTime: '1970-01-01T00:00:00Z', reason, message },
    ])
  })
})
