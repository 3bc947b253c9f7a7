/** An API server with too much to do: asked again soon, and nobody needs to read of it. */
import { isStatusError } from '#machinery/meta/errors.ts'

export function isBusy(err: unknown): boolean {
  return isStatusError(err) && err.code === 429
}
