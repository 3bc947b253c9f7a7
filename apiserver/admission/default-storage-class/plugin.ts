/** Claims without a class get the default one. Upstream: plugin/pkg/admission/storage/storageclass/setdefault. */
import type { PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { AdmissionDeps } from '../deps.ts'
import { isResource } from '../forbidden.ts'
import type { AdmissionPlugin } from '../interfaces.ts'
import { newestDefault } from '../newest-default.ts'

const ANNOTATIONS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
] as const
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'

export function createDefaultStorageClass(deps: Pick<AdmissionDeps, 'storageClasses'>): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!isResource(attributes, '', 'persistentvolumeclaims') || attributes.object === undefined) return
      const claim = attributes.object as PersistentVolumeClaim
      // An empty class is a choice: no dynamic provisioning.
      if (claim.spec.storageClassName !== undefined) return
      if (claim.metadata.annotations?.[CLASS_ANNOTATION] !== undefined) return
      const name = newestDefault(deps.storageClasses(), ANNOTATIONS)
      if (name !== undefined) claim.spec.storageClassName = name
    },
  }
}
