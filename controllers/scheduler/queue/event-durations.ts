/**
 * How long events take the scheduler, and the hints of plugins among that, in plain numbers that become samples when
 * somebody asks for the metrics. Upstream: scheduler metrics EventHandlingLatency, queueingHintExecutionDuration.
 */
import type { Clock } from '#machinery/util/clock.ts'
import { HistogramData, type Sample } from '#machinery/util/sample-metric.ts'

const exponential = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start * factor ** i)

const EVENT_BUCKETS = exponential(0.0001, 2, 12)
const HINT_BUCKETS = exponential(0.00001, 1.5, 20)

export type HintAnswer = 'Queue' | 'QueueSkip' | 'Error'

export class EventDurations {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #events = new Map<string, HistogramData>()
  /** Plugin -> event -> answer. */
  readonly #hints = new Map<string, Map<string, Map<HintAnswer, HistogramData>>>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** The moment, for the other two. */
  now(): number {
    return this.#clock.monotonicMs()
  }

  handled(event: string, startedMs: number): void {
    this.#observe(getOr(this.#events, event, newEventHistogram), startedMs)
  }

  /** `handled` around all of it. */
  timed(event: string, work: () => void): void {
    const startedMs = this.now()
    work()
    this.handled(event, startedMs)
  }

  hinted(plugin: string, event: string, answer: HintAnswer, startedMs: number): void {
    const byAnswer = getOr(
      getOr(this.#hints, plugin, newMap<string, Map<HintAnswer, HistogramData>>),
      event,
      newMap<HintAnswer, HistogramData>,
    )
    this.#observe(getOr(byAnswer, answer, newHintHistogram), startedMs)
  }

  *eventSamples(name: string): Iterable<Sample> {
    for (const [event, data] of this.#events) yield* data.samples(name, { event })
  }

  *hintSamples(name: string): Iterable<Sample> {
    for (const [plugin, events] of this.#hints)
      for (const [event, answers] of events)
        for (const [hint, data] of answers) yield* data.samples(name, { plugin, event, hint })
  }

  #observe(data: HistogramData, startedMs: number): void {
    data.observe((this.now() - startedMs) / 1000)
  }
}

const newEventHistogram = (): HistogramData => new HistogramData(EVENT_BUCKETS)
const newHintHistogram = (): HistogramData => new HistogramData(HINT_BUCKETS)
const newMap = <K, V>(): Map<K, V> => new Map()

function getOr<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}
