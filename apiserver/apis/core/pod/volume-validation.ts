/**
 * Volumes of a pod: names, one source each, and the sources Kubernetes itself provides. Those of storage systems are in
 * remote-volume-validation.ts. Upstream: pkg/apis/core/validation ValidateVolumes, validateVolumeSource.
 */
import type {
  ConfigMapVolumeSource,
  CSIVolumeSource,
  EmptyDirVolumeSource,
  EphemeralVolumeSource,
  HostPathVolumeSource,
  ImageVolumeSource,
  NFSVolumeSource,
  SecretVolumeSource,
  Volume,
} from '#machinery/api/core/v1/types.gen.ts'
import type { ObjectMeta } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkDriverName, checkRequired } from '../../validation.ts'
import { validateClaimTemplate } from '../persistent-volume/claim-spec-validation.ts'
import { checkNoBacksteps } from './paths.ts'
import { validateProjected } from './projected-validation.ts'
import { REMOTE_SOURCES } from './remote-volume-validation.ts'
import { checkMode, validateDownwardFile, validateItems } from './volume-files.ts'
import type { PodVolumes, SourceCheck } from './volumes.ts'

type FrozenVolume = DeepReadonly<Volume>

const ISCSI_NAME_MAX = 64
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
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']
const NO_VOLUMES: PodVolumes = new Map()

/** `meta` is that of the pod; a template has none. */
export function validateVolumes(
  errors: FieldError[],
  field: string,
  volumes: readonly FrozenVolume[] | undefined,
  meta: DeepReadonly<ObjectMeta> | undefined,
): PodVolumes {
  if (volumes === undefined) return NO_VOLUMES
  const byName = new Map<string, FrozenVolume>()
  const made = claimsMadeFor(volumes, meta)
  volumes.forEach((volume, i) => {
    const at = `${field}[${i}]`
    const { name = '' } = volume
    const before = errors.length
    validateSource(errors, at, volume, meta)
    if (name === '') errors.push(fieldRequired(`${at}.name`, ''))
    else {
      const messages = isDns1123Label(name)
      if (messages.length > 0) addInvalid(errors, `${at}.name`, name, messages)
    }
    if (byName.has(name)) errors.push(fieldDuplicate(`${at}.name`, name))
    // Upstream keeps only what it found nothing wrong with; mounts of the others are not found.
    if (errors.length === before) byName.set(name, volume)
    const claim = volume.persistentVolumeClaim?.claimName
    if (made === undefined || claim === undefined || !made.has(claim)) return
    const detail = 'must not reference a PVC that gets created for an ephemeral volume'
    errors.push(fieldInvalid(`${at}.persistentVolumeClaim.claimName`, claim, detail))
  })
  return byName
}

/** Names of the claims that the pod's own ephemeral volumes become; without the pod's name nobody knows them. */
function claimsMadeFor(
  volumes: readonly FrozenVolume[],
  meta: DeepReadonly<ObjectMeta> | undefined,
): ReadonlySet<string> | undefined {
  const podName = meta?.name ?? ''
  if (podName === '' || volumes.every(({ ephemeral }) => ephemeral === undefined)) return undefined
  return new Set(volumes.flatMap(({ ephemeral, name }) => (ephemeral === undefined ? [] : [`${podName}-${name}`])))
}

function validateSource(
  errors: FieldError[],
  at: string,
  volume: FrozenVolume,
  meta: DeepReadonly<ObjectMeta> | undefined,
): void {
  let chosen: string | undefined
  const types = Object.keys(volume)
  // One source is the rule; only with several does upstream's order say which of them is one too many.
  const ordered = types.length > 2 ? SOURCE_ORDER.filter((type) => types.includes(type)) : types
  for (const type of ordered) {
    const check = SOURCES.get(type)
    if (check === undefined || volume[type as keyof Volume] === undefined) continue
    if (chosen !== undefined) {
      const field = `${at}.${MISSPELT_PATHS.get(type) ?? type}`
      errors.push(fieldForbidden(field, 'may not specify more than 1 volume type'))
      continue
    }
    chosen = type
    check(errors, `${at}.${SOURCE_PATHS.get(type) ?? type}`, volume)
  }
  if (chosen === undefined) errors.push(fieldRequired(at, 'must specify a volume type'))
  checkDerivedNames(errors, `${at}.name`, volume, meta)
}

/** Names that are made of a volume's must be valid too. */
function checkDerivedNames(
  errors: FieldError[],
  field: string,
  volume: FrozenVolume,
  meta: DeepReadonly<ObjectMeta> | undefined,
): void {
  const { name = '', ephemeral, iscsi } = volume
  if (iscsi?.initiatorName !== undefined && `${name}:${iscsi.targetPortal ?? ''}`.length > ISCSI_NAME_MAX) {
    const detail =
      'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
    errors.push(fieldInvalid(field, name, detail))
  }
  const podName = meta?.name ?? ''
  if (ephemeral === undefined || podName === '' || name === '') return
  const claim = `${podName}-${name}`
  for (const message of isDns1123Subdomain(claim)) {
    errors.push(fieldInvalid(field, name, `PVC name ${JSON.stringify(claim)}: ${message}`))
  }
}

