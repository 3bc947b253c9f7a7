/**
 * How answers are put together: JSON values, stored bytes, lists of stored bytes. Bytes are made only when a socket
 * asks for them, decoded values only when an in-process caller does.
 */
import type { ApiResponse } from '../server/interfaces.ts'

export type ResponseHeaders = ApiResponse['headers']

/** Shared by every JSON answer, so that the socket side recognizes it. */
export const JSON_HEADERS: ResponseHeaders = Object.freeze({
  'cache-control': 'no-cache, private',
  'content-type': 'application/json',
})

const TEXT_HEADERS: ResponseHeaders = Object.freeze({
  'cache-control': 'no-cache, private',
  'content-type': 'text/plain; charset=utf-8',
  'x-content-type-options': 'nosniff',
})

/** A body whose forms are all made on demand. `encodeJson` when its bytes are something else. */
export class LazyBody {
  readonly type = 'bytes'
  readonly #encode: () => readonly Buffer[]
  readonly #decode: () => unknown
  readonly #encodeJson: (() => readonly Buffer[]) | undefined
  #chunks: readonly Buffer[] | undefined

  constructor(encode: () => readonly Buffer[], decode: () => unknown, encodeJson?: () => readonly Buffer[]) {
    this.#encode = encode
    this.#decode = decode
    this.#encodeJson = encodeJson
  }

  get json(): readonly Buffer[] {
    return this.#encodeJson === undefined ? this.chunks : this.#encodeJson()
  }

  get chunks(): readonly Buffer[] {
    this.#chunks ??= this.#encode()
    return this.#chunks
  }

  get decoded(): unknown {
    return this.#decode()
  }
}

export function jsonResponse(status: number, value: unknown, headers = JSON_HEADERS): ApiResponse {
  const body = new LazyBody(
    () => [Buffer.from(JSON.stringify(value))],
    () => value,
  )
  return { status, headers, body }
}

export function textResponse(status: number, text: string): ApiResponse {
  return { status, headers: TEXT_HEADERS, body: { type: 'bytes', chunks: [Buffer.from(text)] } }
}
