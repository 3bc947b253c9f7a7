/**
 * Bounds what the encoded JSON of all cached objects may take: the longest-held goes first. It is a second copy of the
 * stored bytes and costs a microsecond to make again, so it is kept for what is in use, not for everything ever sent.
 */

const BYTES_MAX = 16 * 1024 * 1024
/** Entries before `#start` are gone; the array is cut when they are many. */
const CUT_AT = 4096

interface Holder {
  dropJson(): void
}

export class EncodedBudget {
  readonly #limitBytes: number
  #held: { readonly holder: Holder; readonly bytes: number }[] = []
  #start = 0
  #bytes = 0

  constructor(limitBytes = BYTES_MAX) {
    this.#limitBytes = limitBytes
  }

  add(holder: Holder, bytes: number): void {
    this.#held.push({ holder, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.#limitBytes && this.#start < this.#held.length - 1) this.#dropOldest()
  }

  #dropOldest(): void {
    const oldest = this.#held[this.#start]
    this.#start++
    this.#bytes -= oldest?.bytes ?? 0
    oldest?.holder.dropJson()
    if (this.#start < CUT_AT || this.#start * 2 < this.#held.length) return
    this.#held = this.#held.slice(this.#start)
    this.#start = 0
  }
}
