/** Updates of a pod's status. Upstream: pkg/apis/core/validation ValidatePodStatusUpdate. */
import { isIP } from 'node:net'
import type {
  Container,
  ContainerRestartRule,
  ContainerStatus,
  Pod,
  PodSpec,
  PodStatus,
  ResourceStatus,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain, isQualifiedName, isValidUserId } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkLegacyIp } from '../../ip-validation.ts'
import { addInvalid, checkName } from '../../validation.ts'
import { checkAnnotations } from './update-validation.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenSpec = DeepReadonly<PodSpec>
type FrozenContainer = DeepReadonly<Container>
type FrozenStatus = DeepReadonly<ContainerStatus>

const SYSTEM_CONDITIONS: ReadonlySet<string> = new Set(['PodScheduled', 'Ready', 'Initialized'])
const HEALTH_VALUES = ['Healthy', 'Unhealthy', 'Unknown']
const HEALTH_MESSAGE_MAX = 1024
const NOT_A_GENERATION = 'must be a non-negative integer'
const NO_SUCH_CONTAINER = 'must match the name of an entry in spec.initContainers.name or spec.containers.name'
const NOT_REQUESTED =
  'must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests'

export function validatePodStatusUpdate(pod: FrozenPod, old: FrozenPod): FieldError[] {
  const errors: FieldError[] = []
  const status = pod.status ?? {}
  const before = old.status ?? {}
  checkAnnotations(errors, pod, old)
  checkConditions(errors, status)
  if ((pod.spec.nodeName ?? '') !== (old.spec.nodeName ?? '')) {
    errors.push(fieldForbidden('status.nodeName', 'may not be changed directly'))
  }
  checkNomination(errors, status, old)
  if ((status.observedGeneration ?? 0) < 0) {
    errors.push(fieldInvalid('status.observedGeneration', status.observedGeneration, NOT_A_GENERATION))
  }
  if (before.qosClass !== undefined && status.qosClass !== before.qosClass) {
    errors.push(fieldInvalid('status.qosClass', status.qosClass ?? '', 'field is immutable'))
  }
  checkTransitions(errors, status, before, old.spec)
  checkClaimStatuses(errors, pod)
  checkExtendedClaim(errors, pod)
  checkPodIps(errors, status, before)
  checkHostIps(errors, status, before)
  checkContainerStatuses(errors, pod)
  return errors
}

function checkConditions(errors: FieldError[], { conditions }: DeepReadonly<PodStatus>): void {
  conditions?.forEach(({ type = '', observedGeneration = 0 }, i) => {
    const at = `status.conditions[${i}]`
    if (observedGeneration < 0) {
      errors.push(fieldInvalid(`${at}.observedGeneration`, observedGeneration, NOT_A_GENERATION))
    }
    if (!SYSTEM_CONDITIONS.has(type)) addInvalid(errors, `${at}.Type`, type, isQualifiedName(type))
  })
}

/** A node is nominated only for a pod that has none. */
function checkNomination(
  errors: FieldError[],
  { nominatedNodeName = '' }: DeepReadonly<PodStatus>,
  old: FrozenPod,
): void {
  if (nominatedNodeName === '' || nominatedNodeName === old.status?.nominatedNodeName) return
  const at = 'status.nominatedNodeName'
  addInvalid(errors, at, nominatedNodeName, isDns1123Subdomain(nominatedNodeName))
  if ((old.spec.nodeName ?? '') === '') return
  errors.push(fieldForbidden(at, 'may not be set on pods that are already bound to a node'))
}

const STATUS_LISTS = [
  ['containerStatuses', 'containers'],
  ['initContainerStatuses', 'initContainers'],
  ['ephemeralContainerStatuses', 'ephemeralContainers'],
] as const

