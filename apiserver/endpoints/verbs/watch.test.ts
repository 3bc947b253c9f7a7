import { describe, expect, it } from 'vitest'
import { createCacher } from '#apiserver/storage/cacher/cacher.ts'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { systemClock } from '#machinery/util/clock.ts'
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

const dispatch = (
  server: ApiServer,
  query: string,
  accept: string,
  signal: AbortSignal,
  { method = 'GET', path = CONFIG_MAPS } = {},
): Promise<ApiResponse> =>
  server.dispatch({
    method,
    path,
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

  it('is given up when its receiver leaves too many bytes waiting', async () => {
    const { server } = startTestServer()
    const sink = new FakeSink(1)
    await watchInto(server, sink)
    await create(server, 'first')
    const data = { large: 'x'.repeat(900_000) }
    for (let i = 0; i < 40; i++) {
      if (i < 30) expect(sink.isEnded).toBe(false)
      await server.loopbackClient.raw({
        method: 'POST',
        path: CONFIG_MAPS,
        body: { metadata: { name: `large-${i}` }, data },
      })
    }
    expect(sink.isEnded).toBe(true)
  })

  it('says in its stream that the version it was to start from is gone', async () => {
    const storage = new MemoryStorage({ clock: systemClock })
    const value = Buffer.from('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"default","name":"x"}}')
    for (const name of ['a', 'b', 'c']) await storage.create(`/registry/configmaps/default/${name}`, value)
    await storage.compact(await storage.currentRevision())
    const { server } = startTestServer({ cacher: createCacher(storage, systemClock, { freeze: true }) })
    const sink = new FakeSink(10)
    await watchInto(server, sink, 'resourceVersion=1')
    expect(sink.frames.map((frame) => JSON.parse(frame))).toMatchObject([
      { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } },
    ])
    expect(sink.isEnded).toBe(true)
  })

  describe('of a legacy path', () => {
    const path = '/api/v1/watch/namespaces/default/configmaps/mine'
    const never = new AbortController().signal
    const statusOf = async (query: string, method = 'GET'): Promise<number> => {
      const { server } = startTestServer()
      return (await dispatch(server, query, 'application/json', never, { method, path })).status
    }

    it('refuses a field selector for another name than the one that was authorized', async () => {
      expect(await statusOf('fieldSelector=metadata.name%3Dother')).toBe(400)
      expect(await statusOf('fieldSelector=metadata.name%3Dmine')).toBe(200)
    })

    it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
      expect(await statusOf('', method)).toBe(405)
    })
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
