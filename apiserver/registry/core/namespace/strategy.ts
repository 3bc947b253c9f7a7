/**
 * Namespaces: Active until deleted, then Terminating until spec.finalizers is empty, which only /finalize may change.
 * The object goes when both spec.finalizers and metadata.finalizers are empty.
 * Upstream: pkg/registry/core/namespace/{strategy,storage/storage}.go.
 */

import { setNamespaceNameLabel } from '#apiserver/apis/core/defaults.ts'
import {
  validateNamespace,
  validateNamespaceFinalize,
  validateNamespaceStatusUpdate,
} from '#apiserver/apis/core/namespace-validation.ts'
import type { Namespace } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isDns1123Label } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy, SubresourceDefinition } from '../../generic/interfaces.ts'
import { restoreExcept } from '../../strategy.ts'

const KUBERNETES_FINALIZER = 'kubernetes'

export const namespaceStrategy: Strategy = {
  validateName: isDns1123Label,
  returnsDeletedObject: true,
  prepareForCreate(draft: KubeObject) {
    const namespace = draft as Namespace
    namespace.status = { phase: 'Active' }
    const finalizers = namespace.spec?.finalizers ?? []
    namespace.spec = {
      ...namespace.spec,
      finalizers: finalizers.includes(KUBERNETES_FINALIZER) ? finalizers : [...finalizers, KUBERNETES_FINALIZER],
    }
  },
  prepareForUpdate(draft: KubeObject, old: DeepReadonly<KubeObject>) {
    const finalizers = (old as DeepReadonly<Namespace>).spec?.finalizers
    const spec = { ...(draft as Namespace).spec }
    if (finalizers === undefined) delete spec.finalizers
    else spec.finalizers = [...finalizers]
    ;(draft as Namespace).spec = spec
  },
  validate: (object: DeepReadonly<KubeObject>) => validateNamespace(object as DeepReadonly<Namespace>),
  /** generateName has filled the name by now. */
  canonicalize: (draft: KubeObject) => setNamespaceNameLabel(draft as Namespace),
  hasPendingFinalization: (object) => ((object as DeepReadonly<Namespace>).spec?.finalizers ?? []).length > 0,
  beforeDelete(draft: KubeObject) {
    const namespace = draft as Namespace
    namespace.status = { ...namespace.status, phase: 'Terminating' }
  },
}

/** A status update may not resurrect a deleted namespace: the phase follows the deletion timestamp. */
export const namespaceStatusStrategy: Strategy = {
  validateUpdate: (object, old) =>
    validateNamespaceStatusUpdate(object as DeepReadonly<Namespace>, old as DeepReadonly<Namespace>),
}

const SPEC_ONLY: ReadonlySet<string> = new Set(['spec'])

export const namespaceFinalize: SubresourceDefinition = {
  name: 'finalize',
  type: 'view',
  verbs: ['update'],
  strategy: {
    prepareForUpdate(draft, old) {
      restoreExcept(draft, old, SPEC_ONLY)
    },
    validateUpdate: (object) => validateNamespaceFinalize(object as DeepReadonly<Namespace>),
  },
}
