/**
 * The generic verbs of one stored resource: metadata bookkeeping, admission, strategy hooks and storage, in upstream's
 * order. One file per verb; this one ties them together.
 * Upstream: apiserver pkg/registry/generic/registry/store.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ObjectStore } from '../../storage/cacher/interface.ts'
import { createFieldManager } from '../managed-fields/field-manager.ts'
import type { AdmissionChain } from './admission-chain.ts'
import { createObject } from './create.ts'
import { deleteObject } from './delete.ts'
import { deleteCollection } from './delete-collection.ts'
import type { FieldManager, ResourceDefinition, ResourceStore, WriteRequest } from './interfaces.ts'
import { updateObject } from './update.ts'

/** What the verbs work with. */
export interface StoreParts {
  readonly definition: ResourceDefinition
  readonly objects: ObjectStore
  readonly admission: AdmissionChain
  readonly fieldManager: FieldManager
}

export function createResourceStore(
  definition: ResourceDefinition,
  objects: ObjectStore,
  admission: AdmissionChain,
): ResourceStore {
  const fieldManager = createFieldManager(definition)
  const parts: StoreParts = { definition, objects, admission, fieldManager }
  return {
    definition,
    objects,
    fieldManager,
    create: (draft: KubeObject, request: WriteRequest) => createObject(parts, draft, request),
    update: (request) => updateObject(parts, request),
    delete: (request) => deleteObject(parts, request),
    deleteCollection: (items, request) => deleteCollection(parts, items, request),
  }
}
