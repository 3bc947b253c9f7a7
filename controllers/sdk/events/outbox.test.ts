import { describe, expect, it } from 'vitest'
import type { Event } from '#machinery/api/core/v1/types.gen.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { EventOutbox } from './outbox.ts'

/** An outbox whose writes end when the test says so. */
function start() {
  const clock = new FakeClock()
  const warnings: object[] = []
  const logger: Logger = { ...discardLogger, warn: (fields) => warnings.push(fields) }
  const started: string[] = []
  const pending = new Map<string, () => void>()
  const stop = new AbortController()
  const write = (event: Event): Promise<void> => {
    started.push(nameOf(event))
    return new Promise((resolve) => pending.set(nameOf(event), resolve))
  }
  const outbox = new EventOutbox({ clock, logger, write }, stop.signal)
  return { outbox, clock, warnings, started, stop, finish: (name: string) => pending.get(name)?.() }
}

const nameOf = (event: Event): string => `${event.involvedObject.name}:${event.message}`
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function eventOf(object: string, message: string): Event {
  const involvedObject = { kind: 'Pod', namespace: 'default', name: object, uid: object }
  return { apiVersion: 'v1', kind: 'Event', metadata: {}, involvedObject, reason: 'Test', message }
}

describe('EventOutbox', () => {
  it('writes the events of one object in order and those of others meanwhile', async () => {
    const { outbox, started, finish } = start()
    for (const message of ['1', '2', '3']) outbox.add(eventOf('a', message))
    outbox.add(eventOf('b', '1'))
    await settled()
    expect(started).toEqual(['a:1', 'b:1'])
    finish('a:1')
    await settled()
    outbox.add(eventOf('a', '4'))
    expect(started).toEqual(['a:1', 'b:1', 'a:2'])
    for (const message of ['2', '3', '4']) {
      finish(`a:${message}`)
      await settled()
    }
    expect(started).toEqual(['a:1', 'b:1', 'a:2', 'a:3', 'a:4'])
  })

  it('keeps eight writers busy', async () => {
    const { outbox, started, finish } = start()
    for (let i = 0; i < 20; i++) outbox.add(eventOf(`pod-${i}`, 'x'))
    await settled()
    expect(started).toHaveLength(8)
    finish('pod-0:x')
    await settled()
    expect(started).toHaveLength(9)
  })

  it('holds two events for each of 10,000 pods, drops what comes beyond, and says how many, once', async () => {
    const { outbox, clock, warnings, started, finish } = start()
    for (const message of ['1', '2']) for (let i = 0; i < 10_000; i++) outbox.add(eventOf(`pod-${i}`, message))
    outbox.add(eventOf('one-more', '1'))
    outbox.add(eventOf('another', '1'))
    expect(warnings).toEqual([])
    clock.advance(60_000)
    expect(warnings).toEqual([{ dropped: 2 }])
    clock.advance(600_000)
    expect(warnings).toHaveLength(1)
    await settled()
    for (let i = 0; i < started.length; i++) {
      finish(started[i] ?? '')
      if (i % 8 === 7) await settled()
    }
    await settled()
    expect(new Set(started).size).toBe(20_000)
    expect(started).not.toContain('one-more:1')
  })

  it('writes nothing more when it has been stopped', async () => {
    const { outbox, started, finish, stop } = start()
    outbox.add(eventOf('a', '1'))
    outbox.add(eventOf('a', '2'))
    await settled()
    stop.abort()
    finish('a:1')
    outbox.add(eventOf('b', '1'))
    await settled()
    expect(started).toEqual(['a:1'])
  })
})
