/** Where a PersistentVolume's data is. Upstream: pkg/apis/core/validation validate<Source>PersistentVolumeSource. */
import type {
  AzureDiskVolumeSource,
  CSIPersistentVolumeSource,
  FCVolumeSource,
  ISCSIPersistentVolumeSource,
  PersistentVolumeSpec,
  QuobyteVolumeSource,
  SecretReference,
  StorageOSPersistentVolumeSource,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { inclusiveRangeMessage, isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkDriverName, checkName } from '../../validation.ts'

type FrozenSpec = DeepReadonly<PersistentVolumeSpec>
type Check = (errors: FieldError[], field: string, spec: FrozenSpec, name: string) => void

interface SourceRule {
  readonly member: keyof PersistentVolumeSpec
  /** Where upstream looks, when it is not the member. */
  readonly field?: string
  /** Where it says that there is one already. */
  readonly refusedAt?: string
  readonly check: Check
}

const LUN = { min: 0, max: 255 }
const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
]
const BAD_FORMAT = 'must be valid format'

/** Requires these members of the source. */
function requires(member: keyof PersistentVolumeSpec, ...names: readonly string[]): Check {
  return (errors, field, spec) => {
    const source = spec[member] as unknown as Readonly<Record<string, unknown>>
    for (const name of names) {
      const value = source[name]
      const isMissing = value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
      if (isMissing) errors.push(fieldRequired(`${field}.${name}`, ''))
    }
  }
}

/** In upstream's order: the first one counts, the others are refused. */
export const SOURCES: readonly SourceRule[] = [
  { member: 'hostPath', check: validateHostPath },
  {
    member: 'gcePersistentDisk',
    field: 'persistentDisk',
    check(errors, field, spec) {
      requires('gcePersistentDisk', 'pdName')(errors, field, spec, '')
      checkPartition(errors, field, spec.gcePersistentDisk?.partition)
    },
  },
  {
    member: 'awsElasticBlockStore',
    check(errors, field, spec) {
      requires('awsElasticBlockStore', 'volumeID')(errors, field, spec, '')
      checkPartition(errors, field, spec.awsElasticBlockStore?.partition)
    },
  },
  { member: 'glusterfs', check: validateGlusterfs },
  { member: 'flocker', check: validateFlocker },
  { member: 'nfs', check: validateNfs },
  { member: 'rbd', check: requires('rbd', 'monitors', 'image') },
  { member: 'quobyte', check: (errors, field, { quobyte }) => validateQuobyte(errors, field, quobyte ?? {}) },
  { member: 'cephfs', refusedAt: 'cephFS', check: requires('cephfs', 'monitors') },
  { member: 'iscsi', check: (errors, field, { iscsi }, name) => validateIscsi(errors, field, iscsi ?? {}, name) },
  {
    member: 'cinder',
    check(errors, field, spec) {
      requires('cinder', 'volumeID')(errors, field, spec, '')
      checkSecretReference(errors, field, spec.cinder?.secretRef)
    },
  },
  { member: 'fc', check: (errors, field, { fc }) => validateFibreChannel(errors, field, fc ?? {}) },
  { member: 'flexVolume', check: validateFlexVolume },
  { member: 'azureFile', check: validateAzureFile },
  { member: 'vsphereVolume', check: requires('vsphereVolume', 'volumePath') },
  { member: 'photonPersistentDisk', check: requires('photonPersistentDisk', 'pdID') },
  { member: 'portworxVolume', check: requires('portworxVolume', 'volumeID') },
  { member: 'azureDisk', check: (errors, field, { azureDisk }) => validateAzureDisk(errors, field, azureDisk ?? {}) },
  { member: 'scaleIO', check: requires('scaleIO', 'gateway', 'system', 'volumeName') },
  { member: 'local', check: validateLocal },
  {
    member: 'storageos',
    check: (errors, field, { storageos }) => validateStorageOs(errors, field, storageos ?? {}),
  },
  { member: 'csi', check: (errors, field, { csi }) => validateCsi(errors, field, csi ?? {}) },
]

export function validateSource(errors: FieldError[], at: string, spec: FrozenSpec, name: string): void {
  let count = 0
  for (const { member, field = member, refusedAt = member, check } of SOURCES) {
    if (spec[member] === undefined) continue
    // Flex volumes never count as one too many.
    if (count > 0 && member !== 'flexVolume') {
      errors.push(fieldForbidden(`${at}.${refusedAt}`, 'may not specify more than 1 volume type'))
      continue
    }
    count++
    check(errors, `${at}.${field}`, spec, name)
  }
  if (count === 0) errors.push(fieldRequired(at, 'must specify a volume type'))
}

function checkPartition(errors: FieldError[], field: string, partition = 0): void {
  if (partition >= 0 && partition <= 255) return
  errors.push(fieldInvalid(`${field}.partition`, partition, inclusiveRangeMessage(1, 255)))
}

function checkNoBacksteps(errors: FieldError[], field: string, path: string): void {
  if (path.split('/').includes('..')) errors.push(fieldInvalid(field, path, "must not contain '..'"))
}

