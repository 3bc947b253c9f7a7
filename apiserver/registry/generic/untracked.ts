/**
 * A write that is too large with its managedFields is stored without them, unless they are what it is about (applies).
 * Upstream: apiserver pkg/endpoints/handlers/{create,update,patch}.go isTooLargeError.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { StorageError } from '../../storage/interface.ts'
import type { WriteRequest } from './interfaces.ts'

export async function writeUntrackedIfTooLarge<T>(
  object: KubeObject,
  { manager }: WriteRequest,
  write: (object: KubeObject) => Promise<T>,
): Promise<T> {
  try {
    return await write(object)
  } catch (err: unknown) {
    const isTooLarge = err instanceof StorageError && err.code === 'TooLarge'
    // Without a manager the owners came with the object.
    if (!isTooLarge || manager === undefined || object.metadata.managedFields === undefined) throw err
    const { managedFields: _, ...metadata } = object.metadata
    return write({ ...object, metadata })
  }
}
