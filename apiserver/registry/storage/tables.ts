/** Tables of storage.k8s.io. Upstream: pkg/printers/internalversion/printers.go. */
import type { CSIDriver, StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, defineTable, NAME } from '../table.ts'

const IS_DEFAULT = 'storageclass.kubernetes.io/is-default-class'
const IS_DEFAULT_BETA = 'storageclass.beta.kubernetes.io/is-default-class'

export const storageClassTable = defineTable([
  {
    ...NAME,
    value: ({ metadata }: DeepReadonly<StorageClass>) => {
      const { annotations, name } = metadata
      const isDefault = annotations?.[IS_DEFAULT] === 'true' || annotations?.[IS_DEFAULT_BETA] === 'true'
      return isDefault ? `${name ?? ''} (default)` : (name ?? '')
    },
  },
  { name: 'Provisioner', value: ({ provisioner }) => provisioner },
  { name: 'ReclaimPolicy', value: ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete' },
  { name: 'VolumeBindingMode', value: ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate' },
  { name: 'AllowVolumeExpansion', value: ({ allowVolumeExpansion }) => allowVolumeExpansion === true },
  AGE,
])

type Driver = DeepReadonly<CSIDriver>

export const csiDriverTable = defineTable([
  NAME,
  { name: 'AttachRequired', type: 'boolean', value: ({ spec }: Driver) => spec.attachRequired ?? true },
  { name: 'PodInfoOnMount', type: 'boolean', value: ({ spec }: Driver) => spec.podInfoOnMount ?? false },
  { name: 'StorageCapacity', type: 'boolean', value: ({ spec }: Driver) => spec.storageCapacity ?? false },
  {
    name: 'TokenRequests',
    value: ({ spec }: Driver) => spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? '<unset>',
  },
  { name: 'RequiresRepublish', type: 'boolean', value: ({ spec }: Driver) => spec.requiresRepublish ?? false },
  { name: 'Modes', value: ({ spec }: Driver) => (spec.volumeLifecycleModes ?? []).join(',') || '<none>' },
  AGE,
])

export const csiNodeTable = defineTable([
  NAME,
  { name: 'Drivers', type: 'integer', value: ({ spec }) => spec?.drivers?.length ?? 0 },
  AGE,
])

export const csiStorageCapacityTable = defineTable([
  NAME,
  { name: 'StorageClassName', value: ({ storageClassName }) => storageClassName },
  { name: 'Capacity', value: ({ capacity }) => capacity ?? '<unset>' },
])

export const volumeAttachmentTable = defineTable([
  NAME,
  { name: 'Attacher', format: 'name', value: ({ spec }) => spec?.attacher ?? '' },
  { name: 'PV', value: ({ spec }) => spec?.source?.persistentVolumeName ?? '' },
  { name: 'Node', value: ({ spec }) => spec?.nodeName ?? '' },
  { name: 'Attached', type: 'boolean', value: ({ status }) => status?.attached === true },
  AGE,
])

export const volumeAttributesClassTable = defineTable([
  NAME,
  { name: 'DriverName', value: ({ driverName }) => driverName },
  AGE,
])
