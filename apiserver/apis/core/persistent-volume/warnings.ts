/** Upstream: pkg/api/persistentvolume/util.go, pkg/api/persistentvolumeclaim/util.go. */
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
} from '#machinery/api/core/v1/types.gen.ts'
import type { ObjectMeta } from '#machinery/api/meta/v1.ts'
import { keyField } from '#machinery/meta/field-error.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { nodeTermWarnings } from '../node-labels.ts'

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'
const MOUNT_OPTIONS_ANNOTATION = 'volume.beta.kubernetes.io/mount-options'
const RECYCLE =
  'The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.'
const DEPRECATED_SOURCES: readonly (readonly [keyof PersistentVolumeSpec, string, string])[] = [
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
]

function annotationWarnings({ annotations }: DeepReadonly<ObjectMeta>, key: string, detail: string): string[] {
  return annotations?.[key] === undefined ? [] : [`${keyField('metadata.annotations', key)}: ${detail}`]
}

const classWarnings = (meta: DeepReadonly<ObjectMeta>): string[] =>
  annotationWarnings(meta, CLASS_ANNOTATION, 'deprecated since v1.8; use "storageClassName" attribute instead')

export function persistentVolumeWarnings({ metadata, spec }: DeepReadonly<PersistentVolume>): string[] {
  const warnings = [
    ...classWarnings(metadata),
    ...annotationWarnings(
      metadata,
      MOUNT_OPTIONS_ANNOTATION,
      'deprecated since v1.31; use "mountOptions" attribute instead',
    ),
  ]
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') warnings.push(`spec.persistentVolumeReclaimPolicy: ${RECYCLE}`)
  spec.nodeAffinity?.required?.nodeSelectorTerms?.forEach((term, i) => {
    warnings.push(...nodeTermWarnings(`spec.nodeAffinity.required.nodeSelectorTerms[${i}]`, term))
  })
  for (const [member, path, detail] of DEPRECATED_SOURCES) {
    if (spec[member] !== undefined) warnings.push(`spec.${path}: ${detail}`)
  }
  return warnings
}

export function claimWarnings({ metadata, spec }: DeepReadonly<PersistentVolumeClaim>): string[] {
  return [...classWarnings(metadata), ...claimSpecWarnings('spec', spec)]
}

export function claimSpecWarnings(field: string, spec: DeepReadonly<PersistentVolumeClaimSpec> | undefined): string[] {
  const warnings: string[] = []
  for (const list of ['requests', 'limits'] as const) {
    const text = spec?.resources?.[list]?.['storage']
    const quantity = text === undefined ? undefined : tryParseQuantity(text)
    if (quantity === undefined || quantity.milliValue() % 1000 === 0) continue
    const value = JSON.stringify(quantity.toString())
    warnings.push(`${field}.resources.${list}[storage]: fractional byte value ${value} is invalid, must be an integer`)
  }
  return warnings
}
