/** Addresses and ports of this machine and of the service network. */
import { createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'

/** First usable address of the service network: the `kubernetes` Service's. */
export function firstServiceIp(cidr: string): string {
  const [network = '', bits = '32'] = cidr.split('/')
  const value = network.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const size = 2 ** (32 - Number(bits))
  const first = Math.floor(value / size) * size + 1
  return [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')
}

/** IPv4 addresses other machines may reach this one by. */
export function hostAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
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