function validateEmptyDir(errors: FieldError[], field: string, source: DeepReadonly<EmptyDirVolumeSource>): void {
  if (source.sizeLimit === undefined || tryParseQuantity(String(source.sizeLimit))?.sign !== -1) return
  errors.push(fieldForbidden(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
}

function validateHostPath(errors: FieldError[], field: string, source: DeepReadonly<HostPathVolumeSource>): void {
  const { path = '', type } = source
  if (path === '') {
    errors.push(fieldRequired(`${field}.path`, ''))
    return
  }
  checkNoBacksteps(errors, `${field}.path`, path)
  if (type !== undefined && !HOST_PATH_TYPES.includes(type)) {
    errors.push(fieldNotSupported(`${field}.type`, type, HOST_PATH_TYPES))
  }
}

function validateSecret(errors: FieldError[], field: string, source: DeepReadonly<SecretVolumeSource>): void {
  if ((source.secretName ?? '') === '') errors.push(fieldRequired(`${field}.secretName`, ''))
  checkMode(errors, `${field}.defaultMode`, source.defaultMode)
  if (source.items !== undefined) validateItems(errors, `${field}.items`, source.items)
}

function validateConfigMap(errors: FieldError[], field: string, source: DeepReadonly<ConfigMapVolumeSource>): void {
  if ((source.name ?? '') === '') errors.push(fieldRequired(`${field}.name`, ''))
  checkMode(errors, `${field}.defaultMode`, source.defaultMode)
  if (source.items !== undefined) validateItems(errors, `${field}.items`, source.items)
}

function validateNfs(errors: FieldError[], field: string, { server, path = '' }: DeepReadonly<NFSVolumeSource>): void {
  checkRequired(errors, `${field}.server`, server)
  checkRequired(errors, `${field}.path`, path)
  if (!path.startsWith('/')) errors.push(fieldInvalid(`${field}.path`, path, 'must be an absolute path'))
}

function validateCsi(errors: FieldError[], field: string, source: DeepReadonly<CSIVolumeSource>): void {
  const { driver, nodePublishSecretRef } = source
  checkDriverName(errors, `${field}.driver`, driver)
  if (nodePublishSecretRef === undefined) return
  const { name = '' } = nodePublishSecretRef
  if (name === '') errors.push(fieldRequired(`${field}.nodePublishSecretRef.name`, ''))
  else addInvalid(errors, `${field}.name`, name, isDns1123Subdomain(name))
}

function validateEphemeral(errors: FieldError[], field: string, source: DeepReadonly<EphemeralVolumeSource>): void {
  const { volumeClaimTemplate } = source
  if (volumeClaimTemplate === undefined) errors.push(fieldRequired(`${field}.volumeClaimTemplate`, ''))
  else validateClaimTemplate(errors, `${field}.volumeClaimTemplate`, volumeClaimTemplate)
}

function validateImage(errors: FieldError[], field: string, source: DeepReadonly<ImageVolumeSource>): void {
  const { reference = '', pullPolicy = '' } = source
  if (reference === '') errors.push(fieldRequired(`${field}.reference`, ''))
  if (PULL_POLICIES.includes(pullPolicy)) return
  const at = `${field}.pullPolicy`
  errors.push(pullPolicy === '' ? fieldRequired(at, '') : fieldNotSupported(at, pullPolicy, PULL_POLICIES))
}

const LOCAL_SOURCES: readonly (readonly [keyof Volume, SourceCheck])[] = [
  ['emptyDir', (errors, field, { emptyDir }) => emptyDir && validateEmptyDir(errors, field, emptyDir)],
  ['hostPath', (errors, field, { hostPath }) => hostPath && validateHostPath(errors, field, hostPath)],
  ['secret', (errors, field, { secret }) => secret && validateSecret(errors, field, secret)],
  ['nfs', (errors, field, { nfs }) => nfs && validateNfs(errors, field, nfs)],
  [
    'persistentVolumeClaim',
    (errors, field, volume) => checkRequired(errors, `${field}.claimName`, volume.persistentVolumeClaim?.claimName),
  ],
  [
    'downwardAPI',
    (errors, field, { downwardAPI }) => {
      checkMode(errors, `${field}.defaultMode`, downwardAPI?.defaultMode)
      for (const file of downwardAPI?.items ?? []) validateDownwardFile(errors, field, file)
    },
  ],
  ['configMap', (errors, field, { configMap }) => configMap && validateConfigMap(errors, field, configMap)],
  ['projected', (errors, field, { projected }) => projected && validateProjected(errors, field, projected)],
  ['csi', (errors, field, { csi }) => csi && validateCsi(errors, field, csi)],
  ['ephemeral', (errors, field, { ephemeral }) => ephemeral && validateEphemeral(errors, field, ephemeral)],
  ['image', (errors, field, { image }) => image && validateImage(errors, field, image)],
]
const SOURCES: ReadonlyMap<string, SourceCheck> = new Map([...LOCAL_SOURCES, ...REMOTE_SOURCES])
const SOURCE_ORDER =
  'emptyDir hostPath gitRepo gcePersistentDisk awsElasticBlockStore secret nfs iscsi glusterfs flocker persistentVolumeClaim rbd cinder cephfs quobyte downwardAPI fc flexVolume configMap azureFile vsphereVolume photonPersistentDisk portworxVolume azureDisk storageos projected scaleIO csi ephemeral image'.split(
    ' ',
  )
/** Where upstream's paths are not the field's name. */
const SOURCE_PATHS: ReadonlyMap<string, string> = new Map([['gcePersistentDisk', 'persistentDisk']])
const MISSPELT_PATHS: ReadonlyMap<string, string> = new Map([
  ['cephfs', 'cephFS'],
  ['downwardAPI', 'downwarAPI'],
])
