/** SPDY/3.1 frames to bytes and back. DATA is handed on in pieces, control frames whole. Reference: SPDY Protocol draft 3.1, §2.2. */

export const TYPE = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const

export const FLAG_FIN = 0x01

/** RST_STREAM status codes. */
export const RESET = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5, internalError: 6 } as const

export type SpdyFrame =
  | { readonly type: 'data'; readonly streamId: number; readonly data: Buffer; readonly isFinal: boolean }
  | { readonly type: 'control'; readonly kind: number; readonly flags: number; readonly payload: Buffer }

const VERSION = 3
const HEAD_BYTES = 8
/** Control frames carry a compressed header block at most. */
const CONTROL_BYTES_MAX = 64 * 1024
const STREAM_ID_MASK = 0x7fffffff
const EMPTY = Buffer.alloc(0)

export function encodeControl(kind: number, flags: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + payload.length)
  frame.writeUInt16BE(0x8000 | VERSION, 0)
  frame.writeUInt16BE(kind, 2)
  frame.writeUInt32BE(((flags << 24) | payload.length) >>> 0, 4)
  payload.copy(frame, HEAD_BYTES)
  return frame
}

/** Only the head: the data follows as it is. */
export function dataHead(streamId: number, length: number, isFinal: boolean): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeUInt32BE(streamId & STREAM_ID_MASK, 0)
  head.writeUInt32BE((((isFinal ? FLAG_FIN : 0) << 24) | length) >>> 0, 4)
  return head
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length)
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value >>> 0, 4 * i)
  })
  return bytes
}

export function streamIdAt(payload: Buffer, offset: number): number {
  if (payload.length < offset + 4) throw new Error('a SPDY control frame is too short')
  return payload.readUInt32BE(offset) & STREAM_ID_MASK
}

interface DataInProgress {
  readonly streamId: number
  readonly isFinal: boolean
  remaining: number
}

/** Keeps at most one control frame. */
export class SpdyParser {
  #rest: Buffer = EMPTY
  #data: DataInProgress | undefined;

  *push(chunk: Buffer): Generator<SpdyFrame> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = EMPTY
    while (bytes.length > 0) {
      if (this.#data !== undefined) {
        const { frame, used } = nextPiece(this.#data, bytes)
        if (frame.isFinal || this.#data.remaining === 0) this.#data = undefined
        bytes = bytes.subarray(used)
        yield frame
        continue
      }
      if (bytes.length < HEAD_BYTES) break
      const length = bytes.readUIntBE(5, 3)
      const flags = bytes[4] ?? 0
      if ((bytes.readUInt16BE(0) & 0x8000) === 0) {
        const streamId = bytes.readUInt32BE(0)
        const isFinal = (flags & FLAG_FIN) !== 0
        bytes = bytes.subarray(HEAD_BYTES)
        if (length === 0) yield { type: 'data', streamId, data: EMPTY, isFinal }
        else this.#data = { streamId, isFinal, remaining: length }
        continue
      }
      if (length > CONTROL_BYTES_MAX) throw new Error('a SPDY control frame is too large')
      if (bytes.length < HEAD_BYTES + length) break
      if ((bytes.readUInt16BE(0) & 0x7fff) !== VERSION) throw new Error('not SPDY version 3')
      const payload = bytes.subarray(HEAD_BYTES, HEAD_BYTES + length)
      yield { type: 'control', kind: bytes.readUInt16BE(2), flags, payload }
      bytes = bytes.subarray(HEAD_BYTES + length)
    }
    this.#rest = bytes
  }
}

function nextPiece(data: DataInProgress, bytes: Buffer) {
  const piece = bytes.subarray(0, data.remaining)
  data.remaining -= piece.length
  const isFinal = data.isFinal && data.remaining === 0
  const frame = { type: 'data', streamId: data.streamId, data: piece, isFinal } as const
  return { frame, used: piece.length }
}
