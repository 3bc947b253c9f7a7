/** Volumes of a pod. Upstream: pkg/apis/core/validation ValidateVolumes, validateVolumeSource. */
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  Volume,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Label } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkName, checkOneOf, checkRequired } from '../../validation.ts'
import type { VolumeNames } from './container-validation.ts'
import { checkDescendingPath, VOLUME_FIELD_PATHS, validateFieldRef } from './container-validation.ts'

type FrozenVolume = DeepReadonly<Volume>

const MODE_MAX = 0o777
const TOKEN_SECONDS_MIN = 600
const TOKEN_SECONDS_MAX = 2 ** 32
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

export function validateVolumes(
  errors: FieldError[],
  field: string,
  volumes: readonly FrozenVolume[] | undefined,
): VolumeNames {
  const all = new Set<string>()
  const claims = new Set<string>()
  volumes?.forEach((volume, i) => {
    const at = `${field}[${i}]`
    const { name = '' } = volume
    checkName(errors, `${at}.name`, name, isDns1123Label)
    if (name !== '' && all.has(name)) errors.push(fieldDuplicate(`${at}.name`, name))
    all.add(name)
    if (volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined) claims.add(name)
    validateSource(errors, at, volume)
  })
  return { all, claims }
}

function validateSource(errors: FieldError[], field: string, volume: FrozenVolume): void {
  const types = Object.keys(volume).filter((member) => member !== 'name')
  if (types.length === 0) errors.push(fieldRequired(field, 'must specify a volume type'))
  for (const type of types.slice(1))
    errors.push(fieldForbidden(`${field}.${type}`, 'may not specify more than 1 volume type'))
  const { hostPath, secret, configMap, emptyDir, nfs, persistentVolumeClaim, projected, downwardAPI, csi, ephemeral } =
    volume
  if (hostPath !== undefined) {
    checkRequired(errors, `${field}.hostPath.path`, hostPath.path)
    if ((hostPath.path ?? '').split('/').includes('..')) {
      errors.push(fieldInvalid(`${field}.hostPath.path`, hostPath.path, "must not contain '..'"))
    }
    if (hostPath.type !== undefined)
      checkOneOf(errors, `${field}.hostPath.type`, hostPath.type, HOST_PATH_TYPES, 'allowed')
  }
  if (secret !== undefined) {
    checkRequired(errors, `${field}.secret.secretName`, secret.secretName)
    checkMode(errors, `${field}.secret.defaultMode`, secret.defaultMode)
    validateItems(errors, `${field}.secret.items`, secret.items)
  }
  if (configMap !== undefined) {
    checkRequired(errors, `${field}.configMap.name`, configMap.name)
    checkMode(errors, `${field}.configMap.defaultMode`, configMap.defaultMode)
    validateItems(errors, `${field}.configMap.items`, configMap.items)
  }
  if (emptyDir?.sizeLimit !== undefined && tryParseQuantity(String(emptyDir.sizeLimit))?.sign === -1) {
    errors.push(fieldForbidden(`${field}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
  }
  if (nfs !== undefined) {
    checkRequired(errors, `${field}.nfs.server`, nfs.server)
    checkRequired(errors, `${field}.nfs.path`, nfs.path)
    if ((nfs.path ?? '') !== '' && !nfs.path.startsWith('/')) {
      errors.push(fieldInvalid(`${field}.nfs.path`, nfs.path, 'must be an absolute path'))
    }
  }
  if (persistentVolumeClaim !== undefined) {
    checkRequired(errors, `${field}.persistentVolumeClaim.claimName`, persistentVolumeClaim.claimName)
  }
  if (downwardAPI !== undefined) {
    checkMode(errors, `${field}.downwardAPI.defaultMode`, downwardAPI.defaultMode)
    validateDownwardItems(errors, `${field}.downwardAPI.items`, downwardAPI.items)
  }
  if (projected !== undefined) validateProjected(errors, `${field}.projected`, projected)
  if (csi !== undefined) checkRequired(errors, `${field}.csi.driver`, csi.driver)
  if (ephemeral !== undefined && ephemeral.volumeClaimTemplate === undefined) {
    errors.push(fieldRequired(`${field}.ephemeral.volumeClaimTemplate`, ''))
  }
}

function checkMode(errors: FieldError[], field: string, mode: number | undefined): void {
  if (mode === undefined || (mode >= 0 && mode <= MODE_MAX)) return
  errors.push(fieldInvalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive'))
}

function validateItems(
  errors: FieldError[],
  field: string,
  items: readonly DeepReadonly<KeyToPath>[] | undefined,
): void {
  items?.forEach(({ key = '', path = '', mode }, i) => {
    checkRequired(errors, `${field}[${i}].key`, key)
    checkRequired(errors, `${field}[${i}].path`, path)
    checkVolumePath(errors, `${field}[${i}].path`, path)
    checkMode(errors, `${field}[${i}].mode`, mode)
  })
}

/** Upstream: validateLocalNonReservedPath. */
function checkVolumePath(errors: FieldError[], field: string, path: string): void {
  checkDescendingPath(errors, field, path)
  if (path.startsWith('..') && !path.split('/').includes('..')) {
    errors.push(fieldInvalid(field, path, "must not start with '..'"))
  }
}

function validateDownwardItems(
  errors: FieldError[],
  field: string,
  items: readonly DeepReadonly<DownwardAPIVolumeFile>[] | undefined,
): void {
  items?.forEach(({ path = '', fieldRef, resourceFieldRef, mode }, i) => {
    const at = `${field}[${i}]`
    checkRequired(errors, `${at}.path`, path)
    checkVolumePath(errors, `${at}.path`, path)
    checkMode(errors, `${at}.mode`, mode)
    if (fieldRef !== undefined) {
      validateFieldRef(errors, `${at}.fieldRef`, fieldRef, VOLUME_FIELD_PATHS)
      if (resourceFieldRef !== undefined) {
        errors.push(
          fieldInvalid(field, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'),
        )
      }
    } else if (resourceFieldRef !== undefined) {
      checkRequired(errors, `${at}.resourceFieldRef.containerName`, resourceFieldRef.containerName)
      checkRequired(errors, `${at}.resourceFieldRef.resource`, resourceFieldRef.resource)
    } else {
      errors.push(fieldRequired(at, 'one of fieldRef and resourceFieldRef is required'))
    }
  })
}

function validateProjected(errors: FieldError[], field: string, projected: DeepReadonly<ProjectedVolumeSource>): void {
  checkMode(errors, `${field}.defaultMode`, projected.defaultMode)
  ;(projected.sources ?? []).forEach((source, i) => {
    const at = `${field}.sources[${i}]`
    const types = Object.keys(source)
    if (types.length === 0) errors.push(fieldRequired(at, 'must specify a volume type'))
    for (const type of types.slice(1)) {
      errors.push(fieldForbidden(`${at}.${type}`, 'may not specify more than 1 volume type per source'))
    }
    if (source.secret !== undefined) {
      checkRequired(errors, `${at}.secret.name`, source.secret.name)
      validateItems(errors, `${at}.secret.items`, source.secret.items)
    }
    if (source.configMap !== undefined) {
      checkRequired(errors, `${at}.configMap.name`, source.configMap.name)
      validateItems(errors, `${at}.configMap.items`, source.configMap.items)
    }
    validateDownwardItems(errors, `${at}.downwardAPI.items`, source.downwardAPI?.items)
    if (source.serviceAccountToken !== undefined) {
      const { path, expirationSeconds = TOKEN_SECONDS_MIN } = source.serviceAccountToken
      checkRequired(errors, `${at}.serviceAccountToken.path`, path)
      const seconds = `${at}.serviceAccountToken.expirationSeconds`
      if (expirationSeconds < TOKEN_SECONDS_MIN) {
        errors.push(fieldInvalid(seconds, expirationSeconds, 'may not specify a duration less than 10 minutes'))
      }
      if (expirationSeconds > TOKEN_SECONDS_MAX) {
        errors.push(fieldInvalid(seconds, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'))
      }
    }
  })
}
