/**
 * What a pod may not ask for on an operating system or in a user namespace of its own.
 * Upstream: pkg/apis/core/validation validateOS, validateLinux, validateWindows, validateWindowsHostProcessPod, validateHostUsers.
 */
import type { PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { visitContainers } from './containers.ts'
import type { PodRules } from './rules.ts'

type FrozenSpec = DeepReadonly<PodSpec>

const NOT_ON_WINDOWS = 'cannot be set for a windows pod'
/** In upstream's order; those without a dot are of the spec. */
const POD_MEMBERS_NOT_ON_WINDOWS = [
  'securityContext.appArmorProfile',
  'securityContext.seLinuxOptions',
  'hostUsers',
  'hostPID',
  'hostIPC',
  'securityContext.seccompProfile',
  'securityContext.fsGroup',
  'securityContext.fsGroupChangePolicy',
  'securityContext.sysctls',
  'shareProcessNamespace',
  'securityContext.runAsUser',
  'securityContext.runAsGroup',
  'securityContext.supplementalGroups',
  'securityContext.supplementalGroupsPolicy',
  'securityContext.seLinuxChangePolicy',
]
const CONTAINER_MEMBERS_NOT_ON_WINDOWS = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const

export function validateOs(errors: FieldError[], at: string, spec: FrozenSpec): void {
  if (spec.os === undefined) return
  const { name = '' } = spec.os
  if (name === '') errors.push(fieldRequired(`${at}.os.name`, ''))
  else if (name === 'linux') forbidWindowsOptions(errors, at, spec)
  else if (name === 'windows') forbidLinuxMembers(errors, at, spec)
  else errors.push(fieldNotSupported(`${at}.os`, name, ['linux', 'windows']))
}

function forbidWindowsOptions(errors: FieldError[], at: string, spec: FrozenSpec): void {
  const detail = 'windows options cannot be set for a linux pod'
  if (spec.securityContext?.windowsOptions !== undefined) {
    errors.push(fieldForbidden(`${at}.securityContext.windowsOptions`, detail))
  }
  visitContainers(spec, ({ securityContext }, list, i) => {
    if (securityContext?.windowsOptions === undefined) return
    errors.push(fieldForbidden(`${at}.${list}[${i}].securityContext.windowsOptions`, detail))
  })
}

function forbidLinuxMembers(errors: FieldError[], at: string, spec: FrozenSpec): void {
  const forbid = (path: string): void => {
    errors.push(fieldForbidden(`${at}.${path}`, NOT_ON_WINDOWS))
  }
  for (const path of POD_MEMBERS_NOT_ON_WINDOWS) {
    const [parent = '', member = parent] = path.split('.')
    const owner = (member === parent ? spec : spec.securityContext) as Readonly<Record<string, unknown>> | undefined
    const value = owner?.[member]
    const isNothing = Array.isArray(value) && value.length === 0 && member === 'sysctls'
    const isOff = value === false && (member === 'hostPID' || member === 'hostIPC')
    if (value !== undefined && !isNothing && !isOff) forbid(path)
  }
  visitContainers(spec, ({ securityContext }, list, i) => {
    for (const member of CONTAINER_MEMBERS_NOT_ON_WINDOWS) {
      if (securityContext?.[member] !== undefined) forbid(`${list}[${i}].securityContext.${member}`)
    }
  })
}

/** All containers or none are HostProcess containers, and they share the host's network. */
export function validateHostProcess(errors: FieldError[], at: string, spec: FrozenSpec): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  let containers = 0
  let hostProcesses = 0
  visitContainers(spec, ({ securityContext }, list, i) => {
    containers++
    const own = securityContext?.windowsOptions?.hostProcess
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      const detail = `pod hostProcess value must be identical if both are specified, was ${ofPod}`
      const field = `${at}.${list}[${i}].securityContext.windowsOptions.hostProcess`
      errors.push(fieldInvalid(field, own, detail))
    }
    if (own ?? ofPod ?? false) hostProcesses++
  })
  if (hostProcesses === 0) return
  if (hostProcesses !== containers) {
    const detail = 'If pod contains any hostProcess containers then all containers must be HostProcess containers'
    errors.push(fieldInvalid(at, '', detail))
  }
  if (spec.hostNetwork !== true) {
    const detail = 'hostNetwork must be true if pod contains any hostProcess containers'
    errors.push(fieldInvalid(`${at}.hostNetwork`, false, detail))
  }
}

/** A pod in a user namespace of its own shares no other namespace with the host. */
export function validateHostUsers(errors: FieldError[], at: string, spec: FrozenSpec, rules: PodRules): void {
  if (spec.hostUsers !== false) return
  const detail = 'when `hostUsers` is false'
  if (spec.hostNetwork === true && !rules.allowsHostNetworkInUserNamespace) {
    errors.push(fieldForbidden(`${at}.hostNetwork`, detail))
  }
  if (spec.hostPID === true) errors.push(fieldForbidden(`${at}.HostPID`, detail))
  if (spec.hostIPC === true) errors.push(fieldForbidden(`${at}.HostIPC`, detail))
  if (rules.allowsDevicesInUserNamespace) return
  visitContainers(spec, ({ volumeDevices = [] }, list, i) => {
    if (volumeDevices.length > 0) errors.push(fieldForbidden(`${at}.${list}[${i}].volumeDevices`, detail))
  })
}
