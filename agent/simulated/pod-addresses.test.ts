import { describe, expect, it } from 'vitest'
import { AddressRange } from './pod-addresses.ts'

const range = (cidr: string): AddressRange => {
  const parsed = AddressRange.parse(cidr)
  if (parsed === undefined) throw new Error(`${cidr} is no network`)
  return parsed
}

describe('addresses of pods', () => {
  it('leaves out the network, its gateway, broadcast and what is in use', () => {
    const addresses = range('10.42.1.0/29')
    expect(addresses.reserve('10.42.1.3')).toBe(true)
    expect(Array.from({ length: 5 }, () => addresses.take())).toEqual([
      '10.42.1.2',
      '10.42.1.4',
      '10.42.1.5',
      '10.42.1.6',
      undefined,
    ])
  })

  it('does not give a released address out at once', () => {
    const addresses = range('10.42.1.0/29')
    const first = addresses.take() ?? ''
    addresses.release(first)
    expect(addresses.take()).not.toBe(first)
  })

  it('knows IPv6, and what is not its own', () => {
    const addresses = range('fd00::/64')
    expect(addresses.take()).toBe('fd00::2')
    expect(addresses.reserve('10.0.0.1')).toBe(false)
    expect(AddressRange.parse('10.0.0.0/31')).toBeUndefined()
  })
})
