/** Deletes a listed set of objects with bounded concurrency and answers with what was listed. Upstream: registry/store.go DeleteCollection. */
import { isNotFound } from '#machinery/meta/errors.ts'
import type { CachedObject } from '../../storage/cacher/interface.ts'
import { deleteObject } from './delete.ts'
import type { DeleteRequest } from './interfaces.ts'
import type { StoreParts } from './store.ts'

const WORKERS = 16

export async function deleteCollection(
  parts: StoreParts,
  items: readonly CachedObject[],
  request: Omit<DeleteRequest, 'name'>,
): Promise<readonly CachedObject[]> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < items.length && !request.context.signal.aborted) {
      const item = items[next++]
      if (item !== undefined) await deleteOne(parts, item, request)
    }
  }
  await Promise.all(Array.from({ length: Math.min(WORKERS, items.length) }, work))
  return items
}

async function deleteOne(parts: StoreParts, item: CachedObject, request: Omit<DeleteRequest, 'name'>): Promise<void> {
  try {
    await deleteObject(parts, { ...request, name: item.object.metadata.name ?? '', isCollection: true })
  } catch (err) {
    if (!isNotFound(err)) throw err
  }
}
