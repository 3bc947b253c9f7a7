/** Programmer errors: conditions that cannot be false unless knarr itself is wrong. */

class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Throws when `condition` is false. `why` says why it cannot be. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new AssertionError(`invariant violated: ${why}`)
}

/** Marks a branch the type system has proven unreachable. */
export function assertNever(value: never, what: string): never {
  throw new AssertionError(`unexpected ${what}: ${String(value)}`)
}
