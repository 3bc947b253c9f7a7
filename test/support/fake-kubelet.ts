/**
 * A kubelet's streaming side: exec, attach and port-forward over SPDY/3.1 and WebSocket, logs and everything else over plain
 * HTTP. What "runs" are a few functions named by the command.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type Duplex, Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { SpdySession } from '#machinery/spdy/session.ts'
import type { SpdyStream } from '#machinery/spdy/stream.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { chunksOf, writeTo } from '#machinery/util/streams.ts'
import { WebSocketConnection } from '#machinery/websocket/connection.ts'
import { acceptHead, offeredSubprotocols } from '#machinery/websocket/handshake.ts'

export interface FakeKubeletOptions {
  readonly tls: { readonly certificate: string; readonly key: string; readonly clientCa: string }
  /** Which WebSocket subprotocol it knows; undefined: none, as kubelets before 1.30. */
  readonly webSocket?: string
  /** Answers what is no stream. */
  onRequest?(request: IncomingMessage, response: ServerResponse): void
}

export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly clientName: string
}

export interface FakeKubelet {
  readonly port: number
  readonly seen: SeenRequest[]
  /** Connections open now. */
  connections(): number
  /** It has bytes to send that nobody takes. */
  isHeldBack(): boolean
  bytesSent(): number
  /** Breaks every connection. */
  dropConnections(): void
  close(): Promise<void>
}

/** What a command sees. */
interface Process {
  readonly command: readonly string[]
  readonly stdin: AsyncIterable<Buffer>
  stdout(data: string | Buffer): Promise<void>
  stderr(data: string | Buffer): Promise<void>
}

export async function startFakeKubelet(options: FakeKubeletOptions): Promise<FakeKubelet> {
  const { certificate, key, clientCa } = options.tls
  const seen: SeenRequest[] = []
  const sockets = new Set<TLSSocket>()
  const server = createServer({ cert: certificate, key, ca: clientCa, requestCert: true, rejectUnauthorized: false })
  const note = (request: IncomingMessage): void => {
    const { method = '', url = '', headers } = request
    const subject = (request.socket as TLSSocket).getPeerCertificate().subject
    seen.push({ method, url, headers, clientName: String(subject?.CN ?? '') })
  }
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (request, response) => {
    note(request)
    if (options.onRequest === undefined) response.writeHead(404).end('404 page not found\n')
    else options.onRequest(request, response)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    note(request)
    if (request.headers.upgrade?.toLowerCase() === 'websocket') upgradeWebSocket(request, socket, head, options)
    else upgradeSpdy(request, socket, head)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    connections: () => sockets.size,
    isHeldBack: () => [...sockets].some((socket) => socket.writableNeedDrain),
    bytesSent: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0),
    dropConnections() {
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function run(process: Process): Promise<number> {
  const [name, argument = ''] = process.command
  switch (name) {
    case 'cat':
      for await (const chunk of process.stdin) await process.stdout(chunk)
      return 0
    case 'both':
      await process.stdout('to stdout\n')
      await process.stderr('to stderr\n')
      return 0
    case 'exit':
      await process.stderr('failing\n')
      return Number(argument)
    case 'zeros':
      for (let left = Number(argument); left > 0; left -= 65_536)
        await process.stdout(Buffer.alloc(Math.min(left, 65_536)))
      return 0
    case 'count': {
      let bytes = 0
      for await (const chunk of process.stdin) bytes += chunk.length
      await process.stdout(`${bytes}\n`)
      return 0
    }
    case 'wait':
      await process.stdout('waiting\n')
      await new Promise(() => undefined)
      return 0
    default:
      await process.stdout('attached\n')
      for await (const chunk of process.stdin) await process.stdout(`echo: ${chunk.toString()}`)
      return 0
  }
}

function statusOf(code: number): string {
  if (code === 0) return JSON.stringify({ metadata: {}, status: 'Success' })
  return JSON.stringify({
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  })
}

function commandOf(url: URL): string[] {
  return url.pathname.startsWith('/attach/') ? ['attach'] : url.searchParams.getAll('command')
}

function upgradeSpdy(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const url = new URL(request.url ?? '/', 'https://kubelet')
  const isForward = url.pathname.startsWith('/portForward/')
  const protocol = isForward ? 'portforward.k8s.io' : 'v4.channel.k8s.io'
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  )
  if (isForward) forwardPorts(socket, head)
  else execOverSpdy(url, socket, head)
}

/** Echoes, naming the port. */
function forwardPorts(socket: Duplex, head: Buffer): void {
  const onStream = (stream: SpdyStream): void => {
    if (stream.header('streamtype') === 'error') {
      stream.end()
      return
    }
    void (async () => {
      stream.write(`port ${stream.header('port')}: `)
      for await (const chunk of chunksOf(stream)) await writeTo(stream, chunk)
      stream.end()
    })().catch(() => undefined)
  }
  new SpdySession({ socket, head, role: 'server', onStream })
}

function execOverSpdy(url: URL, socket: Duplex, head: Buffer): void {
  const wanted = ['input', 'output', 'error', 'tty'].filter((name) => url.searchParams.get(name) === '1')
  const isTty = wanted.includes('tty')
  const expected = 1 + wanted.filter((name) => name !== 'error' || !isTty).length
  const streams = new Map<string, SpdyStream>()
  const session = new SpdySession({
    socket,
    head,
    role: 'server',
    onStream(stream) {
      streams.set(stream.header('streamtype'), stream)
      if (streams.size === expected) void serve()
    },
  })
  const serve = async (): Promise<void> => {
    const write = async (name: string, data: string | Buffer): Promise<void> => {
      const stream = streams.get(name)
      if (stream !== undefined) await writeTo(stream, data)
    }
    const process: Process = {
      command: commandOf(url),
      stdin: chunksOf(streams.get('stdin') ?? Readable.from([])),
      stdout: (data) => write('stdout', data),
      stderr: (data) => write('stderr', data),
    }
    const code = await run(process)
    streams.get('stdout')?.end()
    streams.get('stderr')?.end()
    streams.get('error')?.end(statusOf(code))
    await new Promise((resolve) => streams.get('error')?.once('finish', resolve))
    session.close()
  }
}

function upgradeWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { webSocket: known }: FakeKubeletOptions,
): void {
  if (known === undefined || !offeredSubprotocols(request.headers).includes(known)) {
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    return
  }
  socket.write(acceptHead(request.headers, known))
  const connection = new WebSocketConnection({ socket, head, role: 'server', random: systemRandom })
  const url = new URL(request.url ?? '/', 'https://kubelet')
  void execOverWebSocket(url, connection).catch(() => socket.destroy())
}

async function execOverWebSocket(url: URL, connection: WebSocketConnection): Promise<void> {
  const send = (channel: number, data: string | Buffer): Promise<void> =>
    connection.send(Buffer.concat([Buffer.of(channel), Buffer.from(data)]))
  async function* stdin(): AsyncGenerator<Buffer> {
    for await (const { data } of connection.messages()) {
      if (data[0] === 255) return
      if (data[0] === 0 && data.length > 1) yield data.subarray(1)
    }
  }
  await send(1, '')
  const code = await run({
    command: commandOf(url),
    stdin: stdin(),
    stdout: (data) => send(1, data),
    stderr: (data) => send(2, data),
  })
  await send(3, statusOf(code))
  connection.close()
}
