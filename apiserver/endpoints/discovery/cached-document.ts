/** A JSON document that is made on first use, kept until the resources change, and answered with ETag and 304. */
import { createHash } from 'node:crypto'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import type { ResponseHeaders } from '../responses.ts'

interface Document {
  readonly bytes: Buffer
  readonly decoded: unknown
  readonly headers: ResponseHeaders
  readonly etag: string
}

export interface DocumentCache {
  /** `name` identifies the document; `make` returns its value, or its bytes in another encoding. */
  respond(call: ApiCall, name: string, contentType: string, make: () => unknown): ApiResponse
  /** Everything is made anew on its next use. */
  clear(): void
}

const NOT_MODIFIED = 304

export function createDocumentCache(): DocumentCache {
  const documents = new Map<string, Document>()
  return {
    respond(call, name, contentType, make) {
      let document = documents.get(name)
      if (document === undefined) {
        document = encode(contentType, make())
        documents.set(name, document)
      }
      const { headers, etag, bytes, decoded } = document
      if (call.request.headers['if-none-match'] === etag)
        return { status: NOT_MODIFIED, headers, body: { type: 'empty' } }
      return { status: 200, headers, body: { type: 'bytes', chunks: [bytes], decoded } }
    },
    clear: () => documents.clear(),
  }
}

function encode(contentType: string, value: unknown): Document {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))
  const etag = `"${createHash('sha512').update(bytes).digest('hex').toUpperCase()}"`
  const headers = { 'cache-control': 'no-cache, private', 'content-type': contentType, etag, vary: 'Accept' }
  return { bytes, decoded: Buffer.isBuffer(value) ? undefined : value, headers, etag }
}
