/** Updates of a pod's status. Upstream: pkg/apis/core/validation ValidatePodStatusUpdate. */
import { isIP } from 'node:net'
import type { ContainerStatus, Pod, PodStatus, ResourceStatus } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotSupported } from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain, isQualifiedName, isValidIp, isValidUserId } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from '../../validation.ts'
import { checkAnnotations } from './update-validation.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenStatus = DeepReadonly<ContainerStatus>

const SYSTEM_CONDITIONS: ReadonlySet<string> = new Set(['PodScheduled', 'Ready', 'Initialized'])
const HEALTH_VALUES = ['Healthy', 'Unhealthy', 'Unknown']

export function validatePodStatusUpdate(pod: FrozenPod, old: FrozenPod): FieldError[] {
  const errors: FieldError[] = []
  const status = pod.status ?? {}
  const before = old.status ?? {}
  checkAnnotations(errors, pod, old)
  status.conditions?.forEach(({ type = '' }, i) => {
    if (SYSTEM_CONDITIONS.has(type)) return
    addInvalid(errors, `metadata.conditions[${i}].Type`, type, isQualifiedName(type))
  })
  if ((pod.spec.nodeName ?? '') !== (old.spec.nodeName ?? '')) {
    errors.push(fieldForbidden('status.nodeName', 'may not be changed directly'))
  }
  const nominated = status.nominatedNodeName ?? ''
  if (nominated !== '' && nominated !== before.nominatedNodeName) {
    addInvalid(errors, 'status.nominatedNodeName', nominated, isDns1123Subdomain(nominated))
  }
  if (before.qosClass !== undefined && status.qosClass !== before.qosClass) {
    errors.push(fieldInvalid('status.qosClass', status.qosClass ?? '', 'field is immutable'))
  }
  checkTransitions(errors, status, before, old)
  checkClaimStatuses(errors, pod)
  checkPodIps(errors, status)
  checkHostIps(errors, status)
  checkContainerStatuses(errors, pod)
  return errors
}

/** A container that has ended for good does not come back. */
function checkTransitions(
  errors: FieldError[],
  next: DeepReadonly<PodStatus>,
  before: DeepReadonly<PodStatus>,
  old: FrozenPod,
): void {
  const policies = new Map<string, string>()
  for (const { name, restartPolicy, restartPolicyRules } of [
    ...old.spec.containers,
    ...(old.spec.initContainers ?? []),
  ]) {
    // Rules may restart whatever the policy says.
    if (restartPolicyRules !== undefined && restartPolicyRules.length > 0) policies.set(name, 'Always')
    else if (restartPolicy !== undefined) policies.set(name, restartPolicy)
  }
  for (const list of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const) {
    before[list]?.forEach((status, i) => {
      const terminated = status.state?.terminated
      if (terminated === undefined) return
      const ofPod = list === 'ephemeralContainerStatuses' ? 'Never' : (old.spec.restartPolicy ?? 'Always')
      const policy = list === 'ephemeralContainerStatuses' ? 'Never' : (policies.get(status.name) ?? ofPod)
      if (policy === 'Always' || (policy === 'OnFailure' && terminated.exitCode !== 0)) return
      const now = next[list]?.find(({ name }) => name === status.name)
      if (now === undefined || now.state?.terminated !== undefined) return
      errors.push(fieldForbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state'))
    })
  }
}

function checkClaimStatuses(errors: FieldError[], pod: FrozenPod): void {
  const names = new Set<string>()
  pod.status?.resourceClaimStatuses?.forEach(({ name = '', resourceClaimName }, i) => {
    const at = `status.resourceClaimStatuses[${i}].name`
    if (!pod.spec.resourceClaims?.some((claim) => claim.name === name)) {
      errors.push(fieldInvalid(at, name, 'must match the name of an entry in `spec.resourceClaims`'))
    }
    if (names.has(name)) errors.push(fieldDuplicate(at, name))
    names.add(name)
    if (resourceClaimName !== undefined) {
      addInvalid(errors, at, resourceClaimName, isDns1123Subdomain(resourceClaimName))
    }
  })
}

function checkPodIps(errors: FieldError[], { podIPs = [] }: DeepReadonly<PodStatus>): void {
  const ips = podIPs.map(({ ip = '' }) => ip)
  checkIps(errors, 'status.podIPs', ips)
  if (ips.length > 1 && !isDualStack(ips)) refuseFamilies(errors, 'status.podIPs', ips)
  checkIpDuplicates(errors, 'status.podIPs', ips)
}

function checkHostIps(errors: FieldError[], { hostIP = '', hostIPs = [] }: DeepReadonly<PodStatus>): void {
  const ips = hostIPs.map(({ ip = '' }) => ip)
  const [first] = ips
  if (first === undefined) return
  if (first !== hostIP) errors.push(fieldInvalid('status.hostIPs[0].ip', first, 'must be equal to `hostIP`'))
  checkIps(errors, 'status.hostIPs', ips)
  checkIpDuplicates(errors, 'status.hostIPs', ips)
  if (ips.length > 1 && !isDualStack(ips)) refuseFamilies(errors, 'status.hostIPs', ips)
}

function checkIps(errors: FieldError[], field: string, ips: readonly string[]): void {
  ips.forEach((ip, i) => {
    addInvalid(errors, `${field}[${i}]`, ip, isValidIp(ip))
  })
}

function checkIpDuplicates(errors: FieldError[], field: string, ips: readonly string[]): void {
  ips.forEach((ip, i) => {
    if (ips.indexOf(ip) !== i) errors.push(fieldDuplicate(`${field}[${i}]`, { IP: ip }))
  })
}

const isDualStack = (ips: readonly string[]): boolean =>
  ips.length === 2 && new Set(ips.map((ip) => isIP(ip))).size === 2

function refuseFamilies(errors: FieldError[], field: string, ips: readonly string[]): void {
  const shown = ips.map((ip) => ({ IP: ip }))
  errors.push(fieldInvalid(field, shown, 'may specify no more than one IP for each IP family'))
}

function checkContainerStatuses(errors: FieldError[], pod: FrozenPod): void {
  const lists = [
    ['containerStatuses', 'containers'],
    ['initContainerStatuses', 'initContainers'],
    ['ephemeralContainerStatuses', 'ephemeralContainers'],
  ] as const
  for (const [list, containers] of lists) {
    pod.status?.[list]?.forEach((status, i) => {
      const at = `status.${list}[${i}]`
      checkUser(errors, `${at}.linux`, status, pod.spec.os?.name ?? 'linux')
      if (containers === 'ephemeralContainers') {
        if ((status.allocatedResourcesStatus ?? []).length === 0) return
        const detail = 'must not be specified in container status'
        errors.push(fieldForbidden(`${at}.allocatedResourcesStatus`, detail))
        return
      }
      const container = pod.spec[containers]?.find(({ name }) => name === status.name)
      status.allocatedResourcesStatus?.forEach((allocated, j) => {
        checkAllocated(errors, `${at}.allocatedResourcesStatus[${j}]`, allocated, container?.resources)
      })
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
  asked: DeepReadonly<Pod>['spec']['containers'][number]['resources'] | undefined,
): void {
  if (asked !== undefined) {
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
  resources.forEach(({ health = '', resourceID }, k) => {
    if (!HEALTH_VALUES.includes(health)) {
      errors.push(fieldNotSupported(`${at}.resources[${k}].health`, health, HEALTH_VALUES))
    }
    if (ids.has(resourceID)) errors.push(fieldDuplicate(`${at}.resources[${k}].resourceID`, resourceID))
    ids.add(resourceID)
  })
}
