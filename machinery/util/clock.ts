/**
 * Time as a dependency. Product code never calls Date.now or setTimeout: it takes a Clock, so tests can move time by hand.
 * The fake is test/support/fake-clock.ts.
 */

export interface TimerHandle {
  /** Idempotent. After it returns the callback will not run. */
  cancel(): void
}

export interface Clock {
  now(): Date
  /** Wall clock in milliseconds since the epoch. */
  nowMs(): number
  /** Monotonic milliseconds, for durations only. */
  monotonicMs(): number
  /** Runs `callback` once after `delayMs`. Timers never keep the process alive by themselves. */
  setTimeout(callback: () => void, delayMs: number): TimerHandle
  setInterval(callback: () => void, periodMs: number): TimerHandle
}

const MAX_DELAY_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => new Date(),
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout(callback, delayMs) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  setInterval(callback, periodMs) {
    const timer = setInterval(callback, periodMs)
    timer.unref()
    return { cancel: () => clearInterval(timer) }
  },
}

/** Resolves after `delayMs`; rejects with the signal's reason when it is aborted first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** metav1.Time: RFC 3339, whole seconds, UTC. */
export function formatTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

/** metav1.MicroTime: RFC 3339 with six fractional digits, UTC. */
export function formatMicroTime(date: Date): string {
  return `${date.toISOString().slice(0, 23)}000Z`
}
