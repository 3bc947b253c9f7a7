/**
 * Tells users what a controller did, as core/v1 Events. Recording never waits and never fails: events go through a
 * bounded queue to the API (outbox.ts: beyond it they are dropped), and similar ones are merged (correlator.ts).
 * Upstream: client-go tools/record/event.go.
 */
import { EVENTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Event } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { isNotFound, isStatusError } from '#machinery/meta/errors.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime, sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { EventCorrelator } from './correlator.ts'
import { EventOutbox } from './outbox.ts'

export type EventType = 'Normal' | 'Warning'

export interface EventRecorder {
  /** `object` needs apiVersion, kind, name and uid. `reason` is UpperCamelCase, for machines; `message` is for people. */
  record(object: DeepReadonly<KubeObject>, type: EventType, reason: string, message: string): void
}

export interface EventRecorderOptions {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** source.component: the controller's name. */
  readonly component: string
  /** source.host, for agents. */
  readonly host?: string
}

/** Nanoseconds of a millisecond. */
const SEQUENCE_MAX = 1_000_000
const TRIES_MAX = 12
const RETRY_MS = 10_000
/** The API's bound on Event.message. */
const MESSAGE_MAX = 1_024

export class ApiEventRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #signal: AbortSignal
  readonly #correlator: EventCorrelator
  readonly #outbox: EventOutbox
  #sequence: number

  /** Stops sending when the signal aborts. */
  constructor(options: EventRecorderOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
    this.#sequence = options.random.int(SEQUENCE_MAX)
    this.#correlator = new EventCorrelator(options.clock)
    const { clock, logger } = options
    this.#outbox = new EventOutbox({ clock, logger, write: (event) => this.#send(event) }, signal)
  }

  record(object: DeepReadonly<KubeObject>, type: EventType, reason: string, message: string): void {
    if (this.#signal.aborted) return
    this.#outbox.add(this.#newEvent(object, type, reason, message.slice(0, MESSAGE_MAX)))
  }

  #newEvent(object: DeepReadonly<KubeObject>, type: EventType, reason: string, message: string): Event {
    const { clock, component, host } = this.#options
    const { name = '', namespace, uid, resourceVersion } = object.metadata
    const nowMs = clock.nowMs()
    const now = formatTime(new Date(nowMs))
    // Nanoseconds since the epoch as upstream; the sequence keeps names of one millisecond apart, those of other components
    // too: each begins somewhere else.
    this.#sequence = (this.#sequence + 1) % SEQUENCE_MAX
    const suffix = (BigInt(Math.trunc(nowMs)) * 1_000_000n + BigInt(this.#sequence)).toString(16)
    // Of an object with a very long name, or one that is no DNS name (a ClusterRole's, say), the event has another.
    const wanted = `${name}.${suffix}`
    const eventName = isDns1123Subdomain(wanted).length === 0 ? wanted : this.#options.random.uuid()
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName, namespace: namespace ?? 'default' },
      involvedObject: {
        kind: object.kind,
        apiVersion: object.apiVersion,
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      reason,
      message,
      source: host === undefined ? { component } : { component, host },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: component,
      reportingInstance: host ?? '',
    }
  }

  /** Correlated only now, when what it may repeat has been written. */
  async #send(event: Event): Promise<void> {
    const correlated = this.#correlator.correlate(event)
    if (correlated !== undefined) await this.#write(correlated.event, correlated.isRepeated)
  }

  async #write(event: Event, isRepeated: boolean): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX && !this.#signal.aborted; tries++) {
      try {
        const written = isRepeated ? await this.#patch(event) : await this.#create(event)
        this.#correlator.remember(event, written.metadata.name ?? '')
        return
      } catch (err: unknown) {
        // The API has answered: the event is refused (its namespace is going away, say) and will be next time.
        if (isStatusError(err) && err.code < 500 && err.code !== 429) {
          this.#options.logger.debug({ reason: event.reason, error: errorMessage(err) }, 'event refused')
          return
        }
        // The first wait is a random part of the interval, so that a restarted server is not met by all at once.
        const delayMs = tries === 0 ? this.#options.random.int(RETRY_MS) : RETRY_MS
        await sleep(this.#options.clock, delayMs, this.#signal).catch(() => undefined)
      }
    }
  }

  async #patch(event: Event): Promise<DeepReadonly<Event>> {
    const { count, message, lastTimestamp } = event
    const key = { namespace: event.metadata.namespace ?? 'default', name: event.metadata.name ?? '' }
    try {
      const body = { count, message, lastTimestamp }
      return await this.#options.client.patch(EVENTS, key, { type: 'merge', body }, { signal: this.#signal })
    } catch (err: unknown) {
      // Events expire after an hour; a repetition after that starts anew under the same name.
      if (isNotFound(err)) return this.#create(event)
      throw err
    }
  }

  #create(event: Event): Promise<DeepReadonly<Event>> {
    return this.#options.client.create(EVENTS, event, { signal: this.#signal })
  }
}