function validateHostPath(errors: FieldError[], field: string, { hostPath }: FrozenSpec): void {
  const { path = '', type } = hostPath ?? {}
  if (path === '') {
    errors.push(fieldRequired(`${field}.path`, ''))
    return
  }
  checkNoBacksteps(errors, `${field}.path`, path)
  if (type !== undefined && !HOST_PATH_TYPES.includes(type)) {
    errors.push(fieldNotSupported(`${field}.type`, type, HOST_PATH_TYPES))
  }
}

function validateGlusterfs(errors: FieldError[], field: string, spec: FrozenSpec, name: string): void {
  requires('glusterfs', 'endpoints', 'path')(errors, field, spec, name)
  const namespace = spec.glusterfs?.endpointsNamespace
  if (namespace === undefined) return
  const empty = ['if the endpointnamespace is set, it must be a valid namespace name']
  const problems = namespace === '' ? empty : isDns1123Label(namespace)
  addInvalid(errors, `${field}.endpointsNamespace`, namespace, problems)
}

function validateFlocker(errors: FieldError[], field: string, { flocker }: FrozenSpec): void {
  const { datasetName = '', datasetUUID = '' } = flocker ?? {}
  if (datasetName === '' && datasetUUID === '') {
    errors.push(fieldRequired(field, 'one of datasetName and datasetUUID is required'))
  }
  if (datasetName !== '' && datasetUUID !== '') {
    errors.push(fieldInvalid(field, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'))
  }
  if (datasetName.includes('/')) {
    errors.push(fieldInvalid(`${field}.datasetName`, datasetName, "must not contain '/'"))
  }
}

function validateNfs(errors: FieldError[], field: string, spec: FrozenSpec, name: string): void {
  requires('nfs', 'server', 'path')(errors, field, spec, name)
  const path = spec.nfs?.path ?? ''
  if (!path.startsWith('/')) errors.push(fieldInvalid(`${field}.path`, path, 'must be an absolute path'))
}

function validateQuobyte(
  errors: FieldError[],
  field: string,
  source: Partial<DeepReadonly<QuobyteVolumeSource>>,
): void {
  const { registry = '', tenant = '', volume = '' } = source
  const detail = 'must be a host:port pair or multiple pairs separated by commas'
  if (registry === '') errors.push(fieldRequired(`${field}.registry`, detail))
  else if (tenant.length >= 65) {
    errors.push(fieldRequired(`${field}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'))
  } else {
    for (const pair of registry.split(',')) {
      if (!/^(?:[^:[\]]*|\[[^[\]]*\]):[^:]*$/.test(pair)) {
        errors.push(fieldInvalid(`${field}.registry`, registry, detail))
      }
    }
  }
  if (volume === '') errors.push(fieldRequired(`${field}.volume`, ''))
}

const ISCSI_NAMES: ReadonlyMap<string, RegExp> = new Map([
  ['iqn', /iqn\.\d{4}-\d{2}\.[A-Za-z0-9.-]+:[^,;*&$|\s]+$/],
  ['eui', /^eui.[A-Za-z0-9]{16}$/],
  ['naa', /^naa.[A-Za-z0-9]{32}$/],
])
const isIscsiName = (name: string): boolean => ISCSI_NAMES.get(name.slice(0, 3))?.test(name) === true

function validateIscsi(
  errors: FieldError[],
  field: string,
  source: Partial<DeepReadonly<ISCSIPersistentVolumeSource>>,
  volumeName: string,
): void {
  const { targetPortal = '', iqn = '', lun = 0, initiatorName, secretRef } = source
  if (targetPortal === '') errors.push(fieldRequired(`${field}.targetPortal`, ''))
  if (initiatorName !== undefined && `${volumeName}:${targetPortal}`.length > 64) {
    const detail =
      'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
    errors.push(fieldInvalid(`${field}.targetportal`, targetPortal, detail))
  }
  if (iqn === '') errors.push(fieldRequired(`${field}.iqn`, ''))
  else if (!isIscsiName(iqn)) errors.push(fieldInvalid(`${field}.iqn`, iqn, BAD_FORMAT))
  checkLun(errors, field, lun)
  const needsSecret = source.chapAuthDiscovery === true || source.chapAuthSession === true
  if (needsSecret && secretRef === undefined) errors.push(fieldRequired(`${field}.secretRef`, ''))
  if (secretRef !== undefined && (secretRef.name ?? '') === '') {
    errors.push(fieldRequired(`${field}.secretRef.name`, ''))
  }
  if (initiatorName !== undefined && !isIscsiName(initiatorName)) {
    errors.push(fieldInvalid(`${field}.initiatorname`, initiatorName, BAD_FORMAT))
  }
}

function checkLun(errors: FieldError[], field: string, lun: number): void {
  if (lun >= LUN.min && lun <= LUN.max) return
  errors.push(fieldInvalid(`${field}.lun`, lun, inclusiveRangeMessage(LUN.min, LUN.max)))
}

function validateFibreChannel(errors: FieldError[], field: string, source: DeepReadonly<FCVolumeSource>): void {
  const { targetWWNs = [], wwids = [], lun } = source
  const at = `${field}.targetWWNs`
  if (targetWWNs.length === 0 && wwids.length === 0) {
    errors.push(fieldRequired(at, 'must specify either targetWWNs or wwids, but not both'))
  }
  if (targetWWNs.length > 0 && wwids.length > 0) {
    errors.push(fieldInvalid(at, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'))
  }
  if (targetWWNs.length === 0) return
  if (lun === undefined) errors.push(fieldRequired(`${field}.lun`, 'lun is required if targetWWNs is specified'))
  else checkLun(errors, field, lun)
}

function validateFlexVolume(errors: FieldError[], field: string, spec: FrozenSpec, name: string): void {
  requires('flexVolume', 'driver')(errors, field, spec, name)
  for (const key of Object.keys(spec.flexVolume?.options ?? {})) {
    const namespace = `.${(key.split('/', 1)[0] ?? '').toLowerCase()}`
    if (!namespace.endsWith('.kubernetes.io') && !namespace.endsWith('.k8s.io')) continue
    errors.push(fieldInvalid(`${field}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'))
  }
}

function validateAzureFile(errors: FieldError[], field: string, spec: FrozenSpec, name: string): void {
  requires('azureFile', 'secretName', 'shareName')(errors, field, spec, name)
  if (spec.azureFile?.secretNamespace === '') errors.push(fieldRequired(`${field}.secretNamespace`, ''))
}

function validateAzureDisk(
  errors: FieldError[],
  field: string,
  source: Partial<DeepReadonly<AzureDiskVolumeSource>>,
): void {
  const { diskName = '', diskURI = '', cachingMode, kind } = source
  if (diskName === '') errors.push(fieldRequired(`${field}.diskName`, ''))
  if (diskURI === '') errors.push(fieldRequired(`${field}.diskURI`, ''))
  const modes = ['None', 'ReadOnly', 'ReadWrite']
  if (cachingMode !== undefined && !modes.includes(cachingMode)) {
    errors.push(fieldNotSupported(`${field}.cachingMode`, cachingMode, modes))
  }
  if (kind === undefined) return
  const kinds = ['Dedicated', 'Managed', 'Shared']
  if (!kinds.includes(kind)) errors.push(fieldNotSupported(`${field}.kind`, kind, kinds))
  const isManaged = kind === 'Managed'
  if (diskURI.startsWith(isManaged ? '/subscriptions/' : 'https://')) return
  const shape = isManaged
    ? '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
    : 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'
  errors.push(fieldNotSupported(`${field}.diskURI`, diskURI, [shape]))
}

function validateLocal(errors: FieldError[], field: string, { local, nodeAffinity }: FrozenSpec): void {
  const path = local?.path ?? ''
  if (path === '') errors.push(fieldRequired(`${field}.path`, ''))
  else checkNoBacksteps(errors, `${field}.path`, path)
  if (nodeAffinity === undefined) {
    errors.push(fieldRequired(field.replace(/local$/, 'nodeAffinity'), 'Local volume requires node affinity'))
  }
}

function validateStorageOs(
  errors: FieldError[],
  field: string,
  { volumeName, volumeNamespace = '', secretRef }: DeepReadonly<StorageOSPersistentVolumeSource>,
): void {
  checkName(errors, `${field}.volumeName`, volumeName, isDns1123Label)
  if (volumeNamespace !== '') {
    addInvalid(errors, `${field}.volumeNamespace`, volumeNamespace, isDns1123Label(volumeNamespace))
  }
  checkSecretReference(errors, field, secretRef)
}

function checkSecretReference(
  errors: FieldError[],
  field: string,
  reference: { readonly name?: string; readonly namespace?: string } | undefined,
): void {
  if (reference === undefined) return
  if ((reference.name ?? '') === '') errors.push(fieldRequired(`${field}.secretRef.name`, ''))
  if ((reference.namespace ?? '') === '') errors.push(fieldRequired(`${field}.secretRef.namespace`, ''))
}

function validateCsi(
  errors: FieldError[],
  field: string,
  source: Partial<DeepReadonly<CSIPersistentVolumeSource>>,
): void {
  const { driver, volumeHandle = '' } = source
  checkDriverName(errors, `${field}.driver`, driver)
  if (volumeHandle === '') errors.push(fieldRequired(`${field}.volumeHandle`, ''))
  const check = (name: string, reference: DeepReadonly<SecretReference> | undefined): void => {
    if (reference === undefined) return
    checkName(errors, `${field}.${name}.name`, reference.name, isDns1123Subdomain)
    checkName(errors, `${field}.${name}.namespace`, reference.namespace, isDns1123Label)
  }
  check('controllerPublishSecretRef', source.controllerPublishSecretRef)
  check('controllerExpandSecretRef', source.controllerExpandSecretRef)
  check('nodePublishSecretRef', source.nodePublishSecretRef)
  check('nodeExpandSecretRef', source.nodeExpandSecretRef)
}
