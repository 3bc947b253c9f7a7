/** Where volumes appear in a container. Upstream: pkg/apis/core/validation ValidateVolumeMounts, ValidateVolumeDevices. */
import type { Container, VolumeDevice, VolumeMount } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldForbidden,
  fieldInvalid,
  fieldNotFound,
  fieldNotSupported,
  fieldRequired,
} from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkDescendingPath } from './paths.ts'
import type { PodVolumes } from './volumes.ts'

type Mounts = readonly DeepReadonly<VolumeMount>[]
type Devices = readonly DeepReadonly<VolumeDevice>[]

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None']
const RECURSIVE_READ_ONLY = ['Disabled', 'Enabled', 'IfPossible']

export function validateVolumeMounts(
  errors: FieldError[],
  field: string,
  container: DeepReadonly<Container>,
  volumes: PodVolumes,
): void {
  const mounts: Mounts = container.volumeMounts ?? []
  const devices: Devices = container.volumeDevices ?? []
  const paths = new Set<string>()
  for (let i = 0; i < mounts.length; i++) {
    const mount = mounts[i]
    if (mount === undefined) continue
    const { name = '', mountPath = '' } = mount
    if (name === '') errors.push(fieldRequired(`${field}[${i}].name`, ''))
    if (!volumes.has(name)) errors.push(fieldNotFound(`${field}[${i}].name`, name))
    if (mountPath === '') errors.push(fieldRequired(`${field}[${i}].mountPath`, ''))
    if (paths.has(mountPath)) errors.push(fieldInvalid(`${field}[${i}].mountPath`, mountPath, 'must be unique'))
    paths.add(mountPath)
    for (const device of devices) checkAgainstDevice(errors, `${field}[${i}]`, mount, device)
    // The index is missing from these paths upstream too.
    if (mount.subPath !== undefined || mount.subPathExpr !== undefined) checkSubPath(errors, field, i, mount)
    if (mount.mountPropagation !== undefined) {
      checkPropagation(errors, `${field}.mountPropagation`, mount.mountPropagation, container)
    }
    if (mount.recursiveReadOnly !== undefined) checkRecursiveReadOnly(errors, `${field}.recursiveReadOnly`, mount)
  }
}

function checkAgainstDevice(
  errors: FieldError[],
  at: string,
  mount: DeepReadonly<VolumeMount>,
  device: DeepReadonly<VolumeDevice>,
): void {
  if (device.name === mount.name) {
    errors.push(fieldInvalid(`${at}.name`, mount.name, 'must not already exist in volumeDevices'))
  }
  if (device.devicePath === mount.mountPath) {
    const detail = 'must not already exist as a path in volumeDevices'
    errors.push(fieldInvalid(`${at}.mountPath`, mount.mountPath, detail))
  }
}

function checkSubPath(errors: FieldError[], field: string, i: number, mount: DeepReadonly<VolumeMount>): void {
  const { subPath = '', subPathExpr = '' } = mount
  if (subPath !== '') checkDescendingPath(errors, `${field}.subPath`, subPath)
  if (subPathExpr === '') return
  if (subPath !== '') {
    const detail = 'subPathExpr and subPath are mutually exclusive'
    errors.push(fieldInvalid(`${field}[${i}].subPathExpr`, subPathExpr, detail))
  }
  checkDescendingPath(errors, `${field}.subPathExpr`, subPathExpr)
}

function checkPropagation(
  errors: FieldError[],
  field: string,
  propagation: string,
  container: DeepReadonly<Container>,
): void {
  if (!PROPAGATIONS.includes(propagation)) errors.push(fieldNotSupported(field, propagation, PROPAGATIONS))
  if (propagation === 'Bidirectional' && container.securityContext?.privileged !== true) {
    const detail = 'Bidirectional mount propagation is available only to privileged containers'
    errors.push(fieldForbidden(field, detail))
  }
}

function checkRecursiveReadOnly(errors: FieldError[], field: string, mount: DeepReadonly<VolumeMount>): void {
  const { recursiveReadOnly = '', readOnly, mountPropagation = 'None' } = mount
  if (!RECURSIVE_READ_ONLY.includes(recursiveReadOnly)) {
    errors.push(fieldNotSupported(field, recursiveReadOnly, RECURSIVE_READ_ONLY))
    return
  }
  if (recursiveReadOnly === 'Disabled') return
  if (readOnly !== true) errors.push(fieldForbidden(field, 'may only be specified when readOnly is true'))
  if (mountPropagation !== 'None') {
    const detail = 'may only be specified when mountPropagation is None or not specified'
    errors.push(fieldForbidden(field, detail))
  }
}

export function validateVolumeDevices(
  errors: FieldError[],
  field: string,
  devices: Devices,
  mounts: Mounts,
  volumes: PodVolumes,
): void {
  const names = new Set<string>()
  const paths = new Set<string>()
  devices.forEach(({ name = '', devicePath = '' }, i) => {
    const at = `${field}[${i}]`
    const volume = volumes.get(name)
    if (name === '') errors.push(fieldRequired(`${at}.name`, ''))
    if (names.has(name)) errors.push(fieldInvalid(`${at}.name`, name, 'must be unique'))
    if (volume === undefined) errors.push(fieldNotFound(`${at}.name`, name))
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      const detail = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'
      errors.push(fieldInvalid(`${at}.name`, name, detail))
    }
    if (devicePath === '') errors.push(fieldRequired(`${at}.devicePath`, ''))
    if (paths.has(devicePath)) errors.push(fieldInvalid(`${at}.devicePath`, devicePath, 'must be unique'))
    if (devicePath.split('/').includes('..')) {
      errors.push(fieldInvalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"))
    } else paths.add(devicePath)
    for (const mount of mounts) {
      if (mount.name === name) errors.push(fieldInvalid(`${at}.name`, name, 'must not already exist in volumeMounts'))
      if (mount.mountPath === devicePath) {
        const detail = 'must not already exist as a path in volumeMounts'
        errors.push(fieldInvalid(`${at}.devicePath`, devicePath, detail))
      }
    }
    if (name !== '') names.add(name)
  })
}
