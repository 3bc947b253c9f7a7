import { describe, expect, it } from 'vitest'
import type { IpPrefix } from '#machinery/meta/ip-address.ts'
import { formatCidr, parseCidr } from '#machinery/meta/ip-address.ts'
import { CidrPool } from './cidr-pool.ts'

function cidr(text: string): IpPrefix {
  const prefix = parseCidr(text)
  if (prefix === undefined) throw new Error(`${text} is no CIDR`)
  return prefix
}
const next = (pool: CidrPool): string | undefined => {
  const given = pool.allocate()
  return given === undefined ? undefined : formatCidr(given)
}

describe('CidrPool', () => {
  it('hands out subnets in turn, and none twice until it is given back', () => {
    const pool = new CidrPool(cidr('10.42.0.0/22'), 24)
    expect([next(pool), next(pool)]).toEqual(['10.42.0.0/24', '10.42.1.0/24'])
    pool.release(cidr('10.42.0.0/24'))
    // What was given back comes last: addresses of a node that has gone may still be in use somewhere.
    expect([next(pool), next(pool), next(pool), next(pool)]).toEqual([
      '10.42.2.0/24',
      '10.42.3.0/24',
      '10.42.0.0/24',
      undefined,
    ])
    expect(pool.free).toBe(0)
  })

  it('knows IPv6', () => {
    const pool = new CidrPool(cidr('2001:cafe:42::/56'), 64)
    expect([next(pool), next(pool)]).toEqual(['2001:cafe:42::/64', '2001:cafe:42:1::/64'])
  })

  it.each([
    ['a subnet', '10.42.1.0/24', true, 3],
    ['part of a subnet', '10.42.1.128/25', true, 3],
    ['several subnets', '10.42.0.0/23', true, 2],
    ['all of it', '10.42.0.0/22', true, 0],
    ['more than all of it', '10.0.0.0/8', true, 0],
    ['another network', '10.43.0.0/24', false, 4],
    ['another family', '2001:cafe::/64', false, 4],
  ])('occupies %s', (_what, text, isInside, free) => {
    const pool = new CidrPool(cidr('10.42.0.0/22'), 24)
    expect(pool.occupy(cidr(text))).toBe(isInside)
    expect(pool.free).toBe(free)
    pool.release(cidr(text))
    expect(pool.free).toBe(4)
  })
})
