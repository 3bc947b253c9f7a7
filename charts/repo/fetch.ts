/**
 * Fetches one file over HTTP(S): bounded, with a deadline, own CAs, basic or client-certificate authentication, and
 * redirects that do not carry credentials to another host. Upstream: helm pkg/getter/httpgetter.go.
 */
import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { rootCertificates } from 'node:tls'

export interface FetchOptions {
  readonly signal: AbortSignal
  readonly limitBytes: number
  /** PEM; trusted besides the public ones. */
  readonly ca?: string
  readonly clientCertificate?: { readonly cert: string; readonly key: string }
  readonly basicAuth?: { readonly username: string; readonly password: string }
  /** Sends credentials to other hosts as well (--pass-credentials). */
  readonly passCredentialsAll?: boolean
  readonly insecureSkipTlsVerify?: boolean
}

const REDIRECTS_MAX = 10
const IDLE_TIMEOUT_MS = 30_000

/** Throws an Error that names the URL (without credentials) and what went wrong. */
export async function fetchFile(url: string, options: FetchOptions): Promise<Buffer> {
  let current = parseUrl(url)
  const { origin } = current
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const sendCredentials = current.origin === origin || options.passCredentialsAll === true
    const answer = await send(current, options, sendCredentials)
    if (answer.redirect === undefined) return answer.body
    current = parseUrl(new URL(answer.redirect, current).href)
  }
  throw new Error(`failed to fetch ${shown(current)}: more than ${REDIRECTS_MAX} redirects`)
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Error(`"${text}" is not an http:// or https:// URL`)
  }
  return url
}

const shown = (url: URL): string => `${url.origin}${url.pathname}`

type Answer =
  | { readonly redirect: string; readonly body?: never }
  | { readonly redirect: undefined; readonly body: Buffer }

function send(url: URL, options: FetchOptions, sendCredentials: boolean): Promise<Answer> {
  const { promise, resolve, reject } = withResolvers<Answer>()
  const fail = (why: string): void => reject(new Error(`failed to fetch ${shown(url)}: ${why}`))
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  const outgoing = request(url, requestOptions(options, sendCredentials), (response) => {
    const { statusCode = 0, headers } = response
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      response.resume()
      resolve({ redirect: headers.location })
    } else if (statusCode !== 200) {
      response.resume()
      fail(`${statusCode} ${response.statusMessage ?? ''}`.trim())
    } else
      collect(response, options.limitBytes).then(
        (body) => resolve({ redirect: undefined, body }),
        (err: Error) => fail(err.message),
      )
  })
  outgoing.setTimeout(IDLE_TIMEOUT_MS, () =>
    outgoing.destroy(new Error(`no answer within ${IDLE_TIMEOUT_MS / 1000} s`)),
  )
  outgoing.on('error', (err) => fail(err.message))
  outgoing.end()
  return promise
}

function requestOptions(options: FetchOptions, sendCredentials: boolean) {
  const { basicAuth, clientCertificate, ca, insecureSkipTlsVerify } = options
  return {
    signal: options.signal,
    headers: { 'user-agent': 'knarr', accept: '*/*' },
    ...(sendCredentials && basicAuth !== undefined && { auth: `${basicAuth.username}:${basicAuth.password}` }),
    ...(sendCredentials &&
      clientCertificate !== undefined && { cert: clientCertificate.cert, key: clientCertificate.key }),
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    rejectUnauthorized: insecureSkipTlsVerify !== true,
  }
}

async function collect(response: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limitBytes) {
      response.destroy()
      throw new Error(`larger than ${limitBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (reason: Error) => void } {
  let resolve: (value: T) => void = () => {}
  let reject: (reason: Error) => void = () => {}
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
