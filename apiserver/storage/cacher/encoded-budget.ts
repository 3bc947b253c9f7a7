/**
 * Bounds what the encoded forms of all cached objects may take: the longest-held goes first. They are further copies of the
 * stored bytes and can be made again, so they are kept for what is in use, not for everything ever sent.
 */

/** JSON costs a microsecond to make again. */
const BYTES_MAX = 16 * 1024 * 1024
/** Other encodings (protobuf, JSON of other versions) cost ten. */
export const REPRESENTATIONS_BYTES_MAX = 64 * 1024 * 1024
/** Entries before `#start` are gone; the array is cut when they are many. */
const CUT_AT = 4096

interface Holder {
  /** '' is the JSON. */
  dropEncoded(representation: string): void
}

export class EncodedBudget {
  readonly #limitBytes: number
  #held: { readonly holder: Holder; readonly representation: string; readonly bytes: number }[] = []
  #start = 0
  #bytes = 0

  constructor(limitBytes = BYTES_MAX) {
    this.#limitBytes = limitBytes
  }

  add(holder: Holder, representation: string, bytes: number): void {
    this.#held.push({ holder, representation, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.#limitBytes && this.#start < this.#held.length - 1) this.#dropOldest()
  }

  #dropOldest(): void {
    const oldest = this.#held[this.#start]
    this.#start++
    this.#bytes -= oldest?.bytes ?? 0
    oldest?.holder.dropEncoded(oldest.representation)
    if (this.#start < CUT_AT || this.#start * 2 < this.#held.length) return
    this.#held = this.#held.slice(this.#start)
    this.#start = 0
  }
}
