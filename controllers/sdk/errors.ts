/** Questions controllers ask about API errors beyond machinery/meta/errors.ts. */
import { isStatusError } from '#machinery/meta/errors.ts'

/** The create was refused because the namespace is going away: nothing is wrong, and no retry will help. */
export function isNamespaceTerminating(err: unknown): boolean {
  if (!isStatusError(err)) return false
  return err.status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false
}
