// An error as Go code sees it: a text and the error it wraps.

export class GoError extends Error {
  override readonly cause: GoError | undefined

  constructor(message: string, cause?: GoError) {
    super(message)
    this.name = 'GoError'
    this.cause = cause
  }
}

/** Errors of JS origin inside a function are presented like Go panics caught by text/template. */
export function toGoError(error: unknown): GoError {
  if (error instanceof GoError) return error
  return new GoError(error instanceof Error ? error.message : String(error))
}

/** V8's only sign of runaway recursion. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.startsWith('Maximum call stack')
}
