/**
 * Volumes and claims get a finalizer that their protection controllers remove once nothing uses them.
 * Upstream: plugin/pkg/admission/storage/storageobjectinuseprotection. To be disabled where those controllers do not run:
 * nothing else removes the finalizers.
 */
import type { AdmissionDeps } from '../deps.ts'
import { isResource } from '../forbidden.ts'
import type { AdmissionPlugin } from '../interfaces.ts'

const FINALIZERS: ReadonlyMap<string, string> = new Map([
  ['persistentvolumeclaims', 'kubernetes.io/pvc-protection'],
  ['persistentvolumes', 'kubernetes.io/pv-protection'],
])

export function createStorageObjectInUseProtection(_deps: Pick<AdmissionDeps, never>): AdmissionPlugin {
  return {
    name: 'StorageObjectInUseProtection',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      const finalizer = FINALIZERS.get(attributes.resource)
      if (finalizer === undefined || !isResource(attributes, '', attributes.resource)) return
      const metadata = attributes.object?.metadata
      if (metadata === undefined || metadata.finalizers?.includes(finalizer) === true) return
      metadata.finalizers = [...(metadata.finalizers ?? []), finalizer]
    },
  }
}
