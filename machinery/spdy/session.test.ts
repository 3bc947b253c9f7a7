import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import { chunksOf } from '../util/streams.ts'
import { HeaderDecoder, HeaderEncoder } from './header-block.ts'
import { SpdySession } from './session.ts'
import type { SpdyStream } from './stream.ts'

const open: { close(): void }[] = []
afterEach(() => {
  for (const end of open.splice(0)) end.close()
})

async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const other = await accepted
  server.close()
  open.push({ close: () => client.destroy() }, { close: () => other.destroy() })
  return [client, other]
}

async function sessions(onStream?: (stream: SpdyStream) => void): Promise<[SpdySession, SpdySession, Socket]> {
  const [near, far] = await socketPair()
  const head = Buffer.alloc(0)
  const server = new SpdySession({ socket: far, head, role: 'server', ...(onStream === undefined ? {} : { onStream }) })
  return [new SpdySession({ socket: near, head, role: 'client' }), server, far]
}

async function textOf(stream: SpdyStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of chunksOf(stream)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('header blocks', () => {
  it('come back as they went, block after block through one zlib stream', async () => {
    const encoder = new HeaderEncoder()
    const decoder = new HeaderDecoder()
    for (const headers of [
      new Map([['streamtype', ['stdin']]]),
      new Map<string, string[]>(),
      new Map([
        ['port', ['80']],
        ['several', ['a', 'b']],
        ['long', ['x'.repeat(70_000)]],
      ]),
    ])
      expect(await decoder.decode(encoder.encode(headers))).toEqual(headers)
    decoder.close()
  })

  it('from moby/spdystream, compressed with the dictionary, are read', async () => {
    // As kubectl 1.20 sends the first two streams of an exec.
    const blocks = ['78f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff', 'c22ac5565c92925f5a02000000ffff']
    const decoder = new HeaderDecoder()
    const types: (string | undefined)[] = []
    for (const block of blocks) types.push((await decoder.decode(Buffer.from(block, 'hex'))).get('streamtype')?.[0])
    expect(types).toEqual(['error', 'stdout'])
    decoder.close()
  })
})

describe('session', () => {
  it('carries streams both ways and half-closes each', async () => {
    const [client] = await sessions((stream) => {
      void textOf(stream).then((text) => stream.end(`${stream.header('streamtype')}: ${text}`))
    })
    const [first, second] = await Promise.all([client.open({ streamtype: 'one' }), client.open({ streamtype: 'two' })])
    first.end('x')
    second.write('y'.repeat(200_000))
    second.end()
    expect(await textOf(first)).toBe('one: x')
    expect(await textOf(second)).toHaveLength(200_005)
    expect(first.isEndedByPeer).toBe(true)
  })

  it('refuses streams nobody takes', async () => {
    const [client] = await sessions()
    await expect(client.open({ streamtype: 'one' })).rejects.toThrow('stream refused by peer')
  })

  it('ends streams without their end when the connection is lost', async () => {
    const [client, , far] = await sessions((stream) => {
      stream.write('some')
    })
    const stream = await client.open({ streamtype: 'one' })
    const text = textOf(stream).catch(() => 'broken')
    far.destroy()
    expect(['some', '', 'broken']).toContain(await text)
    expect(stream.isEndedByPeer).toBe(false)
    await client.closed
  })

  it('has all that arrived together with the end of the connection', async () => {
    const streams: SpdyStream[] = []
    const [client, server, far] = await sessions((stream) => {
      if (streams.length === 0) far.cork()
      streams.push(stream.on('error', () => undefined))
      if (streams.length < 3) return
      for (const each of streams) each.end(`${each.header('streamtype')} to the end`)
      server.close()
      far.uncork()
    })
    const opened = await Promise.all(['one', 'two', 'three'].map((streamtype) => client.open({ streamtype })))
    expect(await Promise.all(opened.map(textOf))).toEqual(['one to the end', 'two to the end', 'three to the end'])
    expect(opened.every((stream) => stream.isEndedByPeer)).toBe(true)
  })

  it('keeps what was not read yet when the connection is gone', async () => {
    const [client, server] = await sessions((stream) => {
      stream.end('x'.repeat(100_000))
      server.close()
    })
    const stream = await client.open({ streamtype: 'one' })
    await client.closed
    expect(await textOf(stream)).toHaveLength(100_000)
    await eventually(() => expect(stream.destroyed).toBe(true))
  })

  it('opens no stream on a connection that is gone, and destroys those it had', async () => {
    const [client] = await sessions(() => undefined)
    const stream = await client.open({ streamtype: 'one' })
    const second = client.open({ streamtype: 'two' })
    client.destroy()
    expect(stream.destroyed).toBe(true)
    await expect(second).rejects.toThrow('the connection is closed')
    await client.closed
    await expect(client.open({ streamtype: 'three' })).rejects.toThrow('the connection is closed')
  })

  it('stops the sender when a stream is not read', async () => {
    const bound = 4 * 1024 * 1024
    let sent = 0
    const [client, , far] = await sessions((stream) => {
      const chunk = Buffer.alloc(64 * 1024)
      const more = (): void => {
        sent += chunk.length
        if (sent < 16 * bound) stream.write(chunk, more)
        else stream.end()
      }
      more()
    })
    const stream = await client.open({ streamtype: 'one' })
    await eventually(() => expect(far.writableNeedDrain).toBe(true))
    expect(sent).toBeLessThan(16 * bound)
    let received = 0
    for await (const chunk of chunksOf(stream)) received += chunk.length
    expect(received).toBeGreaterThanOrEqual(15 * bound)
  })

  it('ends when the peer speaks something else', async () => {
    const [near, far] = await socketPair()
    const session = new SpdySession({ socket: near, head: Buffer.alloc(0), role: 'client' })
    far.write('HTTP/1.1 400 Bad Request\r\n\r\n')
    far.resume()
    far.end()
    await session.closed
    expect(near.destroyed).toBe(true)
  })
})
