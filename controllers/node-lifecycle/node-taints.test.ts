import { describe, expect, it } from 'vitest'
import type { Node, Taint } from '#machinery/api/core/v1/types.gen.ts'
import { changedTaints, NOT_READY, noScheduleChange, UNREACHABLE } from './node-taints.ts'

const NOW = '2026-01-01T00:00:00Z'
const taint = (key: string, effect = 'NoSchedule'): Taint => ({ key: `node.kubernetes.io/${key}`, effect })

const node = (conditions: Record<string, string>, taints: Taint[] = [], unschedulable = false): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n' },
  spec: { taints, ...(unschedulable ? { unschedulable } : {}) },
  status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
})

describe('noScheduleChange', () => {
  it.each<[string, Node, string[], string[]]>([
    ['well', node({ Ready: 'True', MemoryPressure: 'False' }), [], []],
    ['no conditions yet keep no taint', node({}, [taint('not-ready')]), [], ['not-ready']],
    ['not ready', node({ Ready: 'False' }), ['not-ready'], []],
    ['not ready, as it says', node({ Ready: 'False' }, [taint('not-ready')]), [], []],
    ['lost', node({ Ready: 'Unknown' }, [taint('not-ready')]), ['unreachable'], ['not-ready']],
    ['ready at last', node({ Ready: 'True' }, [taint('not-ready')]), [], ['not-ready']],
    [
      'under pressure',
      node({ MemoryPressure: 'True', DiskPressure: 'True', PIDPressure: 'True', NetworkUnavailable: 'True' }),
      ['memory-pressure', 'disk-pressure', 'pid-pressure', 'network-unavailable'],
      [],
    ],
    ['pressure unknown', node({ MemoryPressure: 'Unknown' }, [taint('memory-pressure')]), [], ['memory-pressure']],
    ['cordoned', node({ Ready: 'True' }, [], true), ['unschedulable'], []],
    ['uncordoned', node({ Ready: 'True' }, [taint('unschedulable')]), [], ['unschedulable']],
    ['others are not ours', node({ Ready: 'True' }, [taint('mine'), taint('not-ready', 'NoExecute')]), [], []],
  ])('%s', (_what, subject, add, remove) => {
    const change = noScheduleChange(subject)
    expect(change.add.map(({ key }) => key)).toEqual(add.map((key) => `node.kubernetes.io/${key}`))
    expect(change.remove.map(({ key }) => key)).toEqual(remove.map((key) => `node.kubernetes.io/${key}`))
  })
})

describe('changedTaints', () => {
  it('keeps what is there, and when it was added', () => {
    const present = [{ ...UNREACHABLE, timeAdded: '2025-01-01T00:00:00Z' }, taint('mine')]
    expect(changedTaints(present, { add: [UNREACHABLE], remove: [] }, NOW)).toBeUndefined()
    expect(changedTaints(present, { add: [NOT_READY], remove: [UNREACHABLE] }, NOW)).toEqual([
      taint('mine'),
      { ...NOT_READY, timeAdded: NOW },
    ])
    expect(changedTaints([], { add: [], remove: [NOT_READY] }, NOW)).toBeUndefined()
  })
})
