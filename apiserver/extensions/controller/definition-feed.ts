/**
 * Lists and watches the CRDs and keeps them by name. Errors are retried for ever: without it no custom resource works.
 */
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isExpired } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Crd } from '../definition/types.ts'
import { asCrd } from '../definition/types.ts'

const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 10_000

interface DefinitionFeedOptions {
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
  /** The CRD of this name is new, changed or gone. */
  onChange(name: string): void
}

export class DefinitionFeed {
  /** Objects are frozen and shared. */
  readonly crds = new Map<string, Crd>()
  readonly #options: DefinitionFeedOptions
  #resourceVersion = ''

  constructor(options: DefinitionFeedOptions) {
    this.#options = options
  }

  /** Reads everything once; does not call onChange for what it finds the first time. */
  async list(signal: AbortSignal): Promise<void> {
    const { items, metadata } = await this.#options.client.list(CUSTOM_RESOURCE_DEFINITIONS, { signal })
    const gone = new Set(this.crds.keys())
    for (const item of items) {
      const name = item.metadata.name ?? ''
      gone.delete(name)
      this.crds.set(name, asCrd(item))
    }
    for (const name of gone) this.crds.delete(name)
    this.#resourceVersion = metadata.resourceVersion ?? ''
    for (const name of gone) this.#options.onChange(name)
  }

  /** After `list`. Returns when the signal is aborted. */
  async follow(signal: AbortSignal): Promise<void> {
    let retryMs = RETRY_MIN_MS
    while (!signal.aborted) {
      try {
        await this.#watch(signal)
        retryMs = RETRY_MIN_MS
        // A server that ends every watch at once must not make this loop spin.
        await sleep(this.#options.clock, RETRY_MIN_MS, signal)
      } catch (err: unknown) {
        if (signal.aborted) return
        if (!isExpired(err)) {
          this.#options.logger.warn({ error: errorMessage(err) }, 'watching CustomResourceDefinitions failed')
          await sleep(this.#options.clock, retryMs, signal).catch(() => {})
          retryMs = Math.min(retryMs * 2, RETRY_MAX_MS)
        }
        await this.#listAgain(signal)
      }
    }
  }

  async #listAgain(signal: AbortSignal): Promise<void> {
    try {
      await this.list(signal)
      for (const name of this.crds.keys()) this.#options.onChange(name)
    } catch (err: unknown) {
      if (!signal.aborted)
        this.#options.logger.warn({ error: errorMessage(err) }, 'listing CustomResourceDefinitions failed')
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const events = this.#options.client.watch(CUSTOM_RESOURCE_DEFINITIONS, {
      resourceVersion: this.#resourceVersion,
      allowWatchBookmarks: true,
      signal,
    })
    for await (const event of events) {
      this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion
      if (event.type === 'BOOKMARK') continue
      const name = event.object.metadata.name ?? ''
      if (event.type === 'DELETED') this.crds.delete(name)
      else this.crds.set(name, asCrd(event.object))
      this.#options.onChange(name)
    }
  }
}
