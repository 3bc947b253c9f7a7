/**
 * The HTTPS client of admission and conversion webhooks: kept connections, the webhook's own CAs, Services dialled at their
 * endpoints under the name `<service>.<namespace>.svc`, no redirects, bounded answers.
 * Upstream: apiserver pkg/util/webhook/client.go. Differs: HTTP/1.1 only; no client certificates or tokens (no kubeConfigFile).
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { isIP } from 'node:net'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Random } from '#machinery/util/random.ts'
import { connectionErrorText, refusalText, WebhookCallError } from './call-error.ts'
import type { ServiceObjects, WebhookClient, WebhookTarget } from './interfaces.ts'
import { resolveServiceEndpoint } from './service-endpoint.ts'

interface WebhookClientOptions {
  readonly objects: ServiceObjects
  readonly clock: Clock
  readonly random: Random
}

const HTTPS_PORT = 443
const SOCKETS_PER_HOST_MAX = 100
const IDLE_SOCKETS_MAX = 16
const IDLE_MS = 30_000

/** Where a call goes: what the certificate must say, what errors name, and what is dialled. */
interface Destination {
  /** Without the timeout. */
  readonly url: string
  readonly serverName: string
  readonly hostHeader: string
  readonly path: string
  dial(): { readonly host: string; readonly port: number }
}

export function createWebhookClient(options: WebhookClientOptions): WebhookClient {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: SOCKETS_PER_HOST_MAX,
    maxFreeSockets: IDLE_SOCKETS_MAX,
    timeout: IDLE_MS,
    scheduling: 'lifo',
  })
  const bundles = new CaBundles()
  return {
    async post(target, body, { timeoutMs, deadlineMs, signal, answerMaxBytes }) {
      const destination = destinationOf(target, options)
      const query = timeoutQuery(timeoutMs, deadlineMs, options.clock)
      const failed = (why: string, isCanceled = false): WebhookCallError =>
        new WebhookCallError(`Post ${JSON.stringify(destination.url + query)}: ${why}`, 503, isCanceled)
      const deadline = new CallDeadline(options.clock, timeoutMs, signal)
      let address = ''
      try {
        const { host, port } = destination.dial()
        address = hostPort(host, port)
        const requestOptions: RequestOptions = {
          agent,
          host,
          port,
          method: 'POST',
          path: destination.path + query,
          headers: headersOf(destination, body),
          ...(isIP(destination.serverName) === 0 ? { servername: destination.serverName } : {}),
          ...bundles.of(target.caBundle),
        }
        const { code, text } = await send(requestOptions, body, answerMaxBytes, deadline.signal)
        if (code < 200 || code > 206) throw new WebhookCallError(refusalText(code, text), code)
        return parseAnswer(text)
      } catch (err: unknown) {
        if (err instanceof WebhookCallError) throw err
        if (deadline.isOver) throw failed('context deadline exceeded')
        if (signal?.aborted === true) throw failed('context canceled', true)
        throw failed(connectionErrorText(err, address, destination.serverName))
      } finally {
        deadline.dispose()
      }
    },
    close: () => agent.destroy(),
  }
}

/** Whole seconds, rounded up. */
function timeoutQuery(timeoutMs = Infinity, deadlineMs = Infinity, clock: Clock): string {
  const leftMs = Math.min(timeoutMs, deadlineMs - clock.monotonicMs())
  return leftMs > 0 && leftMs < Infinity ? `?timeout=${Math.ceil(leftMs / 1000)}s` : ''
}

