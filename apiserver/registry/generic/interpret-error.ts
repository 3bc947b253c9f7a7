/**
 * The one table from storage errors to API errors. Anything else passes through unchanged.
 * Upstream: apiserver pkg/registry/generic/registry/storage_factory.go, pkg/storage/errors/storage.go.
 */
import {
  newAlreadyExists,
  newModifiedConflict,
  newNotFound,
  newResourceExpired,
  newServerTimeout,
  newTooLargeResourceVersion,
  newUnknownFailure,
  StatusError,
} from '#machinery/meta/errors.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import { assertNever } from '#machinery/util/assert.ts'
import { StorageError } from '../../storage/interface.ts'

const RETRY_AFTER_SECONDS = 2

export function interpretError(err: unknown, verb: string, resource: GroupResource, name: string): unknown {
  if (!(err instanceof StorageError)) return err
  const translated = translate(err, verb, resource, name)
  translated.cause = err
  return translated
}

function translate(err: StorageError, verb: string, resource: GroupResource, name: string): Error {
  switch (err.code) {
    case 'KeyNotFound':
      return newNotFound(resource, name)
    case 'KeyExists':
      return newAlreadyExists(resource, name)
    case 'Conflict':
      return newModifiedConflict(resource, name)
    case 'Compacted':
      return newResourceExpired('The resourceVersion for the provided list is too old.')
    case 'FutureRevision':
      return newTooLargeResourceVersion(0, err.revision, 1)
    case 'TooLarge':
      return newUnknownFailure('etcdserver: request is too large')
    case 'Unavailable':
      return withReason(newServerTimeout(resource, verb, RETRY_AFTER_SECONDS), err.cause)
    default:
      return assertNever(err.code, 'storage error code')
  }
}

/** A full disk is the administrator's to mend: the message says so. The driver's texts name neither paths nor data. */
function withReason(error: StatusError, cause: unknown): StatusError {
  if (!(cause instanceof Error)) return error
  return new StatusError({ ...error.status, message: `${error.message} (storage: ${cause.message})` })
}
