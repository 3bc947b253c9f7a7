/** Containers of a pod. Upstream: pkg/apis/core/validation validateContainers, validateInitContainers, ValidateEnv. */
import type { Container, ContainerPort, EnvFromSource, EnvVar, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotFound,
  fieldRequired,
} from '#machinery/meta/field-error.ts'
import {
  isConfigMapKey,
  isDns1123Label,
  isEnvVarName,
  isValidIp,
  isValidPortName,
  isValidPortNumber,
  isValidUserId,
} from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkName, checkOneOf } from '../../validation.ts'
import { validateLifecycle, validateProbes } from './probe-validation.ts'
import { validateResourceRequirements } from './resources-validation.ts'

type FrozenContainer = DeepReadonly<Container>

/** What mounts may refer to. */
export interface VolumeNames {
  readonly all: ReadonlySet<string>
  readonly claims: ReadonlySet<string>
}

export function validateContainers(
  errors: FieldError[],
  field: string,
  spec: DeepReadonly<PodSpec>,
  volumes: VolumeNames,
): void {
  if (spec.containers.length === 0) errors.push(fieldRequired(`${field}.containers`, ''))
  const names = new Set<string>()
  spec.containers.forEach((container, i) => {
    validateContainer(errors, `${field}.containers[${i}]`, container, names, volumes)
    validateLifecycle(errors, `${field}.containers[${i}].lifecycle`, container.lifecycle)
    validateProbes(errors, `${field}.containers[${i}]`, container)
  })
  checkHostPortConflicts(errors, `${field}.containers`, spec.containers)
  ;(spec.initContainers ?? []).forEach((container, i) => {
    const at = `${field}.initContainers[${i}]`
    validateContainer(errors, at, container, names, volumes)
    validateInitContainer(errors, at, container)
  })
  ;(spec.ephemeralContainers ?? []).forEach((container, i) => {
    validateContainer(errors, `${field}.ephemeralContainers[${i}]`, container as FrozenContainer, names, volumes)
  })
}

function validateInitContainer(errors: FieldError[], field: string, container: FrozenContainer): void {
  if (container.restartPolicy === 'Always') {
    validateLifecycle(errors, `${field}.lifecycle`, container.lifecycle)
    validateProbes(errors, field, container)
    return
  }
  for (const member of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[member] === undefined) continue
    errors.push(fieldForbidden(`${field}.${member}`, 'may not be set for init containers without restartPolicy=Always'))
  }
}

function validateContainer(
  errors: FieldError[],
  field: string,
  container: FrozenContainer,
  names: Set<string>,
  volumes: VolumeNames,
): void {
  const { name = '', image = '' } = container
  checkName(errors, `${field}.name`, name, isDns1123Label)
  if (name !== '' && names.has(name)) errors.push(fieldDuplicate(`${field}.name`, name))
  names.add(name)
  if (image === '') errors.push(fieldRequired(`${field}.image`, ''))
  else if (image.trim() !== image) {
    errors.push(fieldInvalid(`${field}.image`, image, 'must not have leading or trailing whitespace'))
  }
  checkOneOf(errors, `${field}.terminationMessagePolicy`, container.terminationMessagePolicy, [
    'FallbackToLogsOnError',
    'File',
  ])
  validatePorts(errors, `${field}.ports`, container.ports)
  validateEnv(errors, `${field}.env`, container.env)
  validateEnvFrom(errors, `${field}.envFrom`, container.envFrom)
  validateVolumeMounts(errors, field, container, volumes)
  checkOneOf(errors, `${field}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'])
  if (container.resources !== undefined) {
    validateResourceRequirements(errors, `${field}.resources`, container.resources)
  }
  validateSecurityContext(errors, `${field}.securityContext`, container)
}

function validatePorts(
  errors: FieldError[],
  field: string,
  ports: readonly DeepReadonly<ContainerPort>[] | undefined,
): void {
  const names = new Set<string>()
  ports?.forEach((port, i) => {
    const { name = '', hostPort = 0, hostIP = '' } = port
    if (name !== '') {
      const messages = isValidPortName(name)
      addInvalid(errors, `${field}[${i}].name`, name, messages)
      if (messages.length === 0 && names.has(name)) errors.push(fieldDuplicate(`${field}[${i}].name`, name))
      names.add(name)
    }
    if ((port.containerPort ?? 0) === 0) errors.push(fieldRequired(`${field}[${i}].containerPort`, ''))
    else addInvalid(errors, `${field}[${i}].containerPort`, port.containerPort, isValidPortNumber(port.containerPort))
    if (hostPort !== 0) addInvalid(errors, `${field}[${i}].hostPort`, hostPort, isValidPortNumber(hostPort))
    checkOneOf(errors, `${field}[${i}].protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'])
    if (hostIP !== '') addInvalid(errors, `${field}[${i}].hostIP`, hostIP, isValidIp(hostIP))
  })
}

