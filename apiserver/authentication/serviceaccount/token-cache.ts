/** Tokens whose signature has been checked, by SHA-256: bounded, least recently used first out, each for a short time. */
import { createHash } from 'node:crypto'
import type { Clock } from '#machinery/util/clock.ts'

interface Entry<T> {
  readonly value: T
  readonly expiresAtMs: number
}

export class TokenCache<T> {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #clock: Clock
  readonly #entriesMax: number
  readonly #ttlMs: number

  constructor(clock: Clock, limits: { readonly entriesMax: number; readonly ttlMs: number }) {
    this.#clock = clock
    this.#entriesMax = limits.entriesMax
    this.#ttlMs = limits.ttlMs
  }

  keyOf(token: string): string {
    return createHash('sha256').update(token).digest('base64')
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    if (entry.expiresAtMs <= this.#clock.monotonicMs()) return undefined
    // Put back last: the Map's order is the order of use.
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key: string, value: T): void {
    if (this.#entries.size >= this.#entriesMax) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#entries.set(key, { value, expiresAtMs: this.#clock.monotonicMs() + this.#ttlMs })
  }
}
