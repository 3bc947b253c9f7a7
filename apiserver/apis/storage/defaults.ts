/** Upstream: pkg/apis/storage/v1/defaults.go. */
import type { CSIDriver, StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { IsGateEnabled } from '../feature-gates.ts'

export function setStorageClassDefaults(storageClass: StorageClass): void {
  storageClass.reclaimPolicy ??= 'Delete'
  storageClass.volumeBindingMode ??= 'Immediate'
}

export function setCsiDriverDefaults(driver: CSIDriver, isGateEnabled: IsGateEnabled): void {
  driver.spec ??= {}
  const { spec } = driver
  spec.attachRequired ??= true
  spec.podInfoOnMount ??= false
  spec.storageCapacity ??= false
  spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
  if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent']
  spec.requiresRepublish ??= false
  spec.seLinuxMount ??= false
  if (isGateEnabled('VolumeLimitScaling')) spec.preventPodSchedulingIfMissing ??= false
}
