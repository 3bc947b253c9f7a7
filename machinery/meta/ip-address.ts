/**
 * IP addresses and CIDRs as numbers, read as leniently as Kubernetes' old fields allow (leading zeros, IPv4-mapped IPv6)
 * and printed in canonical form. Upstream: k8s.io/utils/net ParseIPSloppy, ParseCIDRSloppy; Go net.IP.String.
 */
import { isIPv6 } from 'node:net'

export type IpFamily = 'IPv4' | 'IPv6'

export interface IpAddress {
  /** IPv4-mapped IPv6 addresses count as IPv4, as in Go. */
  readonly family: IpFamily
  readonly value: bigint
}

export interface IpPrefix {
  readonly family: IpFamily
  /** The address as written, bits beyond the prefix included. */
  readonly address: bigint
  /** The first address of the network. */
  readonly base: bigint
  readonly bits: number
}

const IPV4_MAPPED = 0xffffn
const LOW_32 = 0xffffffffn

/** Undefined when the text is no IP address. */
export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(':')) {
    const value = parseIpv4(text)
    return value === undefined ? undefined : { family: 'IPv4', value }
  }
  const value = parseIpv6(text)
  if (value === undefined) return undefined
  return isMapped(value) ? { family: 'IPv4', value: value & LOW_32 } : { family: 'IPv6', value }
}

/** Undefined when the text is no CIDR. */
export function parseCidr(text: string): IpPrefix | undefined {
  const slash = text.indexOf('/')
  if (slash === -1) return undefined
  const host = text.slice(0, slash)
  const family: IpFamily = host.includes(':') ? 'IPv6' : 'IPv4'
  const address = family === 'IPv4' ? parseIpv4(host) : parseIpv6(host)
  const length = text.slice(slash + 1)
  const bits = Number(length)
  const bitsMax = bitsOf(family)
  if (address === undefined || !isDecimal(length) || bits > bitsMax) return undefined
  const hostBits = BigInt(bitsMax - bits)
  return { family, address, base: (address >> hostBits) << hostBits, bits }
}

export const bitsOf = (family: IpFamily): number => (family === 'IPv4' ? 32 : 128)

export function formatIp({ family, value }: IpAddress): string {
  return family === 'IPv4' ? formatIpv4(value) : formatIpv6(value)
}

/** The network, without the bits beyond the prefix. */
export function formatCidr({ family, base, bits }: IpPrefix): string {
  return `${formatIp({ family, value: base })}/${bits}`
}

export function prefixContains({ family, base, bits }: IpPrefix, ip: IpAddress): boolean {
  const hostBits = BigInt(bitsOf(family) - bits)
  return family === ip.family && ip.value >> hostBits === base >> hostBits
}

/** 'IPv4' or 'IPv6' by form alone. */
export const familyOf = (text: string): IpFamily => (text.includes(':') ? 'IPv6' : 'IPv4')

function isDecimal(text: string): boolean {
  if (text === '' || text.length > 10) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) return false
  }
  return true
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0
  for (const part of parts) {
    const octet = isDecimal(part) ? Number(part) : 256
    if (octet > 255) return undefined
    value = value * 256 + octet
  }
  return BigInt(value)
}

function parseIpv6(text: string): bigint | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined
  const [head = '', tail] = text.split('::')
  const high = groupsOf(head)
  const low = tail === undefined ? [] : groupsOf(tail)
  const zeros = new Array<number>(8 - high.length - low.length).fill(0)
  return [...high, ...zeros, ...low].reduce((value, group) => (value << 16n) | BigInt(group), 0n)
}

function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

const isMapped = (value: bigint): boolean => value >> 32n === IPV4_MAPPED

function formatIpv4(value: bigint): string {
  const number = Number(value)
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}

function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn))
  let start = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > length) {
      start = i
      length = end - i
    }
    if (end > i) i = end
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (start === -1) return text(groups)
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}
