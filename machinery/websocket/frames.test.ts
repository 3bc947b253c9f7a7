import { describe, expect, it } from 'vitest'
import { encodeFrame, FrameParser, OPCODE } from './frames.ts'
import { acceptKey, handshakeFault, offeredSubprotocols } from './handshake.ts'

const MASK = Buffer.of(1, 2, 3, 4)

function parse(bytes: Buffer, pieceBytes: number, expectsMask: boolean): string[] {
  const parser = new FrameParser({ expectsMask, payloadMax: 100_000 })
  const found: string[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes)
    for (const { opcode, payload } of parser.push(Buffer.from(bytes.subarray(at, at + pieceBytes))))
      found.push(`${opcode}:${payload.length}:${payload.subarray(0, 4).toString()}`)
  return found
}

describe('frames', () => {
  it.each([1, 3, 7, 1000, 200_000])('survive being cut into pieces of %i bytes', (pieceBytes) => {
    const payloads = ['', 'abcd', 'b'.repeat(125), 'c'.repeat(126), 'd'.repeat(65_535), 'e'.repeat(65_536)]
    for (const mask of [undefined, MASK]) {
      const bytes = Buffer.concat(payloads.map((text) => encodeFrame(OPCODE.binary, Buffer.from(text), mask)))
      expect(parse(bytes, pieceBytes, mask !== undefined)).toEqual(
        payloads.map((text) => `2:${text.length}:${text.slice(0, 4)}`),
      )
    }
  })

  it.each([
    ['an unmasked frame to a server', encodeFrame(OPCODE.text, Buffer.from('x')), true],
    ['a masked frame to a client', encodeFrame(OPCODE.text, Buffer.from('x'), MASK), false],
    ['a reserved bit', Buffer.of(0xc1, 0), false],
    ['an unknown opcode', Buffer.of(0x83, 0), false],
    ['a fragmented ping', Buffer.of(0x09, 0), false],
    ['a long close frame', encodeFrame(OPCODE.close, Buffer.alloc(126)), false],
    ['a frame past the limit', encodeFrame(OPCODE.binary, Buffer.alloc(100_001)), false],
  ])('refuse %s', (_, bytes, expectsMask) => {
    expect(() => parse(bytes, bytes.length, expectsMask)).toThrow()
  })
})

describe('handshake', () => {
  it("answers the standard's example key", () => {
    expect(acceptKey('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  })

  it('reads offered subprotocols in order', () => {
    expect(offeredSubprotocols({ 'sec-websocket-protocol': 'v5.channel.k8s.io, v4.channel.k8s.io,' })).toEqual([
      'v5.channel.k8s.io',
      'v4.channel.k8s.io',
    ])
  })

  it.each([
    [{ 'sec-websocket-version': '8', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }],
    [{ 'sec-websocket-version': '13', 'sec-websocket-key': 'short' }],
    [{}],
  ])('refuses %o', (headers) => {
    expect(handshakeFault(headers)).toBeDefined()
  })
})
