/**
 * Volumes, claims and VolumeAttributesClasses get a finalizer that their protection controllers remove once nothing uses them.
 * Upstream: plugin/pkg/admission/storage/storageobjectinuseprotection. To be disabled where those controllers do not run:
 * nothing else removes the finalizers.
 */
import type { AdmissionDeps } from '../deps.ts'
import type { AdmissionPlugin } from '../interfaces.ts'

const FINALIZERS: ReadonlyMap<string, string> = new Map([
  ['/persistentvolumeclaims', 'kubernetes.io/pvc-protection'],
  ['/persistentvolumes', 'kubernetes.io/pv-protection'],
  ['storage.k8s.io/volumeattributesclasses', 'kubernetes.io/vac-protection'],
])

export function createStorageObjectInUseProtection(_deps: Pick<AdmissionDeps, never>): AdmissionPlugin {
  return {
    name: 'StorageObjectInUseProtection',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      const { group, resource, subresource, object } = attributes
      const finalizer = FINALIZERS.get(`${group}/${resource}`)
      if (finalizer === undefined || subresource !== '') return
      const metadata = object?.metadata
      if (metadata === undefined || metadata.finalizers?.includes(finalizer) === true) return
      metadata.finalizers = [...(metadata.finalizers ?? []), finalizer]
    },
  }
}
