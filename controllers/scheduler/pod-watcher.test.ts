/** What the queue and the cache learn when Pods come, change and go. */
import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { makePod, makePodInfo, type PodOptions } from '#test/support/scheduling.ts'
import { SchedulerCache } from './cache/scheduler-cache.ts'
import { podKey } from './framework/pod-info.ts'
import { PodWatcher } from './pod-watcher.ts'
import { HintTable } from './queue/hints.ts'
import { SchedulingQueue, setRejections } from './queue/scheduling-queue.ts'

let queue: SchedulingQueue
let cache: SchedulerCache
let watcher: PodWatcher
let gone: string[]

beforeEach(() => {
  const hints = new HintTable([{ name: 'Room', events: [{ resource: 'pods', actions: ['delete'] }] }])
  queue = new SchedulingQueue({
    clock: new FakeClock(),
    hints: new Map([['default-scheduler', hints]]),
    gateOf: () => undefined,
    onActive: () => undefined,
  })
  cache = new SchedulerCache()
  gone = []
  watcher = new PodWatcher({
    cache,
    queue,
    isOurs: ({ spec }) => spec.schedulerName === 'default-scheduler',
    isGone: (key) => void gone.push(key),
  })
})

/** Pods of these priorities that no node had room for. */
function wait(...priorities: number[]): void {
  for (const priority of priorities) {
    queue.add(makePodInfo({ name: `p${priority}`, uid: `p${priority}`, priority }))
    const pod = queue.pop()
    if (pod === undefined) throw new Error('nothing to take')
    setRejections(pod, ['Room'], [])
    queue.putBack(pod)
  }
}

const nominated: PodOptions = { name: 'n', uid: 'n', priority: 5, status: { nominatedNodeName: 'node' } }

describe('a Pod that goes', () => {
  it.each<[string, PodOptions, number]>([
    ['from its node wakes all that want its place', { node: 'node', priority: 5 }, 2],
    ['with a nomination wakes those that had counted it in', nominated, 1],
    ['without one wakes nobody', { priority: 5 }, 0],
    ['of another scheduler, with a nomination, wakes nobody', { ...nominated, spec: { schedulerName: 'x' } }, 0],
  ])('%s', (_name, options, woken) => {
    const pod = makePod(options)
    watcher.appeared(pod)
    if (pod.spec.nodeName === undefined) queue.delete(podKey(pod))
    wait(1, 9)
    watcher.gone(pod)
    expect(queue.lengths.unschedulable).toBe(2 - woken)
    expect(gone).toEqual([podKey(pod)])
  })

  it('while it is being bound wakes all, as if from the node it was to have', () => {
    const pod = makePod({ name: 'a', uid: 'a' })
    cache.assume(makePodInfo({ name: 'a', uid: 'a' }), 'node')
    wait(1, 9)
    watcher.changed(
      pod,
      makePod({ name: 'a', uid: 'a', metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', uid: 'a' } }),
    )
    expect(queue.lengths.unschedulable).toBe(0)
    expect([cache.assumedCount, gone]).toEqual([0, ['a']])
  })
})

describe('a nomination', () => {
  it('that is taken back wakes those that had counted it in', () => {
    const pod = makePod(nominated)
    watcher.appeared(pod)
    queue.delete('n')
    wait(1, 9)
    watcher.changed(pod, makePod({ ...nominated, status: {} }))
    expect(queue.lengths.unschedulable).toBe(1)
  })
})
