/**
 * Several API errors as one, and one with what was being done: the text changes, what the error means does not.
 * Upstream: fmt.Errorf("…: %w"), apimachinery pkg/util/errors (Aggregate).
 */
import { errorMessage, toError } from '#machinery/util/errors.ts'
import { isConflict, StatusError } from './errors.ts'

/** Of as many the text is given. */
const MESSAGES_MAX = 20

/** `context` without a colon; a StatusError stays one, with its reason, code and details. */
export function withContext(err: unknown, context: string): Error {
  return renamed(err, `${context}: ${errorMessage(err)}`)
}

/** Undefined for none. What is no Conflict decides what the whole is; equal texts are given once. */
export function combined(errors: readonly unknown[]): Error | undefined {
  const first = errors.find((err) => !isConflict(err)) ?? errors[0]
  if (first === undefined) return undefined
  const messages = [...new Set(errors.map(errorMessage))].slice(0, MESSAGES_MAX)
  return messages.length === 1 ? toError(first) : renamed(first, `[${messages.join(', ')}]`)
}

function renamed(err: unknown, message: string): Error {
  if (err instanceof StatusError) return new StatusError({ ...err.status, message })
  return new Error(message, { cause: err })
}
