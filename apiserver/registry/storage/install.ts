/** storage.k8s.io/v1. Upstream: pkg/registry/storage. */

import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import {
  validateCsiDriver,
  validateCsiDriverUpdate,
  validateCsiNode,
  validateCsiNodeUpdate,
  validateCsiStorageCapacity,
  validateCsiStorageCapacityUpdate,
  validateVolumeAttachment,
  validateVolumeAttachmentUpdate,
} from '#apiserver/apis/storage/csi-validation.ts'
import { setCsiDriverDefaults, setStorageClassDefaults } from '#apiserver/apis/storage/defaults.ts'
import {
  validateStorageClass,
  validateStorageClassUpdate,
  validateVolumeAttributesClass,
  validateVolumeAttributesClassUpdate,
} from '#apiserver/apis/storage/validation.ts'
import {
  csiDriverWarnings,
  csiStorageCapacityWarnings,
  storageClassWarnings,
} from '#apiserver/apis/storage/warnings.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '#machinery/api/storage/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy } from '../generic/interfaces.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { withStoredMetadata } from '../strategy.ts'
import {
  csiDriverTable,
  csiNodeTable,
  csiStorageCapacityTable,
  storageClassTable,
  volumeAttachmentTable,
  volumeAttributesClassTable,
} from './tables.ts'

const RETURNS_OBJECT = { returnsDeletedObject: true } as const
const VERSION_NEEDED = { allowUnconditionalUpdate: false } as const

function rules<T>(
  validate: (object: DeepReadonly<T>) => FieldError[],
  validateUpdate: (next: DeepReadonly<T>, old: DeepReadonly<T>) => FieldError[],
): Strategy {
  return {
    validate: (object) => validate(object as DeepReadonly<T>),
    validateUpdate: (object, old) => validateUpdate(object as DeepReadonly<T>, old as DeepReadonly<T>),
  }
}

const attachmentRules = rules<VolumeAttachment>(validateVolumeAttachment, validateVolumeAttachmentUpdate)

/** Upstream counts the changes of a driver's spec, but not its making. */
function countDriverChanges(draft: KubeObject, old: DeepReadonly<KubeObject>): void {
  if (deepEqual((draft as CSIDriver).spec, (old as DeepReadonly<CSIDriver>).spec)) return
  draft.metadata.generation = (old.metadata.generation ?? 0) + 1
}

/** Without its gate the member is not taken anew. */
function dropUnscaledVolumes(
  { spec }: CSIDriver,
  old: DeepReadonly<CSIDriver> | undefined,
  isGateEnabled: IsGateEnabled,
): void {
  if (isGateEnabled('VolumeLimitScaling') || old?.spec.preventPodSchedulingIfMissing !== undefined) return
  delete spec.preventPodSchedulingIfMissing
}

export const STORAGE_GROUP: ResourceGroup = {
  group: 'storage.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'csidrivers',
      kind: 'CSIDriver',
      namespaced: false,
      defaults: setCsiDriverDefaults,
      strategy: ({ config }) => ({
        ...RETURNS_OBJECT,
        ...VERSION_NEEDED,
        prepareForCreate: (draft) => dropUnscaledVolumes(draft as CSIDriver, undefined, config.isGateEnabled),
        prepareForUpdate(draft, old) {
          dropUnscaledVolumes(draft as CSIDriver, old as DeepReadonly<CSIDriver>, config.isGateEnabled)
          countDriverChanges(draft, old)
        },
        ...rules<CSIDriver>(validateCsiDriver, validateCsiDriverUpdate),
        warnings: (object, old) =>
          csiDriverWarnings(object as DeepReadonly<CSIDriver>, old as DeepReadonly<CSIDriver> | undefined),
      }),
      table: csiDriverTable,
    },
    {
      resource: 'csinodes',
      kind: 'CSINode',
      namespaced: false,
      strategy: { ...RETURNS_OBJECT, ...VERSION_NEEDED, ...rules<CSINode>(validateCsiNode, validateCsiNodeUpdate) },
      table: csiNodeTable,
    },
    {
      resource: 'csistoragecapacities',
      singular: 'csistoragecapacity',
      kind: 'CSIStorageCapacity',
      namespaced: true,
      strategy: {
        ...VERSION_NEEDED,
        ...rules<CSIStorageCapacity>(validateCsiStorageCapacity, validateCsiStorageCapacityUpdate),
        warnings: (object) => csiStorageCapacityWarnings(object as DeepReadonly<CSIStorageCapacity>),
      },
      table: csiStorageCapacityTable,
    },
    {
      resource: 'storageclasses',
      kind: 'StorageClass',
      namespaced: false,
      shortNames: ['sc'],
      defaults: setStorageClassDefaults,
      strategy: {
        ...RETURNS_OBJECT,
        ...rules<StorageClass>(validateStorageClass, validateStorageClassUpdate),
        warnings: (object) => storageClassWarnings(object as DeepReadonly<StorageClass>),
      },
      table: storageClassTable,
    },
    {
      resource: 'volumeattachments',
      kind: 'VolumeAttachment',
      namespaced: false,
      status: withStoredMetadata(attachmentRules),
      emptyStatus: { attached: false },
      strategy: { ...RETURNS_OBJECT, ...VERSION_NEEDED, ...attachmentRules },
      table: volumeAttachmentTable,
    },
    {
      resource: 'volumeattributesclasses',
      kind: 'VolumeAttributesClass',
      namespaced: false,
      shortNames: ['vac'],
      strategy: {
        ...RETURNS_OBJECT,
        ...rules<VolumeAttributesClass>(validateVolumeAttributesClass, validateVolumeAttributesClassUpdate),
      },
      table: volumeAttributesClassTable,
    },
  ],
}
