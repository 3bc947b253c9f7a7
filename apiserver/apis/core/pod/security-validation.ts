/**
 * Security contexts of pods and containers. The host namespaces, which upstream keeps in its internal security context,
 * are read from the spec. Upstream: pkg/apis/core/validation validatePodSpecSecurityContext, ValidateSecurityContext.
 */
import type {
  AppArmorProfile,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  WindowsSecurityContextOptions,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain, isValidUserId } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from '../../validation.ts'
import { checkDescendingPath } from './paths.ts'
import type { PodRules } from './rules.ts'

type FrozenContext = DeepReadonly<SecurityContext>

const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined']
const APPARMOR_PROFILE_MAX = 4095
const GMSA_SPEC_MAX_KIB = 64
const SYSCTL_NAME_MAX = 253
const SYSCTL_FORMAT = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'
const SYSCTL_NAME = new RegExp(SYSCTL_FORMAT)
const IPC_SYSCTLS: ReadonlySet<string> = new Set(['kernel.sem'])
const IPC_SYSCTL_PREFIXES = ['kernel.shm', 'kernel.msg', 'fs.mqueue.']
const FS_GROUP_POLICIES = ['Always', 'OnRootMismatch']
const GROUPS_POLICIES = ['Merge', 'Strict']
const SELINUX_POLICIES = ['MountOption', 'Recursive']

export function validatePodSecurityContext(
  errors: FieldError[],
  field: string,
  spec: DeepReadonly<PodSpec>,
  rules: PodRules,
): void {
  const { securityContext: context = {} } = spec
  checkId(errors, field, 'fsGroup', context.fsGroup)
  checkId(errors, field, 'runAsUser', context.runAsUser)
  checkId(errors, field, 'runAsGroup', context.runAsGroup)
  context.supplementalGroups?.forEach((group, i) => {
    addInvalid(errors, `${field}.supplementalGroups[${i}]`, group, isValidUserId(group))
  })
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    const detail = 'ShareProcessNamespace and HostPID cannot both be enabled'
    errors.push(fieldInvalid(`${field}.shareProcessNamespace`, true, detail))
  }
  validateSysctls(errors, `${field}.sysctls`, spec)
  const { fsGroupChangePolicy, supplementalGroupsPolicy, seLinuxChangePolicy } = context
  checkPolicy(errors, `${field}.fsGroupChangePolicy`, fsGroupChangePolicy, FS_GROUP_POLICIES)
  if (context.seccompProfile !== undefined) validateSeccomp(errors, `${field}.seccompProfile`, context.seccompProfile)
  if (context.windowsOptions !== undefined) validateWindows(errors, `${field}.windowsOptions`, context.windowsOptions)
  if (context.appArmorProfile !== undefined) {
    validateAppArmor(errors, `${field}.appArmorProfile`, context.appArmorProfile)
  }
  checkPolicy(errors, `${field}.supplementalGroupsPolicy`, supplementalGroupsPolicy, GROUPS_POLICIES)
  const policies = rules.allowsSeLinuxMounts ? SELINUX_POLICIES : ['Recursive']
  checkPolicy(errors, `${field}.seLinuxChangePolicy`, seLinuxChangePolicy, policies)
}

function checkId(errors: FieldError[], field: string, name: string, id: number | undefined): void {
  if (id !== undefined) addInvalid(errors, `${field}.${name}`, id, isValidUserId(id))
}

function checkPolicy(
  errors: FieldError[],
  field: string,
  policy: string | undefined,
  supported: readonly string[],
): void {
  if (policy !== undefined && !supported.includes(policy)) errors.push(fieldNotSupported(field, policy, supported))
}

function validateSysctls(errors: FieldError[], field: string, spec: DeepReadonly<PodSpec>): void {
  const names = new Set<string>()
  spec.securityContext?.sysctls?.forEach(({ name = '' }, i) => {
    const at = `${field}[${i}].name`
    if (name === '') errors.push(fieldRequired(at, ''))
    else if (name.length > SYSCTL_NAME_MAX || !SYSCTL_NAME.test(name)) {
      const detail = `must have at most ${SYSCTL_NAME_MAX} characters and match regex ${SYSCTL_FORMAT}`
      errors.push(fieldInvalid(at, name, detail))
    } else if (names.has(name)) errors.push(fieldDuplicate(at, name))
    const dotted = withDots(name)
    if (spec.hostNetwork === true && dotted.startsWith('net.')) {
      errors.push(fieldInvalid(at, name, "may not be specified when 'hostNetwork' is true"))
    } else if (spec.hostIPC === true && isIpcSysctl(dotted)) {
      errors.push(fieldInvalid(at, name, "may not be specified when 'hostIPC' is true"))
    }
    names.add(name)
  })
}

