/**
 * SPDY/3 header blocks: name/value pairs through one zlib stream per direction, primed with the protocol's dictionary.
 * Reference: SPDY Protocol draft 3, §2.6.10.
 */
import type { Inflate } from 'node:zlib'
import { constants, createInflate } from 'node:zlib'

/** Names are lower-case; several values of one name keep their order. */
export type SpdyHeaders = ReadonlyMap<string, readonly string[]>

const WORDS =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow ' +
  'authorization cache-control connection content-base content-encoding content-language content-length ' +
  'content-location content-md5 content-range content-type date etag expect expires from host if-match ' +
  'if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma ' +
  'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade ' +
  'user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie ' +
  'keep-alive origin'
const TAIL =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized' +
  '403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,' +
  'text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.'

let dictionary: Buffer | undefined

function spdyDictionary(): Buffer {
  dictionary ??= Buffer.concat([
    ...WORDS.split(' ').map((word) => lengthPrefixed(word.replace('_', ' '))),
    Buffer.from(TAIL, 'latin1'),
  ])
  return dictionary
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text)
  const prefixed = Buffer.allocUnsafe(4 + bytes.length)
  prefixed.writeUInt32BE(bytes.length)
  bytes.copy(prefixed, 4)
  return prefixed
}

const ZLIB_HEADER = Buffer.of(0x78, 0x01)
const STORED_MAX = 0xffff
/** An empty block: without it Go's inflater reads on past the frame's end and is broken for the next one. */
const FLUSH = Buffer.of(0, 0, 0, 0xff, 0xff)

/**
 * Writes zlib "stored" blocks: legal input of every inflater, needs neither the dictionary nor a compressor's state. The few
 * short headers of a stream are not worth compressing.
 */
export class HeaderEncoder {
  #isStarted = false

  encode(headers: SpdyHeaders): Buffer {
    const pairs = [...headers].flatMap(([name, values]) => [lengthPrefixed(name), lengthPrefixed(values.join('\0'))])
    const count = Buffer.allocUnsafe(4)
    count.writeUInt32BE(headers.size)
    const plain = Buffer.concat([count, ...pairs])
    const parts: Buffer[] = this.#isStarted ? [] : [ZLIB_HEADER]
    this.#isStarted = true
    for (let at = 0; at < plain.length; at += STORED_MAX) {
      const piece = plain.subarray(at, at + STORED_MAX)
      const head = Buffer.allocUnsafe(5)
      head[0] = 0
      head.writeUInt16LE(piece.length, 1)
      head.writeUInt16LE(~piece.length & 0xffff, 3)
      parts.push(head, piece)
    }
    parts.push(FLUSH)
    return Buffer.concat(parts)
  }
}

/** Of one block, inflated: a zlib bomb ends here. */
const BLOCK_BYTES_MAX = 256 * 1024
const PAIRS_MAX = 1000

export class HeaderDecoder {
  readonly #inflate: Inflate
  #parts: Buffer[] = []
  #size = 0
  #failure: Error | undefined

  constructor() {
    this.#inflate = createInflate({ dictionary: spdyDictionary(), finishFlush: constants.Z_SYNC_FLUSH })
    this.#inflate.on('data', (part: Buffer) => this.#collect(part))
    this.#inflate.on('error', (err) => {
      this.#failure ??= err
    })
  }

  /** One block at a time: the next call comes after this one's promise. */
  async decode(block: Buffer): Promise<SpdyHeaders> {
    await new Promise<void>((resolve) => {
      this.#inflate.once('error', () => resolve())
      this.#inflate.write(block, () => resolve())
    })
    if (this.#failure !== undefined) throw this.#failure
    const plain = Buffer.concat(this.#parts)
    this.#parts = []
    this.#size = 0
    return parsePairs(plain)
  }

  close(): void {
    this.#inflate.destroy()
  }

  #collect(part: Buffer): void {
    this.#size += part.length
    if (this.#size > BLOCK_BYTES_MAX) this.#inflate.destroy(new Error('a header block is too large'))
    else this.#parts.push(part)
  }
}

function parsePairs(plain: Buffer): SpdyHeaders {
  let at = 0
  const readLength = (): number => {
    if (at + 4 > plain.length) throw new Error('a header block ends early')
    const value = plain.readUInt32BE(at)
    at += 4
    return value
  }
  const readText = (): string => {
    const length = readLength()
    if (at + length > plain.length) throw new Error('a header block ends early')
    at += length
    return plain.toString('utf8', at - length, at)
  }
  const count = readLength()
  if (count > PAIRS_MAX) throw new Error('a header block has too many headers')
  const headers = new Map<string, readonly string[]>()
  for (let i = 0; i < count; i++) {
    const name = readText().toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), ...readText().split('\0')])
  }
  return headers
}
