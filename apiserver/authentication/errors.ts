/** Why a credential was refused. For the log and for TokenReview; the client of a request only learns 401 Unauthorized. */

export class InvalidCredentialError extends Error {
  override readonly name = 'InvalidCredentialError'
}