const isIpcSysctl = (name: string): boolean =>
  IPC_SYSCTLS.has(name) || IPC_SYSCTL_PREFIXES.some((prefix) => name.startsWith(prefix))

/** `a/b.c` is another spelling of `a.b/c`; the first separator says which is meant. */
function withDots(name: string): string {
  const first = /[./]/.exec(name)?.[0]
  if (first !== '/') return name
  return name.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/'))
}

export function validateSecurityContext(
  errors: FieldError[],
  field: string,
  context: FrozenContext,
  usesHostUsers: boolean,
): void {
  const { procMount, seccompProfile, windowsOptions, appArmorProfile, allowPrivilegeEscalation } = context
  checkId(errors, field, 'runAsUser', context.runAsUser)
  checkId(errors, field, 'runAsGroup', context.runAsGroup)
  if (procMount !== undefined) {
    checkPolicy(errors, `${field}.procMount`, procMount, ['Default', 'Unmasked'])
    if (usesHostUsers && procMount === 'Unmasked') {
      errors.push(fieldInvalid(`${field}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`'))
    }
  }
  if (seccompProfile !== undefined) validateSeccomp(errors, `${field}.seccompProfile`, seccompProfile)
  if (allowPrivilegeEscalation === false) checkEscalation(errors, field, context)
  if (windowsOptions !== undefined) validateWindows(errors, `${field}.windowsOptions`, windowsOptions)
  if (appArmorProfile !== undefined) validateAppArmor(errors, `${field}.appArmorProfile`, appArmorProfile)
}

function checkEscalation(errors: FieldError[], field: string, context: FrozenContext): void {
  if (context.privileged === true) {
    const detail = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'
    errors.push(fieldInvalid(field, internalContext(context), detail))
  }
  for (const capability of context.capabilities?.add ?? []) {
    if (capability !== 'CAP_SYS_ADMIN') continue
    const detail = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'
    errors.push(fieldInvalid(field, internalContext(context), detail))
  }
}

/** The context as upstream prints it: its internal type has Go's member names and says null for what is absent. */
function internalContext(context: FrozenContext): object {
  const { capabilities, seLinuxOptions, windowsOptions, seccompProfile, appArmorProfile } = context
  return {
    Capabilities:
      capabilities === undefined ? null : { Add: capabilities.add ?? null, Drop: capabilities.drop ?? null },
    Privileged: context.privileged ?? null,
    SELinuxOptions:
      seLinuxOptions === undefined
        ? null
        : {
            User: seLinuxOptions.user ?? '',
            Role: seLinuxOptions.role ?? '',
            Type: seLinuxOptions.type ?? '',
            Level: seLinuxOptions.level ?? '',
          },
    WindowsOptions:
      windowsOptions === undefined
        ? null
        : {
            GMSACredentialSpecName: windowsOptions.gmsaCredentialSpecName ?? null,
            GMSACredentialSpec: windowsOptions.gmsaCredentialSpec ?? null,
            RunAsUserName: windowsOptions.runAsUserName ?? null,
            HostProcess: windowsOptions.hostProcess ?? null,
          },
    RunAsUser: context.runAsUser ?? null,
    RunAsGroup: context.runAsGroup ?? null,
    RunAsNonRoot: context.runAsNonRoot ?? null,
    ReadOnlyRootFilesystem: context.readOnlyRootFilesystem ?? null,
    AllowPrivilegeEscalation: context.allowPrivilegeEscalation ?? null,
    ProcMount: context.procMount ?? null,
    SeccompProfile: seccompProfile === undefined ? null : internalProfile(seccompProfile),
    AppArmorProfile: appArmorProfile === undefined ? null : internalProfile(appArmorProfile),
  }
}

const internalProfile = (profile: DeepReadonly<SeccompProfile | AppArmorProfile>): object => ({
  Type: profile.type,
  LocalhostProfile: profile.localhostProfile ?? null,
})

function validateSeccomp(errors: FieldError[], field: string, profile: DeepReadonly<SeccompProfile>): void {
  const { type = '', localhostProfile } = profile
  if (type === '') errors.push(fieldRequired(`${field}.type`, 'type is required when seccompProfile is set'))
  else checkPolicy(errors, `${field}.type`, type, PROFILE_TYPES)
  if (type !== 'Localhost') {
    if (localhostProfile === undefined) return
    const detail = 'can only be set when seccomp type is Localhost'
    errors.push(fieldInvalid(`${field}.localhostProfile`, internalProfile(profile), detail))
  } else if (localhostProfile === undefined) {
    errors.push(fieldRequired(`${field}.localhostProfile`, 'must be set when seccomp type is Localhost'))
  } else checkDescendingPath(errors, `${field}.localhostProfile`, localhostProfile)
}

/** Upstream: ValidateAppArmorProfileField. */
function validateAppArmor(errors: FieldError[], field: string, profile: DeepReadonly<AppArmorProfile>): void {
  const { type = '', localhostProfile } = profile
  const at = `${field}.localhostProfile`
  if (type === '') errors.push(fieldRequired(`${field}.type`, 'type is required when appArmorProfile is set'))
  else if (!PROFILE_TYPES.includes(type)) errors.push(fieldNotSupported(`${field}.type`, type, PROFILE_TYPES))
  else if (type !== 'Localhost') {
    if (localhostProfile === undefined) return
    errors.push(fieldInvalid(at, localhostProfile, 'can only be set when AppArmor type is Localhost'))
  } else if (localhostProfile === undefined) {
    errors.push(fieldRequired(at, 'must be set when AppArmor type is Localhost'))
  } else {
    const trimmed = localhostProfile.trim()
    if (trimmed !== localhostProfile) {
      errors.push(fieldInvalid(at, localhostProfile, 'must not be padded with whitespace'))
    } else if (trimmed === '') errors.push(fieldRequired(at, 'must be set when AppArmor type is Localhost'))
    if (Buffer.byteLength(localhostProfile) > APPARMOR_PROFILE_MAX) {
      errors.push(fieldTooLong(at, APPARMOR_PROFILE_MAX))
    }
  }
}

function validateWindows(
  errors: FieldError[],
  field: string,
  options: DeepReadonly<WindowsSecurityContextOptions>,
): void {
  const { gmsaCredentialSpecName: specName, gmsaCredentialSpec: spec, runAsUserName } = options
  if (specName !== undefined) {
    addInvalid(errors, `${field}.gmsaCredentialSpecName`, specName, isDns1123Subdomain(specName))
  }
  if (spec !== undefined) {
    const at = `${field}.gmsaCredentialSpec`
    if (spec === '') errors.push(fieldInvalid(at, spec, 'gmsaCredentialSpec cannot be an empty string'))
    else if (Buffer.byteLength(spec) > GMSA_SPEC_MAX_KIB * 1024) {
      errors.push(fieldInvalid(at, spec, `gmsaCredentialSpec size must be under ${GMSA_SPEC_MAX_KIB} KiB`))
    }
  }
  if (runAsUserName === undefined) return
  for (const detail of windowsUserErrors(runAsUserName)) {
    errors.push(fieldInvalid(`${field}.runAsUserName`, runAsUserName, detail))
  }
}

const NETBIOS_DOMAIN = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/
const DNS_DOMAIN = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/

/** `DOMAIN\user`. */
function windowsUserErrors(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string']
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x1f\x7f]/.test(name)) return ['runAsUserName cannot contain control characters']
  const parts = name.split('\\')
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash']
  const user = parts.at(-1) ?? ''
  const domain = parts.length === 2 ? parts[0] : undefined
  const errors: string[] = []
  if (domain !== undefined) {
    if (domain.length >= 256) errors.push("runAsUserName's Domain length must be under 256 characters")
    if (!NETBIOS_DOMAIN.test(domain) && !DNS_DOMAIN.test(domain)) {
      errors.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
    }
  }
  if (user === '') errors.push("runAsUserName's User cannot be empty")
  else if (user.length > 104) errors.push("runAsUserName's User length must not be longer than 104 characters")
  if (/^[. ]+$/.test(user)) errors.push("runAsUserName's User cannot contain only periods or spaces")
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    errors.push(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`)
  }
  return errors
}
