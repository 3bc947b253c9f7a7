/** Volumes of storage systems, all deprecated in favour of CSI. Upstream: pkg/apis/core/validation validate<Kind>VolumeSource. */
import type {
  AzureDiskVolumeSource,
  FCVolumeSource,
  FlexVolumeSource,
  FlockerVolumeSource,
  ISCSIVolumeSource,
  QuobyteVolumeSource,
  StorageOSVolumeSource,
  Volume,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldNotSupported, fieldRequired, keyField } from '#machinery/meta/field-error.ts'
import { inclusiveRangeMessage, isDns1123Label } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from '../../validation.ts'
import { checkDescendingPath } from './paths.ts'
import type { SourceCheck } from './volumes.ts'

const IQN = /iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$/
const EUI = /^eui.[A-Za-z0-9]{16}$/
const NAA = /^naa.[A-Za-z0-9]{32}$/
const CACHING_MODES = ['None', 'ReadOnly', 'ReadWrite']
const DISK_KINDS = ['Dedicated', 'Managed', 'Shared']
const MANAGED_DISK = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
const BLOB_DISK = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'
const HOST_PORTS = 'must be a host:port pair or multiple pairs separated by commas'

/** Sources of which only the presence of some members is checked. */
function requires(source: keyof Volume, ...members: readonly string[]): readonly [keyof Volume, SourceCheck] {
  const check: SourceCheck = (errors, field, volume) => {
    const values = volume[source] as Readonly<Record<string, unknown>> | undefined
    for (const member of members) {
      const value = values?.[member]
      if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) {
        errors.push(fieldRequired(`${field}.${member}`, ''))
      }
    }
  }
  return [source, check]
}

function validatePartition(errors: FieldError[], field: string, partition = 0): void {
  if (partition >= 0 && partition <= 255) return
  errors.push(fieldInvalid(`${field}.partition`, partition, inclusiveRangeMessage(1, 255)))
}

function validateIscsi(errors: FieldError[], field: string, source: DeepReadonly<ISCSIVolumeSource>): void {
  const { targetPortal = '', iqn = '', lun = 0, initiatorName } = source
  if (targetPortal === '') errors.push(fieldRequired(`${field}.targetPortal`, ''))
  if (iqn === '') errors.push(fieldRequired(`${field}.iqn`, ''))
  else checkInitiator(errors, `${field}.iqn`, iqn)
  if (lun < 0 || lun > 255) errors.push(fieldInvalid(`${field}.lun`, lun, inclusiveRangeMessage(0, 255)))
  const needsSecret = source.chapAuthDiscovery === true || source.chapAuthSession === true
  if (needsSecret && source.secretRef === undefined) errors.push(fieldRequired(`${field}.secretRef`, ''))
  if (initiatorName !== undefined) checkInitiator(errors, `${field}.initiatorname`, initiatorName)
}

function checkInitiator(errors: FieldError[], field: string, name: string): void {
  const format = name.startsWith('iqn') ? IQN : name.startsWith('eui') ? EUI : name.startsWith('naa') ? NAA : undefined
  if (format === undefined) {
    errors.push(fieldInvalid(field, name, 'must be valid format starting with iqn, eui, or naa'))
  } else if (!format.test(name)) errors.push(fieldInvalid(field, name, 'must be valid format'))
}

function validateFc(errors: FieldError[], field: string, source: DeepReadonly<FCVolumeSource>): void {
  const { targetWWNs = [], wwids = [], lun } = source
  if (targetWWNs.length === 0 && wwids.length === 0) {
    const detail = 'must specify either targetWWNs or wwids, but not both'
    errors.push(fieldRequired(`${field}.targetWWNs`, detail))
  }
  if (targetWWNs.length === 0) return
  if (wwids.length > 0) {
    const detail = 'targetWWNs and wwids can not be specified simultaneously'
    errors.push(fieldInvalid(`${field}.targetWWNs`, targetWWNs, detail))
  }
  if (lun === undefined) errors.push(fieldRequired(`${field}.lun`, 'lun is required if targetWWNs is specified'))
  else if (lun < 0 || lun > 255) errors.push(fieldInvalid(`${field}.lun`, lun, inclusiveRangeMessage(0, 255)))
}

function validateFlocker(errors: FieldError[], field: string, source: DeepReadonly<FlockerVolumeSource>): void {
  const { datasetName = '', datasetUUID = '' } = source
  if (datasetName === '' && datasetUUID === '') {
    errors.push(fieldRequired(field, 'one of datasetName and datasetUUID is required'))
  }
  if (datasetName !== '' && datasetUUID !== '') {
    const detail = 'datasetName and datasetUUID can not be specified simultaneously'
    errors.push(fieldInvalid(field, 'resource', detail))
  }
  if (datasetName.includes('/')) {
    errors.push(fieldInvalid(`${field}.datasetName`, datasetName, "must not contain '/'"))
  }
}

