/** An ApiRequest over a socket; what most requests never ask for is made on demand. */
import type { X509Certificate } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { ApiRequest } from '../interfaces.ts'
import type { IncomingRequest, OutgoingResponse } from './front.ts'

/** One certificate object per connection: the authenticator remembers what it found out about it. */
const certificates = new WeakMap<object, X509Certificate | 'none'>()

export class SocketRequest implements ApiRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: ApiRequest['headers']
  readonly body: Buffer | undefined
  readonly user = undefined
  readonly isUpgrade: boolean
  readonly bodyStream?: Readable
  readonly #incoming: IncomingRequest
  readonly #response: OutgoingResponse
  #aborter: AbortController | undefined

  constructor(
    incoming: IncomingRequest,
    response: OutgoingResponse,
    body: Buffer | Readable | undefined,
    isUpgrade = false,
  ) {
    const { url = '/' } = incoming
    const question = url.indexOf('?')
    this.method = incoming.method ?? 'GET'
    this.path = question === -1 ? url : url.slice(0, question)
    this.query = question === -1 ? '' : url.slice(question + 1)
    // Only set-cookie can be a list, and nobody reads that.
    this.headers = incoming.headers as ApiRequest['headers']
    this.body = undefined
    if (Buffer.isBuffer(body)) this.body = body
    else if (body !== undefined) this.bodyStream = body
    this.isUpgrade = isUpgrade
    this.#incoming = incoming
    this.#response = response
  }

  get remoteAddress(): string {
    return this.#incoming.socket.remoteAddress ?? ''
  }

  get peerCertificate(): X509Certificate | undefined {
    const incoming = this.#incoming
    const session = 'stream' in incoming ? incoming.stream.session : undefined
    const connection = session ?? incoming.socket
    let known = certificates.get(connection)
    if (known === undefined) {
      const socket = (session?.socket ?? incoming.socket) as TLSSocket
      known = socket.getPeerX509Certificate() ?? 'none'
      certificates.set(connection, known)
    }
    return known === 'none' ? undefined : known
  }

  /** Aborts when the connection or the stream is gone. */
  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      const aborter = new AbortController()
      this.#aborter = aborter
      if (this.#response.destroyed) aborter.abort()
      else this.#response.once('close', () => aborter.abort())
    }
    return this.#aborter.signal
  }
}
