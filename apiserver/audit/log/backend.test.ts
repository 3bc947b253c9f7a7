import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import type { Logger } from '#machinery/util/logger.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { AuditEvent } from '../interfaces.ts'
import { createAuditCounts } from '../metrics.ts'
import type { LogBackendOptions } from './backend.ts'
import { LogBackend } from './backend.ts'
import type { LogEntry, LogTarget } from './interfaces.ts'

const EVENT: AuditEvent = {
  level: 'RequestResponse',
  auditID: 'id',
  stage: 'ResponseComplete',
  requestURI: '/',
  verb: 'get',
  user: undefined,
  impersonatedUser: undefined,
  impersonationConstraint: '',
  sourceIPs: [],
  userAgent: '',
  objectRef: undefined,
  responseStatus: { code: 200 },
  requestObject: undefined,
  responseObject: undefined,
  requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
  stageTimestamp: '2026-01-01T00:00:00.000000Z',
  annotations: new Map(),
}

/** When everything has been recorded that came in one turn of the loop. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

/** A disk whose writes end when the test says so. */
class SlowTarget implements LogTarget {
  readonly batches: (readonly LogEntry[])[] = []
  #finish: () => void = () => {}

  write(entries: readonly LogEntry[]): Promise<void> {
    this.batches.push(entries)
    return new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  /** The batch being written is through. */
  async end(failure?: Error): Promise<void> {
    for (const { settle } of this.batches.at(-1) ?? []) settle(failure)
    this.#finish()
    await nextTurn()
  }

  get sizes(): number[] {
    return this.batches.map(({ length }) => length)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

function start(options: Partial<LogBackendOptions> = {}) {
  const target = new SlowTarget()
  const clock = new FakeClock()
  const counts = createAuditCounts(new Registry())
  const errors: object[] = []
  const logger: Logger = { ...discardLogger, error: (fields) => void errors.push(fields) }
  const limits = { queueMax: 3, batchMax: 2, batchWaitMs: 0, eventBytesMax: undefined }
  const backend = new LogBackend({
    target,
    format: 'json',
    mode: 'batch',
    counts,
    clock,
    logger,
    ...limits,
    ...options,
  })
  return { backend, target, clock, counts, errors }
}

describe('in mode batch', () => {
  it('nobody waits, and writes take what has come meanwhile', async () => {
    const { backend, target } = start()
    expect([1, 2, 3].map(() => backend.process(EVENT))).toEqual([true, true, true])
    await nextTurn()
    expect(target.sizes).toEqual([2])
    expect(backend.process(EVENT)).toBe(true)
    await target.end()
    expect(target.sizes).toEqual([2, 2])
  })

  it('what the queue has no room for is dropped and counted, and told once in a while', async () => {
    const { backend, target, counts, errors, clock } = start()
    for (let i = 0; i < 10; i++) expect(backend.process(EVENT)).toBe(true)
    expect(counts).toMatchObject({ events: 10, errors: { buffered: 7, log: 0 } })
    expect(errors).toEqual([{ plugin: 'buffered', reason: 'audit buffer queue blocked', events: 1 }])
    clock.advance(10_000)
    void backend.process(EVENT)
    expect(errors[1]).toMatchObject({ events: 7 })
    await nextTurn()
    await target.end()
    expect(backend.process(EVENT)).toBe(true)
    expect(counts.errors.buffered).toBe(8)
  })

  it('waits for more when told to, and no longer than that', async () => {
    const { backend, target, clock } = start({ batchWaitMs: 1000 })
    void backend.process(EVENT)
    clock.advance(999)
    expect(target.sizes).toEqual([])
    clock.advance(1)
    await nextTurn()
    expect(target.sizes).toEqual([1])
    await target.end()
    void backend.process(EVENT)
    void backend.process(EVENT)
    await nextTurn()
    expect(target.sizes).toEqual([1, 2])
  })

  it.each([
    ['events', EVENT, 3],
    ['bytes', { ...EVENT, responseObject: [Buffer.alloc(5 * 1024 * 1024)] }, 1],
  ])('does not wait for what it has no room for: %s', async (_, event, count) => {
    const { backend, target } = start({ batchWaitMs: 60_000, batchMax: 1000 })
    for (let i = 0; i < count; i++) void backend.process(event)
    await nextTurn()
    expect(target.sizes).toEqual([count])
  })

  it('counts what could not be written', async () => {
    const { backend, target, counts } = start()
    void backend.process(EVENT)
    await nextTurn()
    await target.end(new Error('ENOSPC'))
    expect(counts.errors.log).toBe(1)
  })

  it('never holds more bytes than it may', () => {
    const { backend, counts } = start({ queueMax: 1000 })
    const large = { ...EVENT, responseObject: [Buffer.alloc(30 * 1024 * 1024)] }
    for (let i = 0; i < 5; i++) void backend.process(large)
    expect(counts.errors.buffered).toBe(3)
  })
})

describe('in the blocking modes', () => {
  it.each([
    ['blocking', undefined, true],
    ['blocking', new Error('ENOSPC'), true],
    ['blocking-strict', undefined, true],
    ['blocking-strict', new Error('ENOSPC'), false],
  ] as const)('%s, a request waits for its event (failure: %s)', async (mode, failure, expected) => {
    const { backend, target, counts } = start({ mode })
    const outcomes: boolean[] = []
    for (let i = 0; i < 5; i++) void Promise.resolve(backend.process(EVENT)).then((stored) => outcomes.push(stored))
    await nextTurn()
    expect(outcomes).toEqual([])
    expect(target.sizes).toEqual([5])
    await target.end(failure)
    expect(outcomes).toEqual(Array(5).fill(expected))
    expect(counts.errors.log).toBe(failure === undefined ? 0 : 5)
  })
})

describe('truncating', () => {
  const withBody = { ...EVENT, requestObject: JSON.stringify('x'.repeat(1000)) }

  it('leaves out bodies that are too large', async () => {
    const { backend, target } = start({ eventBytesMax: 1000 })
    void backend.process(withBody)
    await nextTurn()
    const line = (target.batches[0]?.[0]?.chunks ?? []).join('')
    expect(JSON.parse(line)).toMatchObject({ annotations: { 'audit.k8s.io/truncated': 'true' } })
    expect(line.length).toBeLessThan(1000)
  })

  it('drops what is still too large', async () => {
    const { backend, target, counts } = start({ eventBytesMax: 100 })
    void backend.process(withBody)
    await nextTurn()
    expect(counts.errors.truncate).toBe(1)
    expect(target.sizes).toEqual([])
  })
})

it('writes everything before it closes, and takes nothing afterwards', async () => {
  const { backend, target, counts } = start({ batchWaitMs: 60_000 })
  void backend.process(EVENT)
  let isClosed = false
  const closing = backend.close().then(() => {
    isClosed = true
  })
  void backend.process(EVENT)
  expect(counts.errors.buffered).toBe(1)
  await nextTurn()
  expect(target.sizes).toEqual([1])
  expect(isClosed).toBe(false)
  await target.end()
  await closing
})