/** A container that has ended for good does not come back. */
function checkTransitions(
  errors: FieldError[],
  next: DeepReadonly<PodStatus>,
  before: DeepReadonly<PodStatus>,
  spec: FrozenSpec,
): void {
  const mayAllRestart = [...spec.containers, ...(spec.initContainers ?? [])].some(({ restartPolicyRules = [] }) =>
    restartPolicyRules.some(({ action }) => action === 'RestartAllContainers'),
  )
  for (const [list, containers] of STATUS_LISTS) {
    const isEphemeral = containers === 'ephemeralContainers'
    if (mayAllRestart && !isEphemeral) continue
    before[list]?.forEach((status, i) => {
      const terminated = status.state?.terminated
      if (terminated === undefined) return
      const now = next[list]?.find(({ name }) => name === status.name)
      if (now === undefined || now.state?.terminated !== undefined) return
      const container = isEphemeral ? undefined : spec[containers]?.find(({ name }) => name === status.name)
      if (container !== undefined && mayRestart(container, spec.restartPolicy, terminated.exitCode)) return
      errors.push(fieldForbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state'))
    })
  }
}

/** Its rules, then its own policy, then the pod's. Upstream: podutil.ContainerShouldRestart. */
function mayRestart(container: FrozenContainer, podPolicy: string | undefined, exitCode: number): boolean {
  const { restartPolicy, restartPolicyRules = [] } = container
  if (restartPolicy !== undefined && restartPolicyRules.some((rule) => isMatch(rule, exitCode))) return true
  const policy = restartPolicy ?? podPolicy
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0)
}

function isMatch({ exitCodes }: DeepReadonly<ContainerRestartRule>, exitCode: number): boolean {
  if (exitCodes === undefined) return false
  const isListed = (exitCodes.values ?? []).includes(exitCode)
  return exitCodes.operator === 'In' ? isListed : exitCodes.operator === 'NotIn' && !isListed
}

function checkClaimStatuses(errors: FieldError[], pod: FrozenPod): void {
  const names = new Set<string>()
  pod.status?.resourceClaimStatuses?.forEach(({ name = '', resourceClaimName }, i) => {
    const at = `status.resourceClaimStatuses[${i}]`
    if (!pod.spec.resourceClaims?.some((claim) => claim.name === name)) {
      errors.push(fieldInvalid(`${at}.name`, name, 'must match the name of an entry in `spec.resourceClaims`'))
    }
    if (names.has(name)) errors.push(fieldDuplicate(`${at}.name`, name))
    names.add(name)
    if (resourceClaimName !== undefined) {
      addInvalid(errors, `${at}.resourceClaimName`, resourceClaimName, isDns1123Subdomain(resourceClaimName))
    }
  })
}

/** The claim that the scheduler made for extended resources. Upstream: validatePodExtendedResourceClaimStatus. */
function checkExtendedClaim(errors: FieldError[], { status, spec }: FrozenPod): void {
  const claim = status?.extendedResourceClaimStatus
  if (claim === undefined) return
  const at = 'status.extendedResourceClaimStatus'
  const { requestMappings = [], resourceClaimName } = claim
  if (requestMappings.length === 0) {
    errors.push(fieldRequired(`${at}.requestMappings`, 'at least one request mapping is required'))
  }
  const containers = new Map(
    [...(spec.initContainers ?? []), ...spec.containers].map((container) => [container.name, container]),
  )
  const seen = new Set<string>()
  requestMappings.forEach(({ containerName = '', resourceName = '', requestName = '' }, i) => {
    const field = `${at}.requestMappings[${i}]`
    const container = containers.get(containerName)
    if (container === undefined) errors.push(fieldInvalid(`${field}.containerName`, containerName, NO_SUCH_CONTAINER))
    else if (!Object.hasOwn(container.resources?.requests ?? {}, resourceName)) {
      errors.push(fieldInvalid(`${field}.resourceName`, resourceName, NOT_REQUESTED))
    }
    addInvalid(errors, `${at}.requestName`, requestName, isDns1123Label(requestName))
    const key = JSON.stringify([containerName, resourceName, requestName])
    if (seen.has(key)) {
      for (const [member, value] of Object.entries({ containerName, resourceName, requestName })) {
        errors.push(fieldDuplicate(`${field}.${member}`, value))
      }
    }
    seen.add(key)
  })
  checkName(errors, `${at}.resourceClaimName`, resourceClaimName, isDns1123Subdomain)
}

type Status = DeepReadonly<PodStatus>

function checkPodIps(errors: FieldError[], { podIPs = [] }: Status, before: Status): void {
  const ips = podIPs.map(({ ip = '' }) => ip)
  checkIps(errors, 'status.podIPs', ips, before.podIPs)
}

