import { describe, expect, it } from 'vitest'
import { isOver, withCondition } from './conditions.ts'

const [FIRST, LATER] = ['2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z']
const running = withCondition({ resourceVersion: '5' }, 'Running', '', FIRST)
const migration = (status: ReturnType<typeof withCondition>) => ({
  apiVersion: 'storagemigration.k8s.io/v1beta1',
  kind: 'StorageVersionMigration',
  metadata: {},
  spec: { resource: { group: '', resource: 'pods' } },
  status,
})

describe('conditions of a migration', () => {
  it('run, keeping the resourceVersion', () => {
    expect(running).toMatchObject({
      resourceVersion: '5',
      conditions: [{ type: 'Running', status: 'True', reason: 'StorageVersionMigrationInProgress', message: '' }],
    })
    expect(isOver(migration(running))).toBe(false)
  })

  it.each([
    ['Succeeded', 'StorageVersionMigrationSucceeded'],
    ['Failed', 'StorageVersionMigrationFailed'],
  ] as const)('%s ends the run', (type, reason) => {
    const over = withCondition(running, type, 'why', LATER)
    expect(over.conditions).toMatchObject([
      { type: 'Running', status: 'False', lastTransitionTime: LATER },
      { type, status: 'True', reason, message: 'why', lastTransitionTime: LATER },
    ])
    expect(isOver(migration(over))).toBe(true)
  })

  it('stay as they are when set again', () => {
    expect(withCondition(running, 'Running', '', LATER)).toEqual(running)
  })
})
