/**
 * Where a request came from, as far as anybody says: the proxies' headers first, the connection last. Only the last one
 * cannot be made up. Upstream: apimachinery pkg/util/net/http.go SourceIPs.
 */
import { isIP } from 'node:net'
import type { ApiRequest } from '../server/interfaces.ts'

export function sourceIPs({ headers, remoteAddress }: Pick<ApiRequest, 'headers' | 'remoteAddress'>): string[] {
  const forwarded = headers['x-forwarded-for']
  const found = forwarded === undefined ? [] : forwarded.split(',').flatMap((part) => addressIn(part.trim()) ?? [])
  const real = addressIn(headers['x-real-ip'] ?? '')
  if (real !== undefined && !found.includes(real)) found.push(real)
  const remote = addressIn(remoteAddress)
  if (remote !== undefined && found.at(-1) !== remote) found.push(remote)
  return found
}

/** A dual-stack socket shows IPv4 peers as ::ffff:10.0.0.1; Go prints them as IPv4. */
function addressIn(text: string): string | undefined {
  if (text === '') return undefined
  const address = text.startsWith('::ffff:') && text.includes('.') ? text.slice(7) : text
  return isIP(address) === 0 ? undefined : address.toLowerCase()
}