function checkHostIps(errors: FieldError[], { hostIP = '', hostIPs = [] }: Status, before: Status): void {
  const ips = hostIPs.map(({ ip = '' }) => ip)
  const [first] = ips
  if (first === undefined) return
  if (first !== hostIP) errors.push(fieldInvalid('status.hostIPs[0].ip', first, 'must be equal to `hostIP`'))
  checkIps(errors, 'status.hostIPs', ips, before.hostIPs)
}

/** What was stored stays valid whatever its form. */
function checkIps(
  errors: FieldError[],
  field: string,
  ips: readonly string[],
  before: readonly { readonly ip?: string }[] | undefined,
): void {
  const kept = before?.map(({ ip = '' }) => ip)
  ips.forEach((ip, i) => {
    checkLegacyIp(errors, `${field}[${i}]`, ip, kept)
  })
  if (ips.length > 1 && !isDualStack(ips)) refuseFamilies(errors, field, ips)
}

const isDualStack = (ips: readonly string[]): boolean =>
  ips.length === 2 && new Set(ips.map((ip) => isIP(ip))).size === 2

function refuseFamilies(errors: FieldError[], field: string, ips: readonly string[]): void {
  const shown = ips.map((ip) => ({ IP: ip }))
  errors.push(fieldInvalid(field, shown, 'may specify no more than one IP for each IP family'))
}

function checkContainerStatuses(errors: FieldError[], { spec, status }: FrozenPod): void {
  for (const [list] of STATUS_LISTS) {
    status?.[list]?.forEach((one, i) => {
      checkUser(errors, `status.${list}[${i}].user.linux`, one, spec.os?.name ?? 'linux')
    })
  }
  for (const [list, containers] of STATUS_LISTS) {
    status?.[list]?.forEach((one, i) => {
      const at = `status.${list}[${i}].allocatedResourcesStatus`
      const allocations = one.allocatedResourcesStatus ?? []
      if (containers !== 'ephemeralContainers') {
        const container = spec[containers]?.find(({ name }) => name === one.name)
        allocations.forEach((allocated, j) => {
          checkAllocated(errors, `${at}[${j}]`, allocated, container)
        })
      } else if (allocations.length > 0) errors.push(fieldForbidden(at, 'must not be specified in container status'))
    })
  }
}

function checkUser(errors: FieldError[], field: string, { user }: FrozenStatus, os: string): void {
  if (user?.linux === undefined) return
  if (os === 'windows') {
    errors.push(fieldForbidden(field, 'cannot be set for a windows pod'))
    return
  }
  const { uid, gid, supplementalGroups = [] } = user.linux
  addInvalid(errors, `${field}.uid`, uid, isValidUserId(uid))
  addInvalid(errors, `${field}.gid`, gid, isValidUserId(gid))
  supplementalGroups.forEach((group, i) => {
    addInvalid(errors, `${field}.supplementalGroups[${i}]`, group, isValidUserId(group))
  })
}

function checkAllocated(
  errors: FieldError[],
  at: string,
  { name, resources = [] }: DeepReadonly<ResourceStatus>,
  container: FrozenContainer | undefined,
): void {
  if (container !== undefined) {
    const asked = container.resources ?? {}
    const isClaim = name.startsWith('claim:')
    const known = isClaim
      ? (asked.claims ?? []).some((claim) => name === `claim:${claim.name}${claim.request ? `/${claim.request}` : ''}`)
      : Object.hasOwn(asked.requests ?? {}, name)
    const detail = isClaim
      ? "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
      : "must match one of the container's resource requests"
    if (!known) errors.push(fieldInvalid(`${at}.name`, name, detail))
  }
  const ids = new Set<string>()
  resources.forEach(({ health = '', resourceID, message }, k) => {
    if (!HEALTH_VALUES.includes(health)) {
      errors.push(fieldNotSupported(`${at}.resources[${k}].health`, health, HEALTH_VALUES))
    }
    if (message === '') {
      errors.push(fieldRequired(`${at}.resources[${k}].message`, 'must be non-empty if specified'))
    } else if (Buffer.byteLength(message ?? '') > HEALTH_MESSAGE_MAX) {
      errors.push(fieldTooLong(`${at}.resources[${k}].message`, HEALTH_MESSAGE_MAX))
    }
    if (ids.has(resourceID)) errors.push(fieldDuplicate(`${at}.resources[${k}].resourceID`, resourceID))
    ids.add(resourceID)
  })
}