function checkHostPortConflicts(errors: FieldError[], field: string, containers: readonly FrozenContainer[]): void {
  const taken = new Set<string>()
  containers.forEach((container, i) => {
    ;(container.ports ?? []).forEach((port, j) => {
      if ((port.hostPort ?? 0) === 0) return
      const text = `${port.protocol ?? ''}/${port.hostIP ?? ''}/${port.hostPort ?? 0}`
      if (taken.has(text)) errors.push(fieldDuplicate(`${field}[${i}].ports[${j}].hostPort`, text))
      taken.add(text)
    })
  })
}

const ENV_SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const

function validateEnv(errors: FieldError[], field: string, env: readonly DeepReadonly<EnvVar>[] | undefined): void {
  env?.forEach((variable, i) => {
    const at = `${field}[${i}]`
    if ((variable.name ?? '') === '') errors.push(fieldRequired(`${at}.name`, ''))
    else addInvalid(errors, `${at}.name`, variable.name, isEnvVarName(variable.name))
    if (variable.valueFrom !== undefined) validateEnvSource(errors, `${at}.valueFrom`, variable)
  })
}

function validateEnvSource(errors: FieldError[], field: string, variable: DeepReadonly<EnvVar>): void {
  const source = variable.valueFrom ?? {}
  const given = ENV_SOURCES.filter((name) => source[name] !== undefined)
  if (given.length === 0) {
    const detail =
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'
    errors.push(fieldInvalid(field, '', detail))
  } else if ((variable.value ?? '') !== '') {
    errors.push(fieldInvalid(field, '', 'may not be specified when `value` is not empty'))
  } else if (given.length > 1) {
    errors.push(fieldInvalid(field, '', 'may not have more than one field specified at a time'))
  }
  if (source.fieldRef !== undefined) validateFieldRef(errors, `${field}.fieldRef`, source.fieldRef, ENV_FIELD_PATHS)
  if (source.resourceFieldRef !== undefined && (source.resourceFieldRef.resource ?? '') === '') {
    errors.push(fieldRequired(`${field}.resourceFieldRef.resource`, ''))
  }
  for (const name of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const reference = source[name]
    if (reference === undefined) continue
    if ((reference.name ?? '') === '') errors.push(fieldRequired(`${field}.${name}.name`, ''))
    checkName(errors, `${field}.${name}.key`, reference.key, isConfigMapKey)
  }
}

const ENV_FIELD_PATHS: ReadonlySet<string> = new Set([
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
])

export const VOLUME_FIELD_PATHS: ReadonlySet<string> = new Set([
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
])

