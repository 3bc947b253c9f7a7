/** Why a credential was refused. For the log and for TokenReview; the client of a request only learns 401 Unauthorized. */
import { errorMessage } from '#machinery/util/errors.ts'
import type { CredentialNotes } from './interfaces.ts'

export class InvalidCredentialError extends Error {
  override readonly name = 'InvalidCredentialError'
  /** For the audit event of the request that is refused. */
  readonly notes: CredentialNotes | undefined

  constructor(message: string, notes?: CredentialNotes) {
    super(message)
    this.notes = notes
  }
}

/** One refusal of several: upstream's aggregate, one message as it is, several as a list. */
export function joinRefusals(refusals: readonly unknown[]): InvalidCredentialError {
  const [first = '', ...more] = refusals.map(errorMessage)
  const noted = refusals.find((err) => err instanceof InvalidCredentialError && err.notes !== undefined)
  const text = more.length === 0 ? first : `[${[first, ...more].join(', ')}]`
  return new InvalidCredentialError(text, notesOf(noted))
}

export const notesOf = (err: unknown): CredentialNotes | undefined =>
  err instanceof InvalidCredentialError ? err.notes : undefined
