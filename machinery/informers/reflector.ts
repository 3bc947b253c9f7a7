/**
 * Keeps a sink equal to one resource on the server: list, then watch from the list's resourceVersion, list again when
 * the server no longer knows that version. The state between two steps is a value, so the whole machine is `#step`.
 * Upstream: client-go tools/cache/reflector.go; states as in kube-rs watcher.rs.
 * Differs: every failed watch is followed by a list, also one whose connection was refused; a watch that merely ends
 * at once is not.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client, ListOptions } from '#machinery/client/client.ts'
import { isExpired, isNotFound, isStatusError } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { groupResourceString } from '#machinery/meta/resource.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { ReflectorBackoff } from './backoff.ts'

/** What a reflector writes to. Called synchronously, in the server's order, never concurrently. */
export interface ReflectorSink<T extends KubeObject = KubeObject> {
  /** The complete state: whatever is not in `objects` no longer exists. */
  replace(objects: readonly DeepReadonly<T>[]): void
  /** ADDED or MODIFIED; the sink decides which of the two it is. */
  upsert(object: DeepReadonly<T>): void
  delete(object: DeepReadonly<T>): void
  /** The server does not serve the resource (any more); it will be asked again. Absent: a warning is logged. */
  unserved?(): void
}

export interface Selection {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface ReflectorDependencies {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

type ReflectorState =
  /** '0' on the first list (whatever the server has cached), the last seen version afterwards, '' = most recent. */
  | { readonly phase: 'listing'; readonly resourceVersion: string }
  | { readonly phase: 'watching'; readonly resourceVersion: string }
  | { readonly phase: 'waiting'; readonly next: ReflectorState; readonly error: unknown }

const PAGE_LIMIT = 500
const MIN_WATCH_SECONDS = 300
/** A watch shorter than this without a single event is a server in trouble. */
const SHORT_WATCH_MS = 1_000

export class Reflector<T extends KubeObject = KubeObject> {
  readonly #resource: Resource<T>
  readonly #selection: Selection
  readonly #sink: ReflectorSink<T>
  readonly #dependencies: ReflectorDependencies
  readonly #backoff: ReflectorBackoff
  #state: ReflectorState = { phase: 'listing', resourceVersion: '0' }
  #listedMs = Number.NEGATIVE_INFINITY

  constructor(
    resource: Resource<T>,
    selection: Selection,
    sink: ReflectorSink<T>,
    dependencies: ReflectorDependencies,
  ) {
    this.#resource = resource
    this.#selection = selection
    this.#sink = sink
    this.#dependencies = dependencies
    this.#backoff = new ReflectorBackoff(dependencies.clock, dependencies.random)
  }

  get phase(): ReflectorState['phase'] {
    return this.#state.phase
  }

