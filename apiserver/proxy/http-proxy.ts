/**
 * Requests carried to a pod, a service's endpoint or a node, and their answers back. Upstream: apimachinery
 * pkg/util/proxy/{upgradeaware,transport}.go.
 * Differs: an upgraded request keeps its query; HTML beyond a bound goes through with its links as they are.
 */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { deflateRaw, gunzip, gzip, inflateRaw } from 'node:zlib'
import { newServiceUnavailable } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { ApiCall } from '../filters/interfaces.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import { authorityOf, exchange } from './exchange.ts'
import { forwardedHeaders, returnedHeaders } from './headers.ts'
import type { BackendDialer, ConnectTarget } from './interfaces.ts'
import type { LinkContext } from './rewrite.ts'
import { rewriteHtml, rewriteLink } from './rewrite.ts'

type ProxyTarget = Extract<ConnectTarget, { readonly type: 'proxy' }>

const HTML_BYTES_MAX = 8 * 1024 * 1024

export async function proxyRequest(call: ApiCall, target: ProxyTarget, dialer: BackendDialer): Promise<ApiResponse> {
  const { request } = call
  const { path, links } = placesOf(call, target)
  if (path === '' && (request.method === 'GET' || request.method === 'HEAD')) {
    const query = request.query === '' ? '' : `?${request.query}`
    return { status: 301, headers: { location: `${request.path}/${query}` }, body: { type: 'empty' } }
  }
  const headers = {
    ...forwardedHeaders(request),
    'x-forwarded-uri': joined(links.prefix, path),
  }
  const outcome = await exchange(
    dialer,
    target.backend,
    { method: request.method, path: withQuery(path, request.query), headers, body: bodyOf(call) },
    call.signal,
  ).catch((err: unknown) => {
    throw newServiceUnavailable(`error trying to reach service: ${errorMessage(err)}`)
  })
  if (outcome.type === 'switched') {
    outcome.socket.destroy()
    throw newServiceUnavailable('error trying to reach service: the backend switched protocols unasked')
  }
  return answerOf(outcome.response, links)
}

/** The backend's path, and what its links are put behind. */
export function placesOf(call: ApiCall, target: ProxyTarget): { readonly path: string; readonly links: LinkContext } {
  const { request, info } = call
  const isSlashAdded = !target.path.endsWith('/') && info.path.endsWith('/')
  const path = isSlashAdded ? `${target.path}/` : target.path
  const prefix = info.path.endsWith(path) ? info.path.slice(0, info.path.length - path.length) : info.path
  const requestHost = request.headers['host'] ?? request.headers[':authority'] ?? ''
  const links = { prefix: encodePath(prefix), backendHost: authorityOf(target.backend), requestHost }
  return { path: encodePath(path), links }
}

const encodePath = (path: string): string => encodeURI(path).replace(/[?#]/g, encodeURIComponent)

export const withQuery = (path: string, query: string): string => (query === '' ? path : `${path}?${query}`)

const joined = (prefix: string, path: string): string => `${prefix}/${path}`.replace(/\/{2,}/g, '/')

function bodyOf({ request }: ApiCall): Buffer | Readable | undefined {
  const { body, bodyStream } = request
  if (bodyStream !== undefined) return bodyStream
  if (body === undefined || Buffer.isBuffer(body)) return body
  return Buffer.from(JSON.stringify(body.decoded))
}

async function answerOf(response: IncomingMessage, links: LinkContext): Promise<ApiResponse> {
  const status = response.statusCode ?? 502
  const headers = returnedHeaders(response.rawHeaders)
  const asItIs: ApiResponse = { status, headers, body: { type: 'readable', stream: response } }
  const { location } = response.headers
  if (location !== undefined && location !== '') {
    headers['location'] = rewriteLink(location, links)
    return asItIs
  }
  const type = (response.headers['content-type'] ?? '').split(';')[0]?.trim()
  const codec = CODECS.get(response.headers['content-encoding'] ?? '')
  if (type !== 'text/html' || codec === undefined) return asItIs
  const page = await readUpTo(response, HTML_BYTES_MAX)
  if (!page.isWhole) return { ...asItIs, body: { type: 'readable', stream: page.stream } }
  const html = (await codec.decode(page.bytes)).toString('utf8')
  const bytes = await codec.encode(Buffer.from(rewriteHtml(html, (link) => rewriteLink(link, links))))
  const { 'content-length': _, ...rest } = headers
  return { status, headers: rest, body: { type: 'bytes', chunks: [bytes] } }
}

interface Codec {
  decode(bytes: Buffer): Promise<Buffer>
  encode(bytes: Buffer): Promise<Buffer>
}

const asIs = async (bytes: Buffer): Promise<Buffer> => bytes
/** A page that inflates to more is refused by zlib. */
const LIMIT = { maxOutputLength: 4 * HTML_BYTES_MAX }
const gunzipAsync = promisify<Buffer, object, Buffer>(gunzip)
const inflateAsync = promisify<Buffer, object, Buffer>(inflateRaw)
const CODECS: ReadonlyMap<string, Codec> = new Map([
  ['', { decode: asIs, encode: asIs }],
  ['gzip', { decode: (bytes: Buffer) => gunzipAsync(bytes, LIMIT), encode: promisify<Buffer, Buffer>(gzip) }],
  ['deflate', { decode: (bytes: Buffer) => inflateAsync(bytes, LIMIT), encode: promisify<Buffer, Buffer>(deflateRaw) }],
])

type Page = { readonly isWhole: true; readonly bytes: Buffer } | { readonly isWhole: false; readonly stream: Readable }

async function readUpTo(response: IncomingMessage, bytesMax: number): Promise<Page> {
  const chunks: Buffer[] = []
  let size = 0
  const iterator = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  for (;;) {
    const { done, value } = await iterator.next()
    if (done === true) return { isWhole: true, bytes: Buffer.concat(chunks) }
    chunks.push(value)
    size += value.length
    if (size > bytesMax) return { isWhole: false, stream: Readable.from(rest(chunks, iterator)) }
  }
}

async function* rest(chunks: readonly Buffer[], iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks
  yield* { [Symbol.asyncIterator]: () => iterator }
}
