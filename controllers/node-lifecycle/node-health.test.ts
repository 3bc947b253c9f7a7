import { describe, expect, it } from 'vitest'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { NodeHealth } from './node-health.ts'
import { isOverdue, observeHealth, unknownConditions } from './node-health.ts'

const CREATED = '2026-01-01T00:00:00Z'
const CREATED_MS = Date.parse(CREATED)
const NOW_MS = CREATED_MS + 1_000_000
const BEAT = '2026-01-01T00:05:00Z'
const LATER = '2026-01-01T00:05:10Z'

const node = (heartbeat?: string, status = 'True'): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n', creationTimestamp: CREATED },
  spec: {},
  ...(heartbeat === undefined
    ? {}
    : { status: { conditions: [{ type: 'Ready', status, lastHeartbeatTime: heartbeat }] } }),
})
const lease = (renewTime: string) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'n' },
  spec: { renewTime },
})
const health = (heartbeat?: string, renewTime?: string): NodeHealth => ({
  probeMs: 1,
  ready: node(heartbeat).status?.conditions?.[0],
  renewTime,
})

describe('observeHealth', () => {
  it.each<[string, NodeHealth | undefined, Node, string | undefined, number]>([
    ['a node we have not met, without status', undefined, node(), undefined, CREATED_MS],
    ['a node we have not met, with one', undefined, node(BEAT), undefined, NOW_MS],
    ['still no status', health(), node(), undefined, 1],
    ['its first status', health(), node(BEAT), undefined, NOW_MS],
    ['its status gone', health(BEAT), node(), undefined, NOW_MS],
    ['the same heartbeat', health(BEAT), node(BEAT), undefined, 1],
    ['another heartbeat', health(BEAT), node(LATER), undefined, NOW_MS],
    ['a first lease', health(BEAT), node(BEAT), '2026-01-01T00:05:00.000000Z', NOW_MS],
    ['the same lease', health(BEAT, '2026-01-01T00:05:00.000000Z'), node(BEAT), '2026-01-01T00:05:00.000000Z', 1],
    ['a renewed lease', health(BEAT, '2026-01-01T00:05:00.000000Z'), node(BEAT), '2026-01-01T00:05:10.000000Z', NOW_MS],
    ['a lease set back', health(BEAT, '2026-01-01T00:05:00.000000Z'), node(BEAT), '2026-01-01T00:04:00.000000Z', 1],
  ])('%s', (_what, before, seen, renewTime, probeMs) => {
    const found = renewTime === undefined ? undefined : lease(renewTime)
    expect(observeHealth(before, seen, found, NOW_MS).probeMs).toBe(probeMs)
  })
})

describe('isOverdue', () => {
  const grace = { monitorMs: 50_000, startupMs: 60_000 }
  it.each([
    ['at the end of the grace period', BEAT, 50_001, false],
    ['after it', BEAT, 50_002, true],
    ['starting, at the end', undefined, 60_001, false],
    ['starting, after it', undefined, 60_002, true],
  ])('%s', (_what, heartbeat, nowMs, expected) => {
    expect(isOverdue(health(heartbeat), grace, nowMs)).toBe(expected)
  })
})

describe('unknownConditions', () => {
  it('says of what the kubelet posted that it stopped, of the rest that it never came', () => {
    const conditions = unknownConditions(node(BEAT), LATER)
    expect(conditions).toEqual([
      {
        type: 'Ready',
        status: 'Unknown',
        lastHeartbeatTime: BEAT,
        lastTransitionTime: LATER,
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
      },
      ...['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
        type,
        status: 'Unknown',
        lastHeartbeatTime: CREATED,
        lastTransitionTime: LATER,
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
      })),
    ])
  })

  it('has nothing to say twice', () => {
    expect(unknownConditions(node(BEAT, 'Unknown'), LATER)).toBeUndefined()
  })
})
