import { describe, expect, it } from 'vitest'
import type { Pod, Taint, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import type { EvictionPlan } from './eviction-plan.ts'
import { evictionPlan } from './eviction-plan.ts'

const CREATED = '2026-01-01T00:00:00Z'
const pod = (tolerations: Toleration[], scheduled?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', creationTimestamp: CREATED },
  spec: { containers: [], nodeName: 'n', tolerations },
  ...(scheduled === undefined
    ? {}
    : { status: { conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: scheduled }] } }),
})
const taint = (key: string, timeAdded?: string): Taint => ({
  key,
  effect: 'NoExecute',
  ...(timeAdded === undefined ? {} : { timeAdded }),
})
const exists = (key: string, tolerationSeconds?: number): Toleration => ({
  key,
  operator: 'Exists',
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
})
const leaves = (afterMs: number, since?: string): EvictionPlan => ({
  type: 'leaves',
  afterMs,
  sinceMs: since === undefined ? undefined : Date.parse(since),
})
const STAYS: EvictionPlan = { type: 'stays' }

describe('evictionPlan', () => {
  it.each<[string, Pod, Taint[], EvictionPlan]>([
    ['no taint', pod([]), [], STAYS],
    ['not tolerated', pod([]), [taint('a')], leaves(0)],
    ['one of two not tolerated', pod([exists('a')]), [taint('a'), taint('b')], leaves(0)],
    ['tolerated for good', pod([exists('a')]), [taint('a')], STAYS],
    ['tolerated for a while', pod([exists('a', 300)]), [taint('a')], leaves(300_000)],
    ['the shortest counts', pod([exists('a', 300), exists('b', 60)]), [taint('a'), taint('b')], leaves(60_000)],
    ['one for a while, one for good', pod([exists('a'), exists('b', 60)]), [taint('a'), taint('b')], leaves(60_000)],
    ['no time at all', pod([exists('a', 0)]), [taint('a')], leaves(0)],
    ['negative is none', pod([exists('a', -5)]), [taint('a')], leaves(0)],
    ['the first match counts', pod([exists('a'), exists('a', 5)]), [taint('a')], STAYS],
    [
      'since the taint, for a Pod that was there',
      pod([exists('a', 300)]),
      [taint('a', '2026-01-01T01:00:00Z')],
      leaves(300_000, '2026-01-01T01:00:00Z'),
    ],
    [
      'since it came, for a Pod that came later',
      pod([exists('a', 300)], '2026-01-01T02:00:00Z'),
      [taint('a', '2026-01-01T01:00:00Z')],
      leaves(300_000, '2026-01-01T02:00:00Z'),
    ],
    [
      'a taint that does not say when',
      pod([exists('a', 300), exists('b', 300)]),
      [taint('a', '2026-01-01T01:00:00Z'), taint('b')],
      leaves(300_000),
    ],
  ])('%s', (_what, subject, taints, expected) => {
    const plan = evictionPlan(subject, taints)
    // Without a time of addition it cannot be told since when.
    expect(plan).toEqual(expected)
  })

  it('compares numbers when it is told to', () => {
    const subject = pod([{ key: 'sla', operator: 'Lt', value: '950', tolerationSeconds: 60 }])
    const taints = [{ ...taint('sla'), value: '900' }]
    expect(evictionPlan(subject, taints, true)).toEqual(leaves(60_000))
    expect(evictionPlan(subject, taints)).toEqual(leaves(0))
  })
})
