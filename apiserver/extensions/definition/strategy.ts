/**
 * Policy of the CustomResourceDefinition kind.
 * Upstream: apiextensions-apiserver pkg/registry/customresourcedefinition/{strategy,etcd}.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { Strategy } from '../../registry/generic/interfaces.ts'
import { setCondition } from './conditions.ts'
import type { Crd } from './types.ts'
import { asCrd, CLEANUP_FINALIZER } from './types.ts'
import { validateCrd, validateCrdStatusUpdate, validateCrdUpdate } from './validation.ts'
import { crdWarnings } from './warnings.ts'

export const crdStrategy: Strategy = {
  allowUnconditionalUpdate: false,
  prepareForCreate(draft) {
    const crd = asCrd(draft)
    crd.status = {}
    crd.metadata.generation = 1
    addStoredVersion(crd)
  },
  prepareForUpdate(draft, old) {
    const crd = asCrd(draft)
    const oldCrd = asCrd(old)
    crd.status = deepCopy(oldCrd.status ?? {})
    if (!deepEqual(crd.spec, oldCrd.spec)) crd.metadata.generation = (oldCrd.metadata.generation ?? 0) + 1
    addStoredVersion(crd)
  },
  validate: (object) => validateCrd(asCrd(object)),
  validateUpdate: (object, old) => validateCrdUpdate(asCrd(object), asCrd(old)),
  warnings: (object, old) => crdWarnings(asCrd(object), old === undefined ? undefined : asCrd(old)),
  // Custom resources go first: whoever removes the finalizer has deleted them.
  beforeDelete(draft: KubeObject, context) {
    const finalizers = draft.metadata.finalizers ?? []
    if (!finalizers.includes(CLEANUP_FINALIZER)) draft.metadata.finalizers = [...finalizers, CLEANUP_FINALIZER]
    const message = 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon'
    const condition = { type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending', message } as const
    setCondition(asCrd(draft), condition, context.clock.now())
  },
}

function addStoredVersion(crd: Crd): void {
  const storage = crd.spec.versions?.find((version) => version.storage)
  if (storage === undefined) return
  crd.status ??= {}
  const stored = crd.status.storedVersions ?? []
  if (!stored.includes(storage.name)) crd.status.storedVersions = [...stored, storage.name]
}

/** Metadata may change here: the finalizer goes together with the last condition. */
export const crdStatusStrategy: Strategy = {
  allowUnconditionalUpdate: false,
  prepareForUpdate(draft, old) {
    asCrd(draft).spec = deepCopy(asCrd(old).spec)
  },
  validateUpdate: (object) => validateCrdStatusUpdate(asCrd(object)),
}
