/**
 * Claims, volumes, classes and Pods that use them: as small as the API takes them, and those of the class `local`, which
 * the scheduler has to place.
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { BIND_COMPLETED } from '#machinery/volume/binding.ts'

export const VOLUME_NAMESPACE = 'default'

export function makeClaim(name: string, spec: Partial<PersistentVolumeClaim['spec']> = {}): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: VOLUME_NAMESPACE },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  }
}

export function makeVolume(name: string, spec: Partial<PersistentVolume['spec']> = {}): PersistentVolume {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: `/data/${name}` },
      ...spec,
    },
  }
}

export function makeClass(name: string, fields: Partial<StorageClass> = {}): StorageClass {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: 'example.com/disk',
    ...fields,
  }
}

export function makePodWithClaim(name: string, claimName: string, nodeName?: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: VOLUME_NAMESPACE },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
      ...(nodeName === undefined ? {} : { nodeName }),
    },
  }
}

export interface LocalVolumeOptions {
  readonly size?: string
  readonly labels?: Record<string, string>
  readonly storageClass?: string
  /** Reached from the nodes with this host name only. */
  readonly host?: string
  readonly spec?: Partial<PersistentVolume['spec']>
}

/** Available, 1Gi, ReadWriteOnce, class `local`, of no source but what `spec` says. */
export function makeLocalVolume(name: string, options: LocalVolumeOptions = {}): PersistentVolume {
  const { size = '1Gi', labels, storageClass = 'local', host, spec } = options
  const expression = { key: 'kubernetes.io/hostname', operator: 'In', values: [host ?? ''] }
  const required = { nodeSelectorTerms: [{ matchExpressions: [expression] }] }
  const volume = makeVolume(name, { capacity: { storage: size }, storageClassName: storageClass })
  delete volume.spec.hostPath
  if (labels !== undefined) volume.metadata.labels = labels
  if (host !== undefined) volume.spec.nodeAffinity = { required }
  Object.assign(volume.spec, spec)
  return { ...volume, status: { phase: 'Available' } }
}

export interface LocalClaimOptions {
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
export function makeLocalClaim(name: string, options: LocalClaimOptions = {}): PersistentVolumeClaim {
  const { size = '1Gi', namespace = VOLUME_NAMESPACE, storageClass = 'local', volume, metadata, spec, status } = options
  const claim = makeClaim(name, { storageClassName: storageClass, resources: { requests: { storage: size } } })
  claim.metadata.namespace = namespace
  if (volume !== undefined) {
    claim.metadata.annotations = { [BIND_COMPLETED]: 'yes' }
    claim.spec.volumeName = volume
  }
  Object.assign(claim.metadata, metadata)
  Object.assign(claim.spec, spec)
  return status === undefined ? claim : { ...claim, status }
}

/** Bound when a Pod comes, by hand-made volumes unless there is a provisioner. */
export const makeLocalClass = (name = 'local', more: Partial<StorageClass> = {}): StorageClass =>
  makeClass(name, {
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
    ...more,
  })

/** A Pod's volumes that use these claims. */
export const claimVolumes = (...claims: string[]) =>
  claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }))
