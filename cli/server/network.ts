/** Addresses and ports of this machine and of the service network. */
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { firstAddress, parseServiceCidrs } from '#apiserver/registry/core/service/service-cidrs.ts'
import { assert } from '#machinery/util/assert.ts'

/** First usable address of the first service network: the `kubernetes` Service's. */
export function firstServiceIp(serviceCidr: string): string {
  const [prefix] = parseServiceCidrs(serviceCidr)
  assert(prefix !== undefined, 'a service CIDR is configured')
  return firstAddress(prefix)
}

/** IPv4 addresses other machines may reach this one by. */
export function hostAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
}

/** The same, and IPv6 addresses. */
export function allHostAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address)
}

/** For `--https-listen-port 0`: the port must be known before the server listens, because objects name it. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
