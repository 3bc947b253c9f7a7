/** Volumes, claims and classes for tests. */
import type { PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { BIND_COMPLETED } from '#machinery/volume/binding.ts'

export interface VolumeOptions {
  readonly size?: string
  readonly labels?: Record<string, string>
  readonly storageClass?: string
  /** Reached from the nodes with this host name only. */
  readonly host?: string
  readonly spec?: Partial<PersistentVolume['spec']>
}

/** Available, 1Gi, ReadWriteOnce, class `local`. */
export function makeVolume(name: string, options: VolumeOptions = {}): PersistentVolume {
  const { size = '1Gi', labels, storageClass = 'local', host, spec } = options
  const expression = { key: 'kubernetes.io/hostname', operator: 'In', values: [host ?? ''] }
  const required = { nodeSelectorTerms: [{ matchExpressions: [expression] }] }
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, ...(labels === undefined ? {} : { labels }) },
    spec: {
      capacity: { storage: size },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: storageClass,
      ...(host === undefined ? {} : { nodeAffinity: { required } }),
      ...spec,
    },
    status: { phase: 'Available' },
  }
}

export interface ClaimOptions {
  readonly size?: string
  readonly namespace?: string
  readonly storageClass?: string
  /** Bound to this volume. */
  readonly volume?: string
  readonly metadata?: PersistentVolumeClaim['metadata']
  readonly spec?: Partial<PersistentVolumeClaim['spec']>
  readonly status?: PersistentVolumeClaim['status']
}

/** 1Gi, ReadWriteOnce, class `local`. */
export function makeClaim(name: string, options: ClaimOptions = {}): PersistentVolumeClaim {
  const { size = '1Gi', namespace = 'default', storageClass = 'local', volume, metadata, spec, status } = options
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name,
      namespace,
      ...(volume === undefined ? {} : { annotations: { [BIND_COMPLETED]: 'yes' } }),
      ...metadata,
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: storageClass,
      resources: { requests: { storage: size } },
      ...(volume === undefined ? {} : { volumeName: volume }),
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  }
}

/** Bound when a Pod comes, by hand-made volumes unless there is a provisioner. */
export const makeStorageClass = (name = 'local', more: Partial<StorageClass> = {}): StorageClass => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
  ...more,
})

/** A Pod's volumes that use these claims. */
export const claimVolumes = (...claims: string[]) =>
  claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }))
