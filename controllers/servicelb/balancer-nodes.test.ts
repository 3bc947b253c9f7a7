import { describe, expect, it } from 'vitest'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { newNode, newService } from '#test/support/service-world.ts'
import {
  availableNodes,
  balancerAddresses,
  ENABLE_LABEL,
  EXCLUDE_LABEL,
  isInPool,
  POOL_LABEL,
} from './balancer-nodes.ts'

const chosen = (pool?: string) => ({ [ENABLE_LABEL]: 'true', ...(pool === undefined ? {} : { [POOL_LABEL]: pool }) })
const at = (type: string, address: string) => ({ type, address })
const doomed = (): Node => {
  const node = newNode('doomed')
  node.spec = { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] }
  return node
}

describe('the nodes of a load balancer', () => {
  it.each([
    { name: 'ready ones', nodes: [newNode('b'), newNode('a'), newNode('c', { isReady: false })], expected: 'a,b' },
    {
      name: 'not excluded ones',
      nodes: [newNode('a', { labels: { [EXCLUDE_LABEL]: '' } }), newNode('b'), doomed()],
      expected: 'b',
    },
    {
      name: 'only chosen ones once one is chosen',
      nodes: [newNode('a', { labels: chosen() }), newNode('b')],
      expected: 'a',
    },
    {
      name: 'a choice against one is a choice',
      nodes: [newNode('a', { labels: { [ENABLE_LABEL]: 'false' } }), newNode('b')],
      expected: '',
    },
  ])('$name', ({ nodes, expected }) =>
    expect(
      availableNodes(nodes)
        .map(({ metadata }) => metadata.name)
        .join(),
    ).toBe(expected),
  )

  it.each([
    { name: 'of the pool', labels: chosen('x'), pool: 'x', expected: true },
    { name: 'of another pool', labels: chosen('y'), pool: 'x', expected: false },
    { name: 'of no pool', labels: chosen(), pool: 'x', expected: false },
    { name: 'of a pool, for a Service without', labels: chosen('x'), pool: undefined, expected: true },
    { name: 'nobody chose nodes', labels: {}, pool: 'x', expected: true },
  ])('$name', ({ labels, pool, expected }) => {
    const service = newService('web', {}, pool === undefined ? {} : { labels: { [POOL_LABEL]: pool } })
    expect(isInPool(newNode('n', { labels }), service)).toBe(expected)
  })
})

describe('the addresses of a load balancer', () => {
  const internal = (name: string, ...addresses: string[]) =>
    newNode(name, { addresses: addresses.map((ip) => at('InternalIP', ip)) })
  it.each([
    {
      name: 'internal ones, sorted, once',
      nodes: [internal('a', '10.0.0.2'), internal('b', '10.0.0.1', '10.0.0.2')],
      families: ['IPv4'],
      expected: '10.0.0.1,10.0.0.2',
    },
    {
      name: 'external ones alone when there is one',
      nodes: [
        internal('a', '10.0.0.2'),
        newNode('b', { addresses: [at('InternalIP', '10.0.0.1'), at('ExternalIP', '192.0.2.1')] }),
      ],
      families: ['IPv4'],
      expected: '192.0.2.1',
    },
    {
      name: 'of the families of the Service, in its order',
      nodes: [internal('a', '10.0.0.2', 'fd00::2')],
      families: ['IPv6', 'IPv4'],
      expected: 'fd00::2,10.0.0.2',
    },
    { name: 'not of others', nodes: [internal('a', '10.0.0.2', 'fd00::2')], families: ['IPv6'], expected: 'fd00::2' },
  ])('$name', ({ nodes, families, expected }) =>
    expect(balancerAddresses(nodes, newService('web', { ipFamilies: families })).join()).toBe(expected),
  )
})
