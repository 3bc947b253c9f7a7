/** What a reconcile says when it is over: done, look again later, or (thrown) never try this again by itself. */

export interface Result {
  /** Reconcile the key again after this long, whatever happens meanwhile. Absent: only when something changes. */
  readonly requeueAfterMs?: number
}

export const DONE: Result = Object.freeze({})

export function requeueAfter(delayMs: number): Result {
  return { requeueAfterMs: delayMs }
}

/** The key failed in a way no retry can mend: it is recorded, and tried again only when an object changes. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError'
}

/** Again after the shortest of these waits; done when there is none. */
export function requeueSoonest(...waitsMs: readonly (number | undefined)[]): Result {
  const waits = waitsMs.filter((ms) => ms !== undefined)
  return waits.length === 0 ? DONE : requeueAfter(Math.min(...waits))
}
