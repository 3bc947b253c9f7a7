import { describe, expect, it } from 'vitest'
import type { ControllerRevision, DaemonSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { revisionWatch } from './revision-watch.ts'

const daemonSet = (name: string): DaemonSet => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name, namespace: 'n', uid: name },
  spec: { selector: { matchLabels: { app: name } }, template: { spec: { containers: [] } } },
})
const SETS = ['a', 'b'].map(daemonSet)
const lister = {
  get: ({ name }: { readonly name: string }) => SETS.find(({ metadata }) => metadata.name === name),
  list: () => SETS,
} as unknown as Lister<DaemonSet>

interface Facts {
  readonly owner?: string
  readonly ownerUid?: string
  readonly app?: string
  readonly isGoing?: boolean
}

const revision = ({ owner, ownerUid = owner ?? '', app = 'a', isGoing = false }: Facts): ControllerRevision => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: {
    name: 'r',
    namespace: 'n',
    labels: { app },
    ...(isGoing ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: owner, uid: ownerUid, controller: true }],
        }),
  },
  revision: 1,
})

describe('revisionWatch', () => {
  const woken = (change: (watch: ReturnType<typeof revisionWatch>) => void): string[] => {
    const names: string[] = []
    change(revisionWatch(lister, ({ name }) => names.push(name)))
    return names
  }
  const added = (facts: Facts) => woken(({ onAdd }) => onAdd?.(revision(facts), false))
  const updated = (old: Facts, now: Facts) => woken(({ onUpdate }) => onUpdate?.(revision(old), revision(now)))

  it('wakes nobody for one that is made for a DaemonSet, even twice the same', () => {
    expect(added({ owner: 'a' })).toEqual([])
  })
  it('wakes the owner of one that was going already', () => expect(added({ owner: 'a', isGoing: true })).toEqual(['a']))
  it('wakes who may adopt an orphan', () => expect(added({ app: 'b' })).toEqual(['b']))
  it('wakes the owner of one that changes', () =>
    expect(updated({ owner: 'a' }, { owner: 'a', app: 'x' })).toEqual(['a']))
  it('wakes who lost one, and who may adopt it', () => expect(updated({ owner: 'b' }, {})).toEqual(['b', 'a']))
  it('wakes nobody for an orphan that changes nothing of matter', () => expect(updated({}, {})).toEqual([]))
  it('wakes the owner of one that is gone, if it is still that one', () => {
    expect(woken(({ onDelete }) => onDelete?.(revision({ owner: 'a' }), false))).toEqual(['a'])
    expect(woken(({ onDelete }) => onDelete?.(revision({ owner: 'a', ownerUid: 'earlier' }), false))).toEqual([])
  })
})
