/** The queue: order, backoff, hints, events while in flight, gates. */
import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { makePod, makePodInfo, type PodOptions } from '#test/support/scheduling.ts'
import type { AnyPlugin, ClusterEvent, EventHint } from '../framework/interfaces.ts'
import { createPodInfo } from '../framework/pod-info.ts'
import { EventDurations } from './event-durations.ts'
import { HintTable } from './hints.ts'
import { KeyedHeap } from './keyed-heap.ts'
import type { QueuedPod } from './queued-pod.ts'
import { SchedulingQueue, setRejections } from './scheduling-queue.ts'

const hint = (resource: string, actions: EventHint['actions'], mayHelp?: EventHint['mayHelp']): EventHint => ({
  resource,
  actions,
  ...(mayHelp === undefined ? {} : { mayHelp }),
})

const isOwnUpdate: EventHint['mayHelp'] = (pod, event) =>
  (event.object as { metadata: { uid?: string } }).metadata.uid === pod.metadata.uid

const PLUGINS: readonly Pick<AnyPlugin, 'name' | 'events'>[] = [
  { name: 'Fit', events: [hint('nodes', ['add', 'update']), hint('pods', ['delete'])] },
  { name: 'Picky', events: [hint('nodes', ['add'], (_pod, { object }) => object === 'good')] },
  { name: 'Claims', events: [hint('persistentvolumeclaims', ['add'])] },
  { name: 'Own', events: [{ ...hint('pods', ['update'], isOwnUpdate), kinds: ['UpdatePodLabel'] }] },
  { name: 'SchedulingGates', events: [{ ...hint('pods', ['update']), kinds: ['UpdatePodSchedulingGatesEliminated'] }] },
  { name: 'Taints', events: [{ ...hint('nodes', ['update']), kinds: ['UpdateNodeTaint'] }] },
  { name: 'Anything' },
]

const NODE_ADDED: ClusterEvent = { resource: 'nodes', action: 'add', object: 'good' }

let clock: FakeClock
let queue: SchedulingQueue
let wakes: number

beforeEach(() => {
  clock = new FakeClock()
  wakes = 0
  queue = new SchedulingQueue({
    clock,
    hints: new Map([['default-scheduler', new HintTable(PLUGINS)]]),
    gateOf: (pod) => ((pod.spec.schedulingGates ?? []).length > 0 ? 'SchedulingGates' : undefined),
    onActive: () => {
      wakes++
    },
  })
  queue.start()
})

function add(name: string, options: PodOptions = {}): void {
  queue.add(makePodInfo({ name, uid: name, ...options }))
}

const pop = (): string | undefined => {
  const pod = queue.pop()
  if (pod !== undefined) queue.done(pod.key)
  return pod?.key
}

function take(): QueuedPod {
  const pod = queue.pop()
  if (pod === undefined) throw new Error('nothing to take')
  return pod
}

function refuse(pod: QueuedPod, by: readonly string[], pending: readonly string[] = []): void {
  setRejections(pod, by, pending)
  queue.putBack(pod)
}

/** Fills the active queue, so that nothing is taken out of its backoff early. */
const busy = (): void => add('busy', { priority: 1_000 })

describe('KeyedHeap', () => {
  it('gives items in order, whatever is changed and removed in between', () => {
    const heap = new KeyedHeap<{ key: string; value: number }>(
      ({ key }) => key,
      (a, b) => a.value < b.value,
    )
    const values = [5, 3, 9, 1, 7, 2, 8]
    for (const value of values) heap.set({ key: `k${value}`, value })
    heap.set({ key: 'k9', value: 0 })
    heap.delete('k3')
    heap.delete('k3')
    expect(heap.get('k7')).toEqual({ key: 'k7', value: 7 })
    const order = Array.from({ length: heap.size }, () => heap.pop()?.key)
    expect(order).toEqual(['k9', 'k1', 'k2', 'k5', 'k7', 'k8'])
    expect(heap.pop()).toBeUndefined()
  })
})

