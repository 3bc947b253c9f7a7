import { describe, expect, it } from 'vitest'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { comparePodsForRemoval, generateNameFor } from './pod-control.ts'

const NOW = '2026-02-01T00:00:00Z'
const MONTH_AGO = '2026-01-01T00:00:00Z'

interface PodFacts {
  readonly node?: string
  readonly phase?: string
  /** Null: ready, and nobody knows since when. */
  readonly readySince?: string | null
  readonly restarts?: number
  readonly created?: string
}

function pod(name: string, { node = 'n', phase = 'Running', readySince, restarts = 0, created }: PodFacts): Pod {
  const since = typeof readySince === 'string' ? { lastTransitionTime: readySince } : {}
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(created === undefined ? {} : { creationTimestamp: created }) },
    spec: { containers: [], nodeName: node },
    status: {
      phase,
      conditions: readySince === undefined ? [] : [{ type: 'Ready', status: 'True', ...since }],
      containerStatuses: [{ name: 'c', restartCount: restarts } as never],
    },
  }
}

describe('comparePodsForRemoval', () => {
  it('orders as ActivePods of upstream does', () => {
    const ordered = [
      pod('without a node', { node: '', phase: 'Pending' }),
      pod('pending', { phase: 'Pending' }),
      pod('unknown', { phase: 'Unknown' }),
      pod('not ready', {}),
      pod('ready since nobody knows when', { readySince: null, restarts: 3 }),
      pod('ready now', { readySince: NOW, restarts: 3 }),
      pod('ready for long', { readySince: MONTH_AGO, restarts: 3 }),
      pod('restarted less', { readySince: MONTH_AGO, restarts: 2, created: NOW }),
      pod('older', { readySince: MONTH_AGO, restarts: 2, created: MONTH_AGO }),
    ]
    expect(ordered.toReversed().sort(comparePodsForRemoval)).toEqual(ordered)
  })
})

describe('generateNameFor', () => {
  it.each([
    ['web', 'web-'],
    ['w'.repeat(60), `${'w'.repeat(60)}-`],
    ['w'.repeat(253), 'w'.repeat(253)],
  ])('is the prefix of the Pods of %s', (name, expected) => {
    expect(generateNameFor({ apiVersion: 'v1', kind: 'X', metadata: { name } })).toBe(expected)
  })
})
