/** Waiting for a state, never for a time. */

const POLL_MS = 10

/** Retries until the assertion holds; after `timeoutMs` its last failure is thrown. */
export async function eventually<T>(assertion: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    try {
      return await assertion()
    } catch (err: unknown) {
      if (performance.now() > deadlineMs) throw err
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
}
