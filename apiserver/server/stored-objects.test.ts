/** A second object touched by a request (binding, eviction) while others write it, or take it away. */
import { expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import type { RequestContext } from '../registry/generic/interfaces.ts'
import { StorageError } from '../storage/interface.ts'
import type { StorageErrorCode } from '../storage/interface.ts'
import type { ResourceTable } from './resource-table.ts'
import { createStoredObjects } from './stored-objects.ts'

const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n', resourceVersion: '1' } }

/** Every write meets with this. */
function storedObjects(code: StorageErrorCode) {
  const refuse = (): Promise<never> => Promise.reject(new StorageError(code, '/registry/pods/n/p'))
  const objects = {
    keyOf: (namespace: string, name: string) => `/registry/pods/${namespace}/${name}`,
    get: () => Promise.resolve({ key: '/registry/pods/n/p', object: pod }),
    update: refuse,
    delete: refuse,
  }
  const names = { group: '', resource: 'pods', kind: 'Pod', storageVersion: 'v1' }
  const definition = { ...names, namespaced: true, versions: [], strategy: {} }
  const stored = createStoredObjects()
  stored.bind({ storeFor: () => ({ definition, objects }) } as unknown as ResourceTable)
  return stored
}

/** As a call has it: made when it is asked for. */
class Call {
  readonly namespace = 'n'
  readonly isDryRun = false
  asked = 0

  get signal(): AbortSignal {
    this.asked++
    return AbortSignal.abort()
  }
}

const nothing = (): void => undefined

it.each<[StorageErrorCode, (err: unknown) => boolean]>([
  ['KeyNotFound', isNotFound],
  ['Conflict', isConflict],
])('an update that ends in %s tells the client so', async (code, isExpected) => {
  const context = new Call() as unknown as RequestContext
  const err: unknown = await storedObjects(code)
    .update('', 'pods', 'n', 'p', nothing, context)
    .catch((e: unknown) => e)
  expect(isExpected(err)).toBe(true)
})

it('a delete that lost a race asks whether the client is still there', async () => {
  const call = new Call()
  const deletion = storedObjects('Conflict').delete('', 'pods', 'p', {}, call as unknown as RequestContext)
  await expect(deletion).rejects.toThrow('too many concurrent writes')
  expect(call.asked).toBe(1)
})