  /** Runs until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) this.#state = await this.#step(this.#state, signal)
  }

  async #step(state: ReflectorState, signal: AbortSignal): Promise<ReflectorState> {
    switch (state.phase) {
      case 'listing':
        return this.#list(state.resourceVersion, signal)
      case 'watching':
        return this.#watch(state.resourceVersion, signal)
      case 'waiting':
        return this.#wait(state.next, state.error, signal)
    }
  }

  async #list(resourceVersion: string, signal: AbortSignal): Promise<ReflectorState> {
    try {
      const { objects, resourceVersion: listedVersion } = await this.#listPages(resourceVersion, signal)
      if (signal.aborted) return this.#state
      this.#sink.replace(objects)
      this.#listedMs = this.#dependencies.clock.monotonicMs()
      return { phase: 'watching', resourceVersion: listedVersion }
    } catch (err: unknown) {
      // The version is compacted, or of another life of this server: ask for the most recent state, and at once.
      if (resourceVersion !== '' && (isExpired(err) || isTooLargeVersion(err)))
        return { phase: 'listing', resourceVersion: '' }
      return { phase: 'waiting', next: { phase: 'listing', resourceVersion }, error: err }
    }
  }

  async #listPages(
    resourceVersion: string,
    signal: AbortSignal,
  ): Promise<{ readonly objects: readonly DeepReadonly<T>[]; readonly resourceVersion: string }> {
    const options: ListOptions = { ...this.#selection, signal }
    // A list "at any version" is served whole from the server's cache; pages would only cost round trips.
    const first = resourceVersion === '' ? { limit: PAGE_LIMIT } : { resourceVersion }
    const page = await this.#dependencies.client.list(this.#resource, { ...options, ...first })
    let token = page.metadata.continue
    if (token === undefined || token === '')
      return { objects: this.#typed(page), resourceVersion: page.metadata.resourceVersion ?? '' }
    const objects = [...this.#typed(page)]
    let listedVersion = page.metadata.resourceVersion ?? ''
    while (token !== undefined && token !== '') {
      const next: DeepReadonly<{ metadata: { continue?: string; resourceVersion?: string }; items: T[] }> =
        await this.#dependencies.client.list(this.#resource, { ...options, limit: PAGE_LIMIT, continue: token })
      for (const object of this.#typed(next)) objects.push(object)
      listedVersion = next.metadata.resourceVersion ?? listedVersion
      token = next.metadata.continue
    }
    return { objects, resourceVersion: listedVersion }
  }

  #typed(page: { readonly items: unknown }): readonly DeepReadonly<T>[] {
    return page.items as readonly DeepReadonly<T>[]
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<ReflectorState> {
    const { client, clock, random } = this.#dependencies
    let last = resourceVersion
    let events = 0
    const startedMs = clock.monotonicMs()
    try {
      const timeoutSeconds = MIN_WATCH_SECONDS + random.int(MIN_WATCH_SECONDS)
      const options = { ...this.#selection, resourceVersion, allowWatchBookmarks: true, timeoutSeconds, signal }
      for await (const event of client.watch(this.#resource, options)) {
        if (signal.aborted) break
        const object = event.object as DeepReadonly<T>
        if (event.type === 'DELETED') this.#sink.delete(object)
        else if (event.type !== 'BOOKMARK') this.#sink.upsert(object)
        last = object.metadata.resourceVersion ?? last
        events++
      }
    } catch (err: unknown) {
      const next: ReflectorState = { phase: 'listing', resourceVersion: last }
      // The server may be another one by now, of which we know nothing: only a list tells.
      if (!isExpired(err) && !isTooLargeVersion(err)) return { phase: 'waiting', next, error: err }
      // Expired straight after a list: without a pause this would be a loop of full lists.
      return startedMs - this.#listedMs < SHORT_WATCH_MS && events === 0 ? { phase: 'waiting', next, error: err } : next
    }
    const next: ReflectorState = { phase: 'watching', resourceVersion: last }
    const isTooShort = events === 0 && clock.monotonicMs() - startedMs < SHORT_WATCH_MS
    if (!isTooShort || signal.aborted) return next
    return { phase: 'waiting', next, error: new Error('the watch ended at once without an event') }
  }

  async #wait(next: ReflectorState, error: unknown, signal: AbortSignal): Promise<ReflectorState> {
    if (signal.aborted) return next
    const { clock, logger } = this.#dependencies
    const delayMs = this.#backoff.nextDelayMs()
    const fields = { resource: groupResourceString(this.#resource), phase: next.phase, error: errorMessage(error) }
    if (this.#sink.unserved !== undefined && isNotFound(error)) this.#sink.unserved()
    else logger.warn({ ...fields, delayMs: Math.round(delayMs) }, 'list or watch failed, trying again')
    await sleep(clock, delayMs, signal).catch(() => undefined)
    return next
  }
}

function isTooLargeVersion(err: unknown): boolean {
  return (
    isStatusError(err) &&
    (err.status.details?.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge') ?? false)
  )
}