/** Downward API references: whole fields, or one label or annotation. */
export function validateFieldRef(
  errors: FieldError[],
  field: string,
  reference: { readonly apiVersion?: string; readonly fieldPath?: string },
  supported: ReadonlySet<string>,
): void {
  const { apiVersion = '', fieldPath = '' } = reference
  if (apiVersion === '') errors.push(fieldRequired(`${field}.apiVersion`, ''))
  if (fieldPath === '') {
    errors.push(fieldRequired(`${field}.fieldPath`, ''))
    return
  }
  if (supported.has(fieldPath) || /^metadata\.(?:labels|annotations)\['[^']+'\]$/.test(fieldPath)) return
  if (/^(?:metadata|spec|status)\.\w/.test(fieldPath)) {
    const list = [...supported]
      .sort()
      .map((path) => JSON.stringify(path))
      .join(', ')
    errors.push({
      type: 'FieldValueNotSupported',
      field: `${field}.fieldPath`,
      badValue: fieldPath,
      detail: `supported values: ${list}`,
    })
  } else {
    const detail = `error converting fieldPath: field label not supported: ${fieldPath}`
    errors.push(fieldInvalid(`${field}.fieldPath`, fieldPath, detail))
  }
}

function validateEnvFrom(
  errors: FieldError[],
  field: string,
  sources: readonly DeepReadonly<EnvFromSource>[] | undefined,
): void {
  sources?.forEach(({ prefix = '', configMapRef, secretRef }, i) => {
    const at = `${field}[${i}]`
    if (prefix !== '') addInvalid(errors, `${at}.prefix`, prefix, isEnvVarName(prefix))
    if (configMapRef !== undefined && (configMapRef.name ?? '') === '')
      errors.push(fieldRequired(`${at}.configMapRef.name`, ''))
    if (secretRef !== undefined && (secretRef.name ?? '') === '') errors.push(fieldRequired(`${at}.secretRef.name`, ''))
    if (configMapRef === undefined && secretRef === undefined) {
      errors.push(fieldInvalid(field, '', 'must specify one of: `configMapRef` or `secretRef`'))
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      errors.push(fieldInvalid(field, '', 'may not have more than one field specified at a time'))
    }
  })
}

function validateVolumeMounts(
  errors: FieldError[],
  field: string,
  container: FrozenContainer,
  volumes: VolumeNames,
): void {
  const paths = new Set<string>()
  ;(container.volumeMounts ?? []).forEach((mount, i) => {
    const at = `${field}.volumeMounts[${i}]`
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount
    if (name === '') errors.push(fieldRequired(`${at}.name`, ''))
    else if (!volumes.all.has(name)) errors.push(fieldNotFound(`${at}.name`, name))
    if (mountPath === '') errors.push(fieldRequired(`${at}.mountPath`, ''))
    else if (paths.has(mountPath)) errors.push(fieldInvalid(`${at}.mountPath`, mountPath, 'must be unique'))
    paths.add(mountPath)
    checkDescendingPath(errors, `${at}.subPath`, subPath)
    checkDescendingPath(errors, `${at}.subPathExpr`, subPathExpr)
    if (subPath !== '' && subPathExpr !== '') {
      errors.push(fieldInvalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
    }
  })
  ;(container.volumeDevices ?? []).forEach(({ name = '', devicePath = '' }, i) => {
    const at = `${field}.volumeDevices[${i}]`
    if (name === '') errors.push(fieldRequired(`${at}.name`, ''))
    else if (!volumes.all.has(name)) errors.push(fieldNotFound(`${at}.name`, name))
    else if (!volumes.claims.has(name)) {
      errors.push(
        fieldInvalid(
          `${at}.name`,
          name,
          'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
        ),
      )
    }
    if (devicePath === '') errors.push(fieldRequired(`${at}.devicePath`, ''))
  })
}

/** Relative, without a way up. Upstream: validateLocalDescendingPath. */
export function checkDescendingPath(errors: FieldError[], field: string, path: string): void {
  if (path.startsWith('/')) errors.push(fieldInvalid(field, path, 'must be a relative path'))
  if (path.split('/').includes('..')) errors.push(fieldInvalid(field, path, "must not contain '..'"))
}

function validateSecurityContext(errors: FieldError[], field: string, { securityContext }: FrozenContainer): void {
  if (securityContext === undefined) return
  const { runAsUser, runAsGroup, privileged, allowPrivilegeEscalation, capabilities } = securityContext
  if (runAsUser !== undefined) addInvalid(errors, `${field}.runAsUser`, runAsUser, isValidUserId(runAsUser))
  if (runAsGroup !== undefined) addInvalid(errors, `${field}.runAsGroup`, runAsGroup, isValidUserId(runAsGroup))
  if (allowPrivilegeEscalation !== false) return
  if (privileged === true) {
    const detail = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'
    errors.push(fieldInvalid(field, securityContext, detail))
  }
  if (capabilities?.add?.includes('CAP_SYS_ADMIN') === true) {
    const detail = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'
    errors.push(fieldInvalid(field, securityContext, detail))
  }
}