function validateQuobyte(errors: FieldError[], field: string, source: DeepReadonly<QuobyteVolumeSource>): void {
  const { registry = '', tenant = '', volume = '' } = source
  if (registry === '') errors.push(fieldRequired(`${field}.registry`, HOST_PORTS))
  else if (Buffer.byteLength(tenant) >= 65) {
    errors.push(fieldRequired(`${field}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'))
  } else {
    for (const pair of registry.split(',')) {
      if (!isHostPort(pair)) errors.push(fieldInvalid(`${field}.registry`, registry, HOST_PORTS))
    }
  }
  if (volume === '') errors.push(fieldRequired(`${field}.volume`, ''))
}

/** As Go's net.SplitHostPort: IPv6 addresses are bracketed, the port may be anything. */
const isHostPort = (pair: string): boolean => /^(?:\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(pair)

function validateFlex(errors: FieldError[], field: string, source: DeepReadonly<FlexVolumeSource>): void {
  if ((source.driver ?? '') === '') errors.push(fieldRequired(`${field}.driver`, ''))
  for (const key of Object.keys(source.options ?? {})) {
    const slash = key.indexOf('/')
    const namespace = `.${(slash === -1 ? key : key.slice(0, slash)).toLowerCase()}`
    if (!namespace.endsWith('.kubernetes.io') && !namespace.endsWith('.k8s.io')) continue
    const detail = 'kubernetes.io and k8s.io namespaces are reserved'
    errors.push(fieldInvalid(keyField(`${field}.options`, key), key, detail))
  }
}

function validateAzureDisk(errors: FieldError[], field: string, source: DeepReadonly<AzureDiskVolumeSource>): void {
  const { diskName = '', diskURI = '', cachingMode, kind } = source
  if (diskName === '') errors.push(fieldRequired(`${field}.diskName`, ''))
  if (diskURI === '') errors.push(fieldRequired(`${field}.diskURI`, ''))
  if (cachingMode !== undefined && !CACHING_MODES.includes(cachingMode)) {
    errors.push(fieldNotSupported(`${field}.cachingMode`, cachingMode, CACHING_MODES))
  }
  if (kind === undefined) return
  if (!DISK_KINDS.includes(kind)) errors.push(fieldNotSupported(`${field}.kind`, kind, DISK_KINDS))
  const isManaged = kind === 'Managed'
  if (diskURI.startsWith(isManaged ? '/subscriptions/' : 'https://')) return
  errors.push(fieldNotSupported(`${field}.diskURI`, diskURI, [isManaged ? MANAGED_DISK : BLOB_DISK]))
}

function validateStorageOs(errors: FieldError[], field: string, source: DeepReadonly<StorageOSVolumeSource>): void {
  const { volumeName = '', volumeNamespace = '', secretRef } = source
  if (volumeName === '') errors.push(fieldRequired(`${field}.volumeName`, ''))
  else addInvalid(errors, `${field}.volumeName`, volumeName, isDns1123Label(volumeName))
  if (volumeNamespace !== '') {
    addInvalid(errors, `${field}.volumeNamespace`, volumeNamespace, isDns1123Label(volumeNamespace))
  }
  if (secretRef !== undefined && (secretRef.name ?? '') === '') {
    errors.push(fieldRequired(`${field}.secretRef.name`, ''))
  }
}

export const REMOTE_SOURCES: readonly (readonly [keyof Volume, SourceCheck])[] = [
  [
    'gitRepo',
    (errors, field, { gitRepo }) => {
      if ((gitRepo?.repository ?? '') === '') errors.push(fieldRequired(`${field}.repository`, ''))
      checkDescendingPath(errors, `${field}.directory`, gitRepo?.directory ?? '')
    },
  ],
  [
    'gcePersistentDisk',
    (errors, field, { gcePersistentDisk: disk }) => {
      if ((disk?.pdName ?? '') === '') errors.push(fieldRequired(`${field}.pdName`, ''))
      validatePartition(errors, field, disk?.partition)
    },
  ],
  [
    'awsElasticBlockStore',
    (errors, field, { awsElasticBlockStore: disk }) => {
      if ((disk?.volumeID ?? '') === '') errors.push(fieldRequired(`${field}.volumeID`, ''))
      validatePartition(errors, field, disk?.partition)
    },
  ],
  ['iscsi', (errors, field, { iscsi }) => iscsi && validateIscsi(errors, field, iscsi)],
  requires('glusterfs', 'endpoints', 'path'),
  ['flocker', (errors, field, { flocker }) => flocker && validateFlocker(errors, field, flocker)],
  requires('rbd', 'monitors', 'image'),
  [
    'cinder',
    (errors, field, { cinder }) => {
      if ((cinder?.volumeID ?? '') === '') errors.push(fieldRequired(`${field}.volumeID`, ''))
      const secret = cinder?.secretRef
      if (secret !== undefined && (secret.name ?? '') === '') errors.push(fieldRequired(`${field}.secretRef.name`, ''))
    },
  ],
  requires('cephfs', 'monitors'),
  ['quobyte', (errors, field, { quobyte }) => quobyte && validateQuobyte(errors, field, quobyte)],
  ['fc', (errors, field, { fc }) => fc && validateFc(errors, field, fc)],
  ['flexVolume', (errors, field, { flexVolume }) => flexVolume && validateFlex(errors, field, flexVolume)],
  requires('azureFile', 'secretName', 'shareName'),
  requires('vsphereVolume', 'volumePath'),
  requires('photonPersistentDisk', 'pdID'),
  requires('portworxVolume', 'volumeID'),
  ['azureDisk', (errors, field, { azureDisk }) => azureDisk && validateAzureDisk(errors, field, azureDisk)],
  ['storageos', (errors, field, { storageos }) => storageos && validateStorageOs(errors, field, storageos)],
  requires('scaleIO', 'gateway', 'system', 'volumeName'),
]
