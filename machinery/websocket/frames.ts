/** WebSocket frames to bytes and back, piece by piece and with a limit. Reference: RFC 6455 §5. */

export const OPCODE = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const

export const CLOSE = { normal: 1000, goingAway: 1001, protocolError: 1002, tooBig: 1009, internalError: 1011 } as const

export interface WebSocketFrame {
  readonly opcode: number
  readonly isFinal: boolean
  /** Unmasked. */
  readonly payload: Buffer
}

/** The peer broke the protocol or a limit; `code` is what the close frame says. */
export class WebSocketError extends Error {
  override readonly name = 'WebSocketError'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const CONTROL_PAYLOAD_MAX = 125
const MASK_BYTES = 4
const EMPTY = Buffer.alloc(0)

/** One unfragmented frame. `mask`: four random bytes, from clients only. */
export function encodeFrame(opcode: number, payload: Buffer, mask?: Buffer): Buffer {
  const { length } = payload
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const start = 2 + lengthBytes + (mask === undefined ? 0 : MASK_BYTES)
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = 0x80 | opcode
  const maskBit = mask === undefined ? 0 : 0x80
  if (lengthBytes === 0) frame[1] = maskBit | length
  else if (lengthBytes === 2) {
    frame[1] = maskBit | 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = maskBit | 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  payload.copy(frame, start)
  if (mask !== undefined) {
    mask.copy(frame, start - MASK_BYTES)
    applyMask(frame.subarray(start), mask)
  }
  return frame
}

function applyMask(bytes: Buffer, mask: Buffer): void {
  const [a = 0, b = 0, c = 0, d = 0] = mask
  const whole = bytes.length - (bytes.length % 4)
  for (let i = 0; i < whole; i += 4) {
    bytes[i] = (bytes[i] ?? 0) ^ a
    bytes[i + 1] = (bytes[i + 1] ?? 0) ^ b
    bytes[i + 2] = (bytes[i + 2] ?? 0) ^ c
    bytes[i + 3] = (bytes[i + 3] ?? 0) ^ d
  }
  for (let i = whole; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) ^ (mask[i % 4] ?? 0)
}

export interface FrameParserOptions {
  /** Frames to a server are masked, frames to a client are not; the other way round is an error. */
  readonly expectsMask: boolean
  readonly payloadMax: number
}

interface FrameHead {
  readonly opcode: number
  readonly isFinal: boolean
  readonly mask: Buffer | undefined
  readonly length: number
}

/** Holds at most one incomplete frame. */
export class FrameParser {
  readonly #options: FrameParserOptions
  #chunks: Buffer[] = []
  #buffered = 0
  #head: FrameHead | undefined

  constructor(options: FrameParserOptions) {
    this.#options = options
  }

  /** Frames that are complete with this chunk. Throws WebSocketError. */
  *push(chunk: Buffer): Generator<WebSocketFrame> {
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    for (;;) {
      this.#head ??= this.#readHead()
      const head = this.#head
      if (head === undefined || this.#buffered < head.length) return
      const payload = this.#take(head.length)
      this.#head = undefined
      yield { opcode: head.opcode, isFinal: head.isFinal, payload: unmasked(payload, head.mask) }
    }
  }

  #readHead(): FrameHead | undefined {
    const start = this.#peek(14)
    const [first, second] = start
    if (first === undefined || second === undefined) return undefined
    const isMasked = (second & 0x80) !== 0
    const short = second & 0x7f
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8
    const size = 2 + lengthBytes + (isMasked ? MASK_BYTES : 0)
    if (start.length < size) return undefined
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? start.readUInt16BE(2) : Number(start.readBigUInt64BE(2))
    const head = { opcode: first & 0x0f, isFinal: (first & 0x80) !== 0, length }
    this.#check(first, head, isMasked)
    const mask = isMasked ? Buffer.from(start.subarray(size - MASK_BYTES, size)) : undefined
    this.#take(size)
    return { ...head, mask }
  }

  #check(first: number, head: Omit<FrameHead, 'mask'>, isMasked: boolean): void {
    if ((first & 0x70) !== 0) throw new WebSocketError(CLOSE.protocolError, 'a reserved bit is set')
    if (isMasked !== this.#options.expectsMask) throw new WebSocketError(CLOSE.protocolError, 'wrong masking')
    const isControl = head.opcode >= OPCODE.close
    if (isControl && (!head.isFinal || head.length > CONTROL_PAYLOAD_MAX))
      throw new WebSocketError(CLOSE.protocolError, 'a control frame is fragmented or too long')
    if (head.opcode > OPCODE.pong || (head.opcode > OPCODE.binary && !isControl))
      throw new WebSocketError(CLOSE.protocolError, `unknown opcode ${head.opcode}`)
    if (head.length > this.#options.payloadMax)
      throw new WebSocketError(CLOSE.tooBig, `a frame exceeds ${this.#options.payloadMax} bytes`)
  }

  #peek(count: number): Buffer {
    const [first] = this.#chunks
    if (first === undefined) return EMPTY
    if (first.length >= count || this.#chunks.length === 1) return first.subarray(0, count)
    return Buffer.concat(this.#chunks, Math.min(this.#buffered, Math.max(count, first.length))).subarray(0, count)
  }

  #take(count: number): Buffer {
    if (count === 0) return EMPTY
    const [first = EMPTY] = this.#chunks
    const whole = first.length >= count ? first : Buffer.concat(this.#chunks)
    if (whole !== first) this.#chunks = [whole]
    this.#buffered -= count
    if (whole.length === count) this.#chunks.shift()
    else this.#chunks[0] = whole.subarray(count)
    return whole.subarray(0, count)
  }
}

function unmasked(payload: Buffer, mask: Buffer | undefined): Buffer {
  if (mask === undefined || payload.length === 0) return payload
  // The bytes are the socket's own read buffer: nobody else holds them.
  applyMask(payload, mask)
  return payload
}
