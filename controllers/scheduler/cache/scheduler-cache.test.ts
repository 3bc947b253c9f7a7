/** Placing, assuming, forgetting; the snapshot follows. */
import { beforeEach, describe, expect, it } from 'vitest'
import { makeNode, makePod, makePodInfo } from '#test/support/scheduling.ts'
import { NodeSnapshot } from '../framework/snapshot.ts'
import { roundRobin } from './node-order.ts'
import { SchedulerCache } from './scheduler-cache.ts'

let cache: SchedulerCache
let snapshot: NodeSnapshot

beforeEach(() => {
  cache = new SchedulerCache()
  snapshot = new NodeSnapshot()
})

function cpuOn(node: string): number | undefined {
  cache.updateSnapshot(snapshot)
  return snapshot.get(node)?.requested.milliCpu
}

const options = (name: string, cpu: string) => ({ name, uid: name, requests: { cpu }, metadata: { generation: 1 } })
const named = (name: string, node: string, cpu = '1') => makePod({ ...options(name, cpu), node })
const info = (name: string) => makePodInfo(options(name, '1'))

describe('SchedulerCache', () => {
  it('counts an assumed Pod once, before and after the watch confirms it', () => {
    cache.setNode(makeNode({ name: 'n' }))
    cache.assume(info('a'), 'n')
    expect([cpuOn('n'), cache.assumedCount]).toEqual([1000, 1])
    cache.setPod(named('a', 'n'))
    expect([cpuOn('n'), cache.assumedCount]).toEqual([1000, 0])
  })

  it('forgets an assumed Pod, but not one that is confirmed', () => {
    cache.setNode(makeNode({ name: 'n' }))
    cache.assume(info('a'), 'n')
    expect(cache.forget('a')).toBe(true)
    expect(cpuOn('n')).toBe(0)
    cache.setPod(named('b', 'n'))
    expect(cache.forget('b')).toBe(false)
    expect(cpuOn('n')).toBe(1000)
  })

  it('moves a Pod that was bound elsewhere than assumed', () => {
    cache.setNode(makeNode({ name: 'n' }))
    cache.setNode(makeNode({ name: 'm' }))
    cache.assume(info('a'), 'n')
    cache.setPod(named('a', 'm'))
    expect([cpuOn('n'), cpuOn('m')]).toEqual([0, 1000])
  })

  it('follows a resize', () => {
    cache.setNode(makeNode({ name: 'n' }))
    cache.setPod(named('a', 'n'))
    cache.setPod(makePod({ ...options('a', '2'), node: 'n', metadata: { generation: 2 } }))
    expect(cpuOn('n')).toBe(2000)
    cache.removePod('a')
    expect(cpuOn('n')).toBe(0)
  })

  it('keeps what is on a node that is heard of later, or removed and added again', () => {
    cache.setPod(named('a', 'n'))
    expect([cpuOn('n'), cache.nodeCount]).toEqual([undefined, 0])
    cache.setNode(makeNode({ name: 'n' }))
    expect(cpuOn('n')).toBe(1000)
    cache.removeNode('n')
    expect(cpuOn('n')).toBeUndefined()
    cache.setNode(makeNode({ name: 'n' }))
    expect(cpuOn('n')).toBe(1000)
  })

  it('copies only nodes that changed', () => {
    cache.setNode(makeNode({ name: 'n' }))
    cache.setNode(makeNode({ name: 'm' }))
    cache.updateSnapshot(snapshot)
    const [n, m] = [snapshot.get('n'), snapshot.get('m')]
    cache.setPod(named('a', 'n'))
    expect(n?.pods.size).toBe(0)
    cache.updateSnapshot(snapshot)
    expect(snapshot.get('n')).not.toBe(n)
    expect(snapshot.get('m')).toBe(m)
    cache.setNode(makeNode({ name: 'o' }))
    cache.updateSnapshot(snapshot)
    expect(snapshot.get('m')).toBe(m)
  })
})

describe('roundRobin', () => {
  it('takes one node of each zone in turn', () => {
    const nodes = [
      ['a1', 'a'],
      ['a2', 'a'],
      ['a3', 'a'],
      ['b1', 'b'],
      ['c1', 'c'],
      ['c2', 'c'],
    ] as const
    expect(roundRobin(nodes)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3'])
  })
})