function destinationOf({ service, url }: WebhookTarget, options: WebhookClientOptions): Destination {
  if (service !== undefined) {
    const { namespace, name, port = HTTPS_PORT } = service
    const path = service.path === undefined || service.path === '' ? '/' : service.path
    const serverName = `${name}.${namespace}.svc`
    return {
      url: `https://${serverName}:${port}${path}`,
      serverName,
      hostHeader: `${serverName}:${port}`,
      path,
      dial: () => resolveServiceEndpoint(options.objects, options.random, namespace, name, port),
    }
  }
  if (url === undefined || url === '') {
    throw new WebhookCallError('webhook configuration must have either service or URL', 500)
  }
  const parsed = parseUrl(url)
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  const port = parsed.port === '' ? HTTPS_PORT : Number(parsed.port)
  return { url, serverName: host, hostHeader: parsed.host, path: parsed.pathname, dial: () => ({ host, port }) }
}

function parseUrl(url: string): URL {
  try {
    return new URL(url)
  } catch (err: unknown) {
    throw new WebhookCallError(`Unparsable URL: ${errorMessage(err)}`, 500)
  }
}

const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

function headersOf({ hostHeader }: Destination, body: string): Record<string, string | number> {
  return {
    host: hostHeader,
    'content-type': 'application/json',
    accept: 'application/json, */*',
    'user-agent': 'kube-apiserver-admission',
    'content-length': Buffer.byteLength(body),
  }
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (err: unknown) {
    throw new WebhookCallError(`couldn't get version/kind; json parse error: ${errorMessage(err)}`)
  }
}

interface Answer {
  readonly code: number
  readonly text: string
}

/** A kept connection may have been closed by the other side in this moment: then once more on a new one. */
async function send(options: RequestOptions, body: string, maxBytes: number, signal: AbortSignal): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    let sent: ClientRequest | undefined
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        sent = httpsRequest({ ...options, signal }, resolve)
        sent.on('error', reject)
        sent.end(body)
      })
      return { code: response.statusCode ?? 0, text: await readBounded(response, maxBytes) }
    } catch (err: unknown) {
      const isStale = sent?.reusedSocket === true && (err as { code?: unknown }).code === 'ECONNRESET'
      if (!isStale || attempt > 0 || signal.aborted) throw err
    }
  }
}

async function readBounded(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) {
      response.destroy()
      throw new WebhookCallError(`the webhook's answer is longer than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The call's own timeout and the request's signal as one. */
class CallDeadline {
  readonly #aborter = new AbortController()
  readonly #outer: AbortSignal | undefined
  readonly #cancel: () => void
  isOver = false
  readonly #onAbort = (): void => this.#aborter.abort(this.#outer?.reason)

  constructor(clock: Clock, timeoutMs: number | undefined, outer: AbortSignal | undefined) {
    this.#outer = outer
    if (outer?.aborted === true) this.#onAbort()
    else outer?.addEventListener('abort', this.#onAbort)
    const timer =
      timeoutMs === undefined
        ? undefined
        : clock.setTimeout(() => {
            this.isOver = true
            this.#aborter.abort()
          }, timeoutMs)
    this.#cancel = () => timer?.cancel()
  }

  get signal(): AbortSignal {
    return this.#aborter.signal
  }

  dispose(): void {
    this.#cancel()
    this.#outer?.removeEventListener('abort', this.#onAbort)
  }
}

const BUNDLES_MAX = 200

/** Decoded CA bundles: the same string object on every call lets the agent find its connections quickly. */
class CaBundles {
  readonly #decoded = new Map<string, { readonly ca?: string }>()

  of(caBundle = ''): { readonly ca?: string } {
    const known = this.#decoded.get(caBundle)
    if (known !== undefined) return known
    const pem = Buffer.from(caBundle, 'base64').toString('utf8')
    if (pem.trim() !== '' && !pem.includes('-----BEGIN CERTIFICATE-----')) {
      throw new WebhookCallError('unable to load root certificates: unable to parse bytes as PEM block', 500)
    }
    const decoded = pem.trim() === '' ? {} : { ca: pem }
    if (this.#decoded.size >= BUNDLES_MAX) this.#decoded.clear()
    this.#decoded.set(caBundle, decoded)
    return decoded
  }
}