describe('order', () => {
  it('is priority, then who came first', () => {
    add('low')
    add('high', { priority: 10 })
    add('low-too')
    clock.advance(5)
    add('late')
    add('high-late', { priority: 10 })
    expect([pop(), pop(), pop(), pop(), pop(), pop()]).toEqual([
      'high',
      'high-late',
      'low',
      'low-too',
      'late',
      undefined,
    ])
  })

  it('follows an update of the priority', () => {
    add('a')
    add('b')
    queue.update(makePodInfo({ name: 'b', uid: 'b', priority: 5 }), [])
    expect(pop()).toBe('b')
  })

  it('forgets deleted Pods wherever they are', () => {
    add('active')
    add('waiting')
    queue.delete('active')
    refuse(take(), ['Fit'])
    queue.delete('waiting')
    queue.notify(NODE_ADDED)
    expect(queue.lengths).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0 })
  })
})

describe('a refused Pod', () => {
  it.each([
    ['waits when the event does not concern the plugin', ['Claims'], NODE_ADDED, 'unschedulable'],
    ['waits when the hint says so', ['Picky'], { ...NODE_ADDED, object: 'bad' }, 'unschedulable'],
    ['is woken by an event of the plugin', ['Fit'], NODE_ADDED, 'backoff'],
    ['is woken when one of several plugins may be content', ['Claims', 'Picky'], NODE_ADDED, 'backoff'],
    ['is woken by anything when the plugin has no hints', ['Anything'], NODE_ADDED, 'backoff'],
    ['is woken by anything when an extender refused it', ['Extender'], NODE_ADDED, 'backoff'],
  ] as const)('%s', (_name, by, event, place) => {
    add('a')
    refuse(take(), by)
    expect(queue.lengths.unschedulable).toBe(1)
    queue.notify(event)
    expect(queue.lengths).toMatchObject({ [place]: 1 })
  })

  it('skips the backoff when what it was pending on happens', () => {
    add('a')
    refuse(take(), [], ['Claims'])
    queue.notify({ resource: 'persistentvolumeclaims', action: 'add' })
    expect(queue.lengths).toMatchObject({ active: 1, backoff: 0 })
  })

  it('backs off 1, 2, 4, 8, 10, 10 seconds, and to the end of that second', () => {
    add('a')
    const waits: number[] = []
    for (let i = 0; i < 6; i++) {
      refuse(take(), ['Fit'])
      queue.notify(NODE_ADDED)
      busy()
      expect(queue.lengths).toMatchObject({ active: 1, backoff: 1 })
      let ms = 0
      while (queue.lengths.backoff > 0) {
        clock.advance(500)
        ms += 500
      }
      waits.push(ms)
      expect(pop()).toBe('busy')
    }
    expect(waits).toEqual([2000, 3000, 5000, 9000, 11_000, 11_000])
  })

  it('comes back in the order of priorities with those whose backoff ends in the same second', () => {
    for (const [name, priority] of [
      ['low', 1],
      ['high', 2],
    ] as const) {
      add(name, { priority })
      refuse(take(), ['Fit'])
      clock.advance(400)
    }
    queue.notify(NODE_ADDED)
    clock.advance(1_199)
    expect(queue.lengths).toMatchObject({ active: 0, backoff: 2 })
    expect([pop(), pop()]).toEqual(['high', 'low'])
  })

  it('has no backoff when none is configured', () => {
    queue = new SchedulingQueue({
      clock,
      maxBackoffMs: 0,
      hints: new Map(),
      gateOf: () => undefined,
      onActive: () => undefined,
    })
    add('a')
    refuse(take(), [])
    expect(queue.lengths).toMatchObject({ active: 1, backoff: 0 })
  })

  it('need not finish its backoff when nothing else is to do', () => {
    add('a')
    refuse(take(), ['Fit'])
    const before = wakes
    queue.notify(NODE_ADDED)
    expect(wakes).toBe(before + 1)
    expect(pop()).toBe('a')
  })

  it('waits out its backoff after an error, whatever is to do', () => {
    add('a')
    refuse(take(), [])
    expect(queue.lengths.backoff).toBe(1)
    clock.advance(1_999)
    expect(queue.pop()).toBeUndefined()
    clock.advance(1)
    expect(pop()).toBe('a')
  })

  it('is active at once when its backoff is already over', () => {
    add('a')
    refuse(take(), ['Fit'])
    clock.advance(2_000)
    queue.notify(NODE_ADDED)
    expect(queue.lengths).toMatchObject({ active: 1, backoff: 0 })
  })

  it('is tried again after five minutes without an event', () => {
    add('a')
    refuse(take(), ['Claims'])
    clock.advance(300_000)
    expect(queue.lengths.unschedulable).toBe(1)
    clock.advance(30_000)
    expect(queue.lengths.active).toBe(1)
  })

  it('is known to have been brought back by nobody’s event, until its next attempt', () => {
    add('a')
    refuse(take(), ['Claims'])
    clock.advance(330_000)
    const pod = take()
    expect(pod.isFlushed).toBe(true)
    refuse(pod, ['Fit'])
    queue.notify(NODE_ADDED)
    expect(take().isFlushed).toBe(false)
  })

  it('is asked about its own update, not about those of others', () => {
    add('a')
    refuse(take(), ['Own'])
    add('b')
    refuse(take(), ['Own'])
    clock.advance(20_000)
    queue.update(makePodInfo({ name: 'a', uid: 'a', labels: { new: 'label' } }), ['UpdatePodLabel'])
    expect(queue.lengths).toMatchObject({ active: 1, unschedulable: 1 })
  })

  it('is not asked about updates of another kind', () => {
    add('a')
    refuse(take(), ['Taints'])
    queue.notify({ resource: 'nodes', action: 'update', kind: 'UpdateNodeLabel' })
    queue.update(makePodInfo({ name: 'a', uid: 'a' }), ['UpdatePodToleration'])
    expect(queue.lengths.unschedulable).toBe(1)
    queue.notify({ resource: 'nodes', action: 'update', kind: 'UpdateNodeTaint' })
    expect(queue.lengths).toMatchObject({ backoff: 1, unschedulable: 0 })
  })

  it('stays when only its status changed', () => {
    add('a')
    refuse(take(), ['Own'])
    queue.update(makePodInfo({ name: 'a', uid: 'a', status: { phase: 'Pending' } }), [])
    expect(queue.lengths.unschedulable).toBe(1)
  })
})

