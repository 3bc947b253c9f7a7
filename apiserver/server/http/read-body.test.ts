import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { IncomingRequest } from './front.ts'
import type { BodyFault } from './read-body.ts'
import { BodyReader, DISCARDED_BYTES_MAX } from './read-body.ts'

const LIMITS = { maxBytes: 10, maxTotalBytes: 25, arrivalMs: 60_000 }

/** What the reader uses of a request. `stream` is what tells HTTP/2 from HTTP/1.1. */
class FakeRequest extends PassThrough {
  readonly headers: Record<string, string>
  isReset = false
  readonly stream = {
    close: () => {
      this.isReset = true
    },
  }

  constructor(headers: Record<string, string> = {}) {
    super()
    this.headers = headers
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

function start() {
  const clock = new FakeClock()
  const reader = new BodyReader(LIMITS, clock)
  const read = (request: FakeRequest) => {
    const outcomes: (Buffer | undefined | BodyFault)[] = []
    reader.read(request as unknown as IncomingRequest, (outcome) => outcomes.push(outcome))
    return outcomes
  }
  return { clock, read }
}

describe('a request body', () => {
  it('is what was sent, in one piece', async () => {
    const { read } = start()
    const request = new FakeRequest()
    const outcomes = read(request)
    request.write('abc')
    await settle()
    request.end('def')
    await settle()
    expect(outcomes.map(String)).toEqual(['abcdef'])
  })

  it('is refused as soon as it is too large, announced or not', async () => {
    const { read } = start()
    expect(read(new FakeRequest({ 'content-length': '11' }))).toEqual(['too-large'])
    const request = new FakeRequest()
    const outcomes = read(request)
    request.end('x'.repeat(11))
    await settle()
    expect(outcomes).toEqual(['too-large'])
  })

  it('is read on for a while after it was refused, then the stream is reset', async () => {
    const { read } = start()
    const request = new FakeRequest()
    read(request)
    request.write(Buffer.alloc(DISCARDED_BYTES_MAX))
    await settle()
    expect(request.isReset).toBe(false)
    request.write(Buffer.alloc(11))
    await settle()
    expect(request.isReset).toBe(true)
  })

  it('is refused when it does not arrive in time', async () => {
    const { clock, read } = start()
    const request = new FakeRequest()
    const outcomes = read(request)
    request.write('a')
    await settle()
    clock.advance(LIMITS.arrivalMs)
    expect(outcomes).toEqual(['too-slow'])
    request.end('b')
    await settle()
    expect(outcomes).toEqual(['too-slow'])
  })

  it('is refused when too much arrives at once, until others have arrived or gone', async () => {
    const { read } = start()
    const requests = [new FakeRequest(), new FakeRequest()]
    for (const request of requests) {
      read(request)
      request.write('x'.repeat(10))
    }
    await settle()
    const refused = new FakeRequest()
    const refusal = read(refused)
    refused.write('x'.repeat(10))
    await settle()
    expect(refusal).toEqual(['too-many'])
    requests[0]?.end()
    requests[1]?.destroy()
    await settle()
    const next = [new FakeRequest(), new FakeRequest()].map((request) => {
      const outcomes = read(request)
      request.end('x'.repeat(10))
      return outcomes
    })
    await settle()
    expect(next.flat().map(String)).toEqual(['x'.repeat(10), 'x'.repeat(10)])
  })
})
