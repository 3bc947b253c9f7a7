/** storage.k8s.io/v1. Upstream: pkg/registry/storage. */
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { setCsiDriverDefaults, setStorageClassDefaults } from '#apiserver/apis/storage/defaults.ts'
import { validateStorageClass, validateStorageClassUpdate } from '#apiserver/apis/storage/validation.ts'
import type { ResourceGroup } from '../resource-row.ts'
import {
  csiDriverTable,
  csiNodeTable,
  csiStorageCapacityTable,
  storageClassTable,
  volumeAttachmentTable,
  volumeAttributesClassTable,
} from './tables.ts'

const RETURNS_OBJECT = { returnsDeletedObject: true } as const

export const STORAGE_GROUP: ResourceGroup = {
  group: 'storage.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'csidrivers',
      kind: 'CSIDriver',
      namespaced: false,
      defaults: setCsiDriverDefaults,
      strategy: RETURNS_OBJECT,
      table: csiDriverTable,
    },
    { resource: 'csinodes', kind: 'CSINode', namespaced: false, strategy: RETURNS_OBJECT, table: csiNodeTable },
    {
      resource: 'csistoragecapacities',
      singular: 'csistoragecapacity',
      kind: 'CSIStorageCapacity',
      namespaced: true,
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
        validate: (object) => validateStorageClass(object as DeepReadonly<StorageClass>),
        validateUpdate: (object, old) =>
          validateStorageClassUpdate(object as DeepReadonly<StorageClass>, old as DeepReadonly<StorageClass>),
      },
      table: storageClassTable,
    },
    {
      resource: 'volumeattachments',
      kind: 'VolumeAttachment',
      namespaced: false,
      status: true,
      emptyStatus: { attached: false },
      strategy: RETURNS_OBJECT,
      table: volumeAttachmentTable,
    },
    {
      resource: 'volumeattributesclasses',
      kind: 'VolumeAttributesClass',
      namespaced: false,
      shortNames: ['vac'],
      table: volumeAttributesClassTable,
    },
  ],
}
