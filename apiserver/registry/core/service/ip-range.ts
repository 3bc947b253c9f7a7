/** IPv4 ranges as numbers. */
import { assert } from '#machinery/util/assert.ts'

interface Ipv4Range {
  /** The network address. */
  readonly base: number
  readonly size: number
}

export function parseIpv4Range(cidr: string): Ipv4Range {
  const [address = '', bits = ''] = cidr.split('/')
  const base = ipv4ToNumber(address)
  const prefix = Number(bits)
  assert(base !== undefined && Number.isInteger(prefix) && prefix >= 8 && prefix <= 30, `${cidr} is a service CIDR`)
  const size = 2 ** (32 - prefix)
  return { base: base - (base % size), size }
}

export function ipv4ToNumber(address: string): number | undefined {
  const parts = address.split('.')
  if (parts.length !== 4) return undefined
  let value = 0
  for (const part of parts) {
    const octet = Number(part)
    if (!/^\d{1,3}$/.test(part) || octet > 255) return undefined
    value = value * 256 + octet
  }
  return value
}

export function numberToIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}
