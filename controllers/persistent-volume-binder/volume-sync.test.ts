/** What becomes of a released volume. */
import { expect, it } from 'vitest'
import type { PersistentVolume } from '#machinery/api/core/v1/types.gen.ts'
import { makeVolume } from '#test/support/volumes.ts'
import { reclaimFailure } from './volume-sync.ts'

const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'

it.each<[string, Partial<PersistentVolume['spec']>, Record<string, string>, string | undefined]>([
  ['kept', { persistentVolumeReclaimPolicy: 'Retain' }, {}, undefined],
  ['to be recycled', { persistentVolumeReclaimPolicy: 'Recycle' }, {}, 'VolumeFailedRecycle'],
  ['to be deleted by nobody', { persistentVolumeReclaimPolicy: 'Delete' }, {}, 'VolumeFailedDelete'],
  [
    'to be deleted by its provisioner',
    { persistentVolumeReclaimPolicy: 'Delete' },
    { [PROVISIONED_BY]: 'a.com/b' },
    undefined,
  ],
  [
    'to be deleted by an in-tree provisioner',
    { persistentVolumeReclaimPolicy: 'Delete' },
    { [PROVISIONED_BY]: 'kubernetes.io/aws-ebs' },
    'VolumeFailedDelete',
  ],
  [
    'to be deleted by the CSI driver that took over',
    { persistentVolumeReclaimPolicy: 'Delete' },
    { [PROVISIONED_BY]: 'kubernetes.io/aws-ebs', 'pv.kubernetes.io/migrated-to': 'ebs.csi.aws.com' },
    undefined,
  ],
  [
    'of a CSI driver, made by hand',
    { persistentVolumeReclaimPolicy: 'Delete', csi: { driver: 'a.com', volumeHandle: 'h' } },
    {},
    undefined,
  ],
  ['of no known policy', { persistentVolumeReclaimPolicy: 'Burn' }, {}, 'VolumeUnknownReclaimPolicy'],
])('%s', (_name, spec, annotations, expected) => {
  const volume = makeVolume('pv', spec)
  volume.metadata.annotations = annotations
  expect(reclaimFailure(volume)?.reason).toBe(expected)
})

it.each<[string, Partial<PersistentVolume['spec']>, string | undefined, string]>([
  [
    'a disk of the node',
    { local: { path: '/data' } },
    undefined,
    'error getting deleter volume plugin for volume "pv": no volume plugin matched',
  ],
  [
    'NFS',
    { nfs: { server: 's', path: '/' } },
    undefined,
    'error getting deleter volume plugin for volume "pv": no deletable volume plugin matched',
  ],
  [
    'a directory of the node',
    { hostPath: { path: '/data' } },
    undefined,
    'host_path deleter only supports /tmp/.+ but received provided /data',
  ],
  ['in-tree', {}, 'kubernetes.io/aws-ebs', 'no volume plugin matched name: kubernetes.io/aws-ebs'],
])('says why a volume is not deleted: %s', (_name, source, provisioner, expected) => {
  const volume = makeVolume('pv', { ...source, persistentVolumeReclaimPolicy: 'Delete' })
  if (source.hostPath === undefined) delete volume.spec.hostPath
  if (provisioner !== undefined) volume.metadata.annotations = { [PROVISIONED_BY]: provisioner }
  expect(reclaimFailure(volume)?.message).toBe(expected)
})
