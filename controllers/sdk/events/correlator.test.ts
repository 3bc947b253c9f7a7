/** Counting, combining and dropping of events. */
import { describe, expect, it } from 'vitest'
import type { Event } from '#machinery/api/core/v1/types.gen.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { EventCorrelator } from './correlator.ts'

let sequence = 0

function event(message: string, name = 'pod'): Event {
  sequence++
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: 'a', name: `${name}.${sequence}` },
    involvedObject: { kind: 'Pod', namespace: 'a', name, uid: name },
    reason: 'Test',
    type: 'Normal',
    message,
    source: { component: 'test' },
    firstTimestamp: `t${sequence}`,
    count: 1,
  }
}

describe('EventCorrelator', () => {
  it('counts an equal event on the one that was written', () => {
    const correlator = new EventCorrelator(new FakeClock())
    const first = correlator.correlate(event('hello'))
    const second = correlator.correlate(event('hello'))
    expect(first?.isRepeated).toBe(false)
    expect(second).toMatchObject({
      isRepeated: true,
      event: { count: 2, metadata: { name: first?.event.metadata.name }, firstTimestamp: first?.event.firstTimestamp },
    })
  })

  it('combines the tenth of many similar messages, and counts on that', () => {
    const correlator = new EventCorrelator(new FakeClock())
    const results = Array.from({ length: 12 }, (_, i) => correlator.correlate(event(`message ${i}`)))
    expect(results[8]).toMatchObject({ isRepeated: false, event: { message: 'message 8' } })
    expect(results[9]).toMatchObject({
      isRepeated: false,
      event: { message: '(combined from similar events): message 9' },
    })
    expect(results[11]).toMatchObject({ isRepeated: true, event: { count: 3 } })
  })

  it('starts combining anew after ten quiet minutes', () => {
    const clock = new FakeClock()
    const correlator = new EventCorrelator(clock)
    for (let i = 0; i < 12; i++) correlator.correlate(event(`message ${i}`))
    clock.advance(600_001)
    expect(correlator.correlate(event('later'))?.event.message).toBe('later')
  })

  it('drops the flood of one object after 25, lets one through every five minutes, and spares other objects', () => {
    const clock = new FakeClock()
    const correlator = new EventCorrelator(clock)
    const passed = Array.from({ length: 40 }, () => correlator.correlate(event('same'))).filter(Boolean)
    expect(passed).toHaveLength(25)
    expect(correlator.correlate(event('same', 'other'))).toBeDefined()
    clock.advance(300_000)
    expect(correlator.correlate(event('same'))).toBeDefined()
    expect(correlator.correlate(event('same'))).toBeUndefined()
  })
})
