/**
 * The HTTP part of a WebSocket: which subprotocols are offered, the key's answer, the head of a 101. Reference: RFC 6455 §4.
 */
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

const KEY_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const KEY = /^[A-Za-z0-9+/]{22}==$/

/** Lower-case header names, as Node hands them over. */
export type HandshakeHeaders = Readonly<Record<string, string | undefined>> | IncomingHttpHeaders

export function offeredSubprotocols(headers: HandshakeHeaders): string[] {
  const value = headers['sec-websocket-protocol']
  if (value === undefined) return []
  return String(value)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** Why this is no handshake we can answer; undefined when it is one. */
export function handshakeFault(headers: HandshakeHeaders): string | undefined {
  if (headers['sec-websocket-version'] !== '13') return 'unsupported WebSocket version'
  const key = headers['sec-websocket-key']
  return typeof key === 'string' && KEY.test(key) ? undefined : 'missing or malformed Sec-WebSocket-Key'
}

/** What the server sends before the first frame; '' = no subprotocol. */
export function acceptHead(headers: HandshakeHeaders, subprotocol: string): string {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptKey(String(headers['sec-websocket-key']))}`,
  ]
  if (subprotocol !== '') lines.push(`Sec-WebSocket-Protocol: ${subprotocol}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

export function acceptKey(key: string): string {
  return createHash('sha1').update(`${key}${KEY_GUID}`).digest('base64')
}
