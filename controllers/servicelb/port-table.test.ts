import { describe, expect, it } from 'vitest'
import { assignPorts, type Claim } from './port-table.ts'

let arrivals = 0
const claim = (
  service: string,
  second: number,
  ports: readonly string[],
  nodes: readonly string[] = ['n1', 'n2'],
): Claim => ({
  service,
  createdAt: `2026-01-01T00:00:0${second}Z`,
  arrival: ++arrivals,
  ports,
  nodes,
})
const nodesOf = (...claims: Claim[]) =>
  Object.fromEntries([...assignPorts(claims)].map(([service, { nodes }]) => [service, nodes.join()]))

describe('assignPorts', () => {
  it.each([
    {
      name: 'the elder has the port, whatever the order they are given in',
      claims: [claim('b', 2, ['TCP/80']), claim('a', 1, ['TCP/80'])],
      expected: { a: 'n1,n2', b: '' },
    },
    {
      name: 'protocols are apart',
      claims: [claim('a', 1, ['TCP/53']), claim('b', 2, ['UDP/53'])],
      expected: { a: 'n1,n2', b: 'n1,n2' },
    },
    {
      name: 'nodes are apart',
      claims: [claim('a', 1, ['TCP/80'], ['n1']), claim('b', 2, ['TCP/80'])],
      expected: { a: 'n1', b: 'n2' },
    },
    {
      name: 'all ports of a Service or none: what it cannot use it does not keep from others',
      claims: [claim('a', 1, ['TCP/80']), claim('b', 2, ['TCP/80', 'TCP/443']), claim('c', 3, ['TCP/443'])],
      expected: { a: 'n1,n2', b: '', c: 'n1,n2' },
    },
    {
      name: 'of the same second, the one seen first',
      claims: [claim('z', 1, ['TCP/80']), claim('a', 1, ['TCP/80'])],
      expected: { z: 'n1,n2', a: '' },
    },
    { name: 'no nodes', claims: [claim('a', 1, ['TCP/80'], [])], expected: { a: '' } },
  ])('$name', ({ claims, expected }) => expect(nodesOf(...claims)).toEqual(expected))

  it('says who has the port and on how many nodes', () => {
    const table = assignPorts([claim('a', 1, ['TCP/80'], ['n1']), claim('b', 2, ['TCP/80'])])
    expect(table.get('b')).toEqual({
      nodes: ['n2'],
      available: 2,
      conflicts: [{ port: 'TCP/80', holder: 'a', nodes: 1 }],
    })
  })
})