describe('durations', () => {
  it('tell what each hint answered to which event, and how long that took', () => {
    const durations = new EventDurations(clock)
    const picky = hint('nodes', ['add'], (_pod, { object }) => {
      clock.advance(1)
      if (object === 'broken') throw new Error('broken')
      return object === 'good'
    })
    const table = new HintTable([{ name: 'Picky', events: [picky] }], durations)
    add('a')
    const pod = take()
    setRejections(pod, ['Picky'], [])
    const answers = ['good', 'bad', 'broken'].map((object) => table.strategy(pod, { ...NODE_ADDED, object }))
    expect(answers).toEqual(['after-backoff', 'stay', 'after-backoff'])
    durations.timed('NodeAdd', () => clock.advance(5))
    const sums = [...durations.hintSamples('h'), ...durations.eventSamples('e')]
      .filter(({ metricName }) => metricName?.endsWith('_sum'))
      .map(({ labels, value }) => ({ ...labels, value }))
    expect(sums).toEqual([
      { plugin: 'Picky', event: 'NodeAdd', hint: 'Queue', value: 0.001 },
      { plugin: 'Picky', event: 'NodeAdd', hint: 'QueueSkip', value: 0.001 },
      { plugin: 'Picky', event: 'NodeAdd', hint: 'Error', value: 0.001 },
      { event: 'NodeAdd', value: 0.005 },
    ])
  })
})

