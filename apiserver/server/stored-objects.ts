/**
 * Other resources' stored objects, for the hooks and subresources that touch a second one (binding, eviction, tokens).
 * Late-bound to the resource table: the definitions that use it are made before the server is.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newNotFound } from '#machinery/meta/errors.ts'
import { assert } from '#machinery/util/assert.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { StoredObjects } from '../registry/deps.ts'
import type { AdmissionChain } from '../registry/generic/admission-chain.ts'
import { deleteObject } from '../registry/generic/delete.ts'
import type { ResourceStore } from '../registry/generic/interfaces.ts'
import { interpretError } from '../registry/generic/interpret-error.ts'
import { StorageError } from '../storage/interface.ts'
import type { ResourceTable } from './resource-table.ts'

export interface LateStoredObjects extends StoredObjects {
  bind(resources: ResourceTable): void
  /** Every cached object that has this value in one of the resource's indexed fields. */
  withField(group: string, resource: string, field: string, value: string): readonly DeepReadonly<KubeObject>[]
}

const CONFLICT_RETRIES_MAX = 10

/** The request itself was admitted: an eviction is not a second one, as upstream. */
const NO_ADMISSION: AdmissionChain = { admit: () => undefined, validate: () => undefined }

export function createStoredObjects(): LateStoredObjects {
  let table: ResourceTable | undefined
  const storeOf = (group: string, resource: string): ResourceStore => {
    assert(table !== undefined, 'stored objects are bound before the first request')
    const store = table.storeFor(group, resource)
    if (store === undefined) throw newNotFound({ group, resource }, '')
    return store
  }
  return {
    bind(resources) {
      table = resources
    },
    peek(group, resource, namespace, name) {
      const { objects } = storeOf(group, resource)
      return objects.peek(objects.keyOf(namespace, name))?.object
    },
    list: (group, resource, namespace) =>
      storeOf(group, resource)
        .objects.peekAll(namespace)
        .map(({ object }) => object),
    withField: (group, resource, field, value) =>
      storeOf(group, resource)
        .objects.peekIndexed(field, value)
        .map(({ object }) => object),
    async update(group, resource, namespace, name, change, context) {
      const { objects } = storeOf(group, resource)
      for (let attempt = 0; ; attempt++) {
        const current = await objects.get(objects.keyOf(namespace, name))
        if (current === undefined) throw newNotFound({ group, resource }, name)
        const draft = deepCopy<KubeObject>(current.object)
        delete draft.metadata.resourceVersion
        change(draft, current.object.metadata.resourceVersion ?? '')
        if (context.isDryRun) return draft
        try {
          return (await objects.update(current, draft)).object
        } catch (err: unknown) {
          const isConflict = err instanceof StorageError && err.code === 'Conflict'
          if (!isConflict || attempt >= CONFLICT_RETRIES_MAX)
            throw interpretError(err, 'update', { group, resource }, name)
        }
      }
    },
    async delete(group, resource, name, options, context) {
      const store = storeOf(group, resource)
      const { strategy, storageVersion } = store.definition
      const request = { version: storageVersion, subresource: '', strategy, options: { ...options } }
      const { definition, objects, fieldManager } = store
      const parts = { definition, objects, fieldManager, admission: NO_ADMISSION }
      await deleteObject(parts, { ...request, context, name, deleteOptions: options })
    },
  }
}
