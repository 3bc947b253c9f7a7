import { describe, expect, it } from 'vitest'
import { ADMIN, startTestServer } from '#test/contract/resource-server.ts'
import type { ApiResponse, ApiServer, StreamFrame, StreamSink } from '../../server/interfaces.ts'

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

/** A receiver that takes `capacity` frames and then nothing until it is drained. */
class FakeSink implements StreamSink {
  readonly frames: string[] = []
  capacity: number
  isEnded = false
  #drain: () => void = () => {}

  constructor(capacity: number) {
    this.capacity = capacity
  }

  write(frame: StreamFrame): boolean {
    this.frames.push(frame.bytes().toString())
    return this.frames.length < this.capacity
  }

  end(): void {
    this.isEnded = true
  }

  onDrain(callback: () => void): void {
    this.#drain = callback
  }

  drain(capacity: number): void {
    this.capacity = capacity
    this.#drain()
  }
}

const dispatch = (server: ApiServer, query: string, accept: string, signal: AbortSignal): Promise<ApiResponse> =>
  server.dispatch({
    method: 'GET',
    path: CONFIG_MAPS,
    query,
    headers: { accept },
    body: undefined,
    remoteAddress: '',
    peerCertificate: undefined,
    user: ADMIN,
    signal,
  })

async function watchInto(server: ApiServer, sink: StreamSink, query = '', accept = 'application/json') {
  const stop = new AbortController()
  const response = await dispatch(server, `watch=1&${query}`, accept, stop.signal)
  if (response.body.type !== 'stream') throw new Error('expected a stream')
  response.body.start(sink)
  return stop
}

const create = (server: ApiServer, name: string) =>
  server.loopbackClient.raw({ method: 'POST', path: CONFIG_MAPS, body: { metadata: { name } } })
const namesIn = (frames: readonly string[]) =>
  frames.map((frame) => (JSON.parse(frame) as { object: { metadata: { name: string } } }).object.metadata.name)

describe('a watch', () => {
  it('holds events back while its receiver is full, and delivers all of them in order', async () => {
    const { server } = startTestServer()
    const sink = new FakeSink(1)
    await watchInto(server, sink)
    for (const name of ['a', 'b', 'c']) await create(server, name)
    expect(namesIn(sink.frames)).toEqual(['a'])
    sink.drain(10)
    expect(namesIn(sink.frames)).toEqual(['a', 'b', 'c'])
  })

  it('ends when its client goes', async () => {
    const { server } = startTestServer()
    const sink = new FakeSink(10)
    const stop = await watchInto(server, sink)
    stop.abort()
    await create(server, 'a')
    expect(sink).toMatchObject({ isEnded: true, frames: [] })
  })

  it('shares encoded frames between watchers of the same events', async () => {
    const { server } = startTestServer()
    const buffers: Buffer[] = []
    const keep: StreamSink = {
      write: (frame) => {
        buffers.push(frame.bytes())
        return true
      },
      end() {},
      onDrain() {},
    }
    await watchInto(server, keep)
    await watchInto(server, keep)
    await create(server, 'a')
    expect(buffers).toHaveLength(2)
    expect(buffers[0]).toBe(buffers[1])
  })

  it('sends table columns with the first event only', async () => {
    const { server } = startTestServer()
    const sink = new FakeSink(10)
    await watchInto(server, sink, '', 'application/json;as=Table;v=v1;g=meta.k8s.io')
    await create(server, 'a')
    await create(server, 'b')
    const tables = sink.frames.map(
      (frame) => (JSON.parse(frame) as { object: { columnDefinitions: unknown[] } }).object,
    )
    expect(tables.map(({ columnDefinitions }) => columnDefinitions.length)).toEqual([2, 0])
  })
})
