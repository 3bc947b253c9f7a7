/**
 * Keeps Events few: a spam filter per source and object (25 at once, then one every five minutes), aggregation of more
 * than ten similar messages in ten minutes into one "combined" event, and counting of equal ones. Everything is
 * remembered in LRU tables of 4096 entries. Upstream: client-go tools/record/events_cache.go.
 */
import type { Event } from '#machinery/api/core/v1/types.gen.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { TokenBucket } from '#machinery/workqueue/rate-limiter.ts'
import { LruMap } from './lru-map.ts'

const TABLE_MAX = 4_096
const SPAM_BURST = 25
const SPAM_QPS = 1 / 300
const AGGREGATE_AFTER = 10
const AGGREGATE_INTERVAL_MS = 600_000
const COMBINED_PREFIX = '(combined from similar events): '

interface Similar {
  /** Distinct messages seen. */
  messages: Set<string>
  lastMs: number
}

interface Seen {
  readonly count: number
  readonly firstTimestamp: string
  readonly name: string
}

export interface CorrelatedEvent {
  readonly event: Event
  /** It was written before: patch its count instead of creating it. */
  readonly isRepeated: boolean
}

export class EventCorrelator {
  readonly #clock: Clock
  readonly #buckets = new LruMap<TokenBucket>(TABLE_MAX)
  readonly #similar = new LruMap<Similar>(TABLE_MAX)
  readonly #seen = new LruMap<Seen>(TABLE_MAX)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The event to write, or undefined when it is spam. */
  correlate(event: Event): CorrelatedEvent | undefined {
    const { event: aggregated, key } = this.#aggregate(event)
    const counted = this.#count(aggregated, key)
    return this.#isSpam(event) ? undefined : counted
  }

  /** The name under which the server stored it, for later patches. */
  remember(event: Event, name: string): void {
    const key = event.message?.startsWith(COMBINED_PREFIX) === true ? aggregateKey(event) : fullKey(event)
    const seen = this.#seen.get(key)
    if (seen !== undefined && name !== '') this.#seen.set(key, { ...seen, name })
  }

  #isSpam(event: Event): boolean {
    const key = `${sourceKey(event)}\n${objectKey(event)}`
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      bucket = new TokenBucket({ qps: SPAM_QPS, burst: SPAM_BURST }, this.#clock)
      this.#buckets.set(key, bucket)
    }
    return !bucket.tryTake()
  }

  #aggregate(event: Event): { readonly event: Event; readonly key: string } {
    const key = aggregateKey(event)
    const nowMs = this.#clock.nowMs()
    const before = this.#similar.get(key)
    const isFresh = before === undefined || nowMs - before.lastMs > AGGREGATE_INTERVAL_MS
    const similar: Similar = isFresh ? { messages: new Set(), lastMs: nowMs } : before
    similar.lastMs = nowMs
    similar.messages.add(event.message ?? '')
    this.#similar.set(key, similar)
    if (similar.messages.size < AGGREGATE_AFTER) return { event, key: fullKey(event) }
    // Bounded: one message makes room for the next, the set stays at the threshold.
    for (const oldest of similar.messages) {
      similar.messages.delete(oldest)
      break
    }
    return { event: { ...event, message: `${COMBINED_PREFIX}${event.message ?? ''}` }, key }
  }

  #count(event: Event, key: string): CorrelatedEvent {
    const seen = this.#seen.get(key)
    const { firstTimestamp = '', metadata } = event
    if (seen === undefined) {
      this.#seen.set(key, { count: 1, firstTimestamp, name: metadata.name ?? '' })
      return { event, isRepeated: false }
    }
    const count = seen.count + 1
    this.#seen.set(key, { ...seen, count })
    const repeated = {
      ...event,
      metadata: { ...metadata, name: seen.name },
      firstTimestamp: seen.firstTimestamp,
      count,
    }
    return { event: repeated, isRepeated: true }
  }
}

function sourceKey(event: Event): string {
  return `${event.source?.component ?? ''}/${event.source?.host ?? ''}`
}

function objectKey(event: Event): string {
  const { kind = '', namespace = '', name = '', uid = '', apiVersion = '' } = event.involvedObject
  return `${kind}/${namespace}/${name}/${uid}/${apiVersion}`
}

function aggregateKey(event: Event): string {
  return [sourceKey(event), objectKey(event), event.type, event.reason, event.reportingComponent].join('\n')
}

function fullKey(event: Event): string {
  return `${aggregateKey(event)}\n${event.message ?? ''}`
}
