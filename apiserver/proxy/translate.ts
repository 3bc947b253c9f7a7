/**
 * exec and attach for a WebSocket client (v5.channel.k8s.io: one byte names the channel) and a kubelet that speaks SPDY (one
 * stream per channel). Upstream: apiserver pkg/util/proxy/{streamtranslator,websocket}.go, client-go tools/remotecommand.
 */
import type { Duplex } from 'node:stream'
import { SpdySession } from '#machinery/spdy/session.ts'
import type { SpdyStream } from '#machinery/spdy/stream.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { chunksOf, writeTo } from '#machinery/util/streams.ts'
import type { WebSocketConnection } from '#machinery/websocket/connection.ts'
import type { RemoteCommandStreams } from './interfaces.ts'

const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const
/** A Status; a kubelet that sends more has lost its mind. */
const STATUS_BYTES_MAX = 64 * 1024
/** How long the last bytes may take to reach the client. */
const LINGER_MS = 10_000

export interface TranslationEnds {
  readonly webSocket: WebSocketConnection
  /** Below the WebSocket. */
  readonly client: Duplex
  readonly backend: Duplex
  /** What the backend has sent already. */
  readonly head: Buffer
  readonly streams: RemoteCommandStreams
  readonly clock: Clock
}

interface Streams {
  readonly error: SpdyStream
  readonly stdin: SpdyStream | undefined
  readonly stdout: SpdyStream | undefined
  readonly stderr: SpdyStream | undefined
  readonly resize: SpdyStream | undefined
}

export function translateRemoteCommand(ends: TranslationEnds): void {
  const { webSocket, client, backend, head, clock } = ends
  const session = new SpdySession({ socket: backend, head, role: 'client' })
  if (client.destroyed) session.destroy()
  else client.once('close', () => session.destroy())
  const finish = (): void => {
    webSocket.close()
    session.close()
    const timer = clock.setTimeout(() => {
      client.destroy()
      session.destroy()
    }, LINGER_MS)
    void session.closed.then(() => {
      if (client.destroyed) timer.cancel()
    })
  }
  run(ends, session).then(finish, async (err: unknown) => {
    await webSocket.send(onChannel(CHANNEL.error, Buffer.from(JSON.stringify(failureStatus(errorMessage(err))))))
    finish()
  })
}

async function run({ webSocket, client, streams: wanted }: TranslationEnds, session: SpdySession): Promise<void> {
  // The client counts itself as connected from the first message on.
  const first = wanted.stdout ? CHANNEL.stdout : wanted.stderr ? CHANNEL.stderr : CHANNEL.error
  await webSocket.send(onChannel(first, Buffer.alloc(0)))
  const streams = await openStreams(session, wanted)
  void readClient(webSocket, client, streams)
  const [status] = await Promise.all([
    readStatus(streams.error),
    copy(streams.stdout, CHANNEL.stdout, webSocket),
    copy(streams.stderr, CHANNEL.stderr, webSocket),
  ])
  await webSocket.send(onChannel(CHANNEL.error, status))
}

/** In the order kubelets have always been asked in. */
async function openStreams(session: SpdySession, wanted: RemoteCommandStreams): Promise<Streams> {
  const open = (type: string, isWanted: boolean): Promise<SpdyStream> | undefined =>
    isWanted ? session.open({ streamtype: type }) : undefined
  const error = await session.open({ streamtype: 'error' })
  error.end()
  const [stdin, stdout, stderr, resize] = await Promise.all([
    open('stdin', wanted.stdin),
    open('stdout', wanted.stdout),
    open('stderr', wanted.stderr && !wanted.tty),
    open('resize', wanted.tty),
  ])
  // Nothing comes from these; unread, their ends would never be seen.
  for (const input of [stdin, resize]) input?.resume()
  return { error, stdin, stdout, stderr, resize }
}

/** Until the client closes: then the command loses its connection, as it would over SPDY. */
async function readClient(webSocket: WebSocketConnection, client: Duplex, streams: Streams): Promise<void> {
  const inputs = new Map([
    [CHANNEL.stdin as number, streams.stdin],
    [CHANNEL.resize as number, streams.resize],
  ])
  try {
    for await (const { data } of webSocket.messages()) {
      const [channel = -1, closing = -1] = data
      if (channel === CHANNEL.close) inputs.get(closing)?.end()
      else {
        const input = inputs.get(channel)
        if (input?.writable === true && data.length > 1) await writeTo(input, data.subarray(1))
      }
    }
  } catch {
    // The close frame has said why.
  }
  client.destroy()
}

async function copy(stream: SpdyStream | undefined, channel: number, webSocket: WebSocketConnection): Promise<void> {
  if (stream === undefined) return
  for await (const chunk of chunksOf(stream)) await webSocket.send(onChannel(channel, chunk))
}

/** The kubelet's Status of how the command ended. */
async function readStatus(stream: SpdyStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of chunksOf(stream)) {
    size += chunk.length
    if (size > STATUS_BYTES_MAX) throw new Error('the status of the command is too large')
    chunks.push(chunk)
  }
  if (size > 0) return Buffer.concat(chunks)
  if (!stream.isEndedByPeer) throw new Error('the connection to the kubelet was lost')
  return Buffer.from(JSON.stringify({ metadata: {}, status: 'Success' }))
}

function onChannel(channel: number, bytes: Buffer): Buffer {
  const message = Buffer.allocUnsafe(1 + bytes.length)
  message[0] = channel
  bytes.copy(message, 1)
  return message
}

function failureStatus(message: string) {
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  }
}