describe('a Pod in flight', () => {
  it('comes back to the backoff queue when a helpful event came meanwhile', () => {
    add('a')
    const pod = take()
    queue.notify(NODE_ADDED)
    refuse(pod, ['Fit'])
    expect(queue.lengths).toMatchObject({ backoff: 1, unschedulable: 0 })
  })

  it('is not moved by what came before it was taken, nor by what does not help', () => {
    add('first')
    const first = take()
    queue.notify(NODE_ADDED)
    add('a')
    const pod = take()
    queue.notify({ resource: 'persistentvolumeclaims', action: 'add' })
    refuse(pod, ['Fit'])
    expect(queue.lengths).toMatchObject({ backoff: 0, unschedulable: 1 })
    refuse(first, ['Fit'])
    expect(queue.lengths).toMatchObject({ backoff: 1, unschedulable: 1 })
  })

  it('is tried again when more happened than is remembered', () => {
    add('a')
    const pod = take()
    for (let i = 0; i <= 10_000; i++) queue.notify({ resource: 'persistentvolumeclaims', action: 'add' })
    refuse(pod, ['Fit'])
    expect(queue.lengths.backoff).toBe(1)
  })

  it('does not come twice', () => {
    add('a')
    const pod = take()
    add('a')
    expect(queue.lengths.active).toBe(0)
    refuse(pod, ['Fit'])
    queue.putBack(pod)
    expect(queue.lengths.unschedulable).toBe(1)
  })

  it('counts its attempts', () => {
    add('a')
    refuse(take(), ['Fit'])
    queue.notify(NODE_ADDED)
    expect(take().attempts).toBe(2)
  })
})

describe('a gated Pod', () => {
  const gated = { spec: { schedulingGates: [{ name: 'example.com/wait' }] } }

  it('stays out, whatever happens, until its gates are gone', () => {
    add('a', gated)
    queue.notify(NODE_ADDED)
    clock.advance(600_000)
    expect(queue.lengths).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 1 })
    queue.update(makePodInfo({ name: 'a', uid: 'a' }), ['UpdatePodSchedulingGatesEliminated'])
    expect(queue.lengths).toMatchObject({ active: 1, gated: 0 })
  })
})

describe('nominated Pods', () => {
  const nominated = (name: string, node: string, priority = 0) =>
    makePod({ name, uid: name, priority, status: { phase: 'Pending', nominatedNodeName: node } })

  it('are known by node and priority, and follow the status', () => {
    queue.add(createPodInfo(nominated('a', 'n1', 5)))
    queue.add(createPodInfo(nominated('b', 'n1', 1)))
    const names = (priority: number) => queue.nominator.onNode('n1', priority).map(({ pod }) => pod.metadata.name)
    expect(names(0)).toEqual(['a', 'b'])
    expect(names(2)).toEqual(['a'])
    queue.update(createPodInfo(nominated('a', 'n2', 5)), [])
    expect([names(0), queue.nominator.nodeOf('a')]).toEqual([['b'], 'n2'])
    queue.update(createPodInfo(makePod({ name: 'a', uid: 'a' })), [])
    expect(queue.nominator.nodeOf('a')).toBeUndefined()
    queue.delete('b')
    expect(queue.nominator.size).toBe(0)
  })

  it('keep a nomination whose patch has not come back yet', () => {
    add('a')
    queue.nominator.set(makePodInfo({ name: 'a', uid: 'a' }), 'n1')
    queue.update(makePodInfo({ name: 'a', uid: 'a', labels: { x: 'y' } }), ['UpdatePodLabel'])
    expect(queue.nominator.nodeOf('a')).toBe('n1')
  })
})
