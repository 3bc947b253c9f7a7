/**
 * Pods and pod templates, on create. Containers and volumes have files of their own.
 * Upstream: pkg/apis/core/validation/validation.go ValidatePodCreate, ValidatePodSpec. The rarely used parts (Windows,
 * dynamic resources, legacy volume types' fields) are not checked yet.
 */
import type { Pod, PodSpec, PodTemplateSpec, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import {
  inclusiveRangeMessage,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
  isValidIp,
  isValidUserId,
} from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import {
  addInvalid,
  checkLabelSelector,
  checkLabels,
  checkNonNegative,
  checkOneOf,
  checkTemplateMeta,
} from '../../validation.ts'
import { validateAffinity } from './affinity-validation.ts'
import { validateContainers } from './container-validation.ts'
import { validateVolumes } from './volume-validation.ts'

const MAX_INT_32 = 2 ** 31 - 1
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const DNS_NAMESERVERS_MAX = 3

export function validatePod(pod: DeepReadonly<Pod>): FieldError[] {
  const errors: FieldError[] = []
  validatePodSpec(errors, 'spec', pod.spec)
  if ((pod.spec.ephemeralContainers ?? []).length > 0) {
    errors.push(fieldForbidden('spec.ephemeralContainers', 'cannot be set on create'))
  }
  return errors
}

/** A workload's template. `restartPolicies`: the values its controller can live with. */
export function validatePodTemplate(
  errors: FieldError[],
  field: string,
  template: DeepReadonly<PodTemplateSpec> | undefined,
): void {
  checkTemplateMeta(errors, `${field}.metadata`, template?.metadata)
  validatePodSpec(errors, `${field}.spec`, template?.spec ?? { containers: [] })
  if ((template?.spec?.ephemeralContainers ?? []).length > 0) {
    errors.push(fieldForbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
  }
}

function validatePodSpec(errors: FieldError[], field: string, spec: DeepReadonly<PodSpec>): void {
  const volumes = validateVolumes(errors, `${field}.volumes`, spec.volumes)
  validateContainers(errors, field, spec, volumes)
  checkOneOf(errors, `${field}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never'])
  checkOneOf(errors, `${field}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES)
  checkLabels(errors, `${field}.nodeSelector`, spec.nodeSelector)
  validateIdentity(errors, field, spec)
  validateLifetime(errors, field, spec)
  validateHostNamespaces(errors, field, spec)
  validatePodSecurityContext(errors, `${field}.securityContext`, spec)
  validateTolerations(errors, `${field}.tolerations`, spec.tolerations)
  validateDns(errors, field, spec)
  if (spec.affinity !== undefined) validateAffinity(errors, `${field}.affinity`, spec.affinity)
  validateTopologySpread(errors, `${field}.topologySpreadConstraints`, spec)
  if ((spec.priorityClassName ?? '') !== '') {
    addInvalid(
      errors,
      `${field}.priorityClassName`,
      spec.priorityClassName,
      isDns1123Subdomain(spec.priorityClassName ?? ''),
    )
  }
  if ((spec.runtimeClassName ?? '') !== '') {
    addInvalid(
      errors,
      `${field}.runtimeClassName`,
      spec.runtimeClassName,
      isDns1123Subdomain(spec.runtimeClassName ?? ''),
    )
  }
  if (spec.preemptionPolicy !== undefined) {
    checkOneOf(errors, `${field}.preemptionPolicy`, spec.preemptionPolicy, ['Never', 'PreemptLowerPriority'])
  }
  if (spec.os !== undefined) checkOneOf(errors, `${field}.os.name`, spec.os.name, ['linux', 'windows'])
}

function validateIdentity(errors: FieldError[], field: string, spec: DeepReadonly<PodSpec>): void {
  const { serviceAccountName = '', nodeName = '', hostname = '', subdomain = '' } = spec
  if (serviceAccountName !== '') {
    addInvalid(errors, `${field}.serviceAccountName`, serviceAccountName, isDns1123Subdomain(serviceAccountName))
  }
  if (nodeName !== '') addInvalid(errors, `${field}.nodeName`, nodeName, isDns1123Subdomain(nodeName))
  if (hostname !== '') addInvalid(errors, `${field}.hostname`, hostname, isDns1123Label(hostname))
  if (subdomain !== '') addInvalid(errors, `${field}.subdomain`, subdomain, isDns1123Label(subdomain))
  ;(spec.imagePullSecrets ?? []).forEach(({ name = '' }, i) => {
    if (name === '') errors.push(fieldRequired(`${field}.imagePullSecrets[${i}].name`, ''))
  })
  ;(spec.hostAliases ?? []).forEach(({ ip, hostnames }, i) => {
    addInvalid(errors, `${field}.hostAliases[${i}].ip`, ip, isValidIp(ip))
    ;(hostnames ?? []).forEach((alias) => {
      addInvalid(errors, `${field}.hostAliases[${i}].hostnames`, alias, isDns1123Subdomain(alias))
    })
  })
  const gates = new Set<string>()
  ;(spec.schedulingGates ?? []).forEach(({ name }, i) => {
    addInvalid(errors, `${field}.schedulingGates[${i}]`, name, isQualifiedName(name))
    if (gates.has(name)) errors.push(fieldDuplicate(`${field}.schedulingGates[${i}]`, name))
    gates.add(name)
  })
  ;(spec.readinessGates ?? []).forEach(({ conditionType }, i) => {
    addInvalid(errors, `${field}.readinessGates[${i}].conditionType`, conditionType, isQualifiedName(conditionType))
  })
}

function validateLifetime(errors: FieldError[], field: string, spec: DeepReadonly<PodSpec>): void {
  const { activeDeadlineSeconds: deadline, terminationGracePeriodSeconds: grace } = spec
  if (deadline !== undefined && (deadline < 1 || deadline > MAX_INT_32)) {
    errors.push(fieldInvalid(`${field}.activeDeadlineSeconds`, deadline, inclusiveRangeMessage(1, MAX_INT_32)))
  }
  if (grace === undefined) errors.push(fieldRequired(`${field}.terminationGracePeriodSeconds`, ''))
}

function validateHostNamespaces(errors: FieldError[], field: string, spec: DeepReadonly<PodSpec>): void {
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    const detail = 'ShareProcessNamespace and HostPID cannot both be enabled'
    errors.push(fieldInvalid(`${field}.shareProcessNamespace`, true, detail))
  }
  if (spec.hostNetwork !== true) return
  spec.containers.forEach((container, i) => {
    ;(container.ports ?? []).forEach((port, j) => {
      if (port.hostPort === port.containerPort) return
      const at = `${field}.containers[${i}].ports[${j}].containerPort`
      errors.push(fieldInvalid(at, port.containerPort, 'must match `hostPort` when `hostNetwork` is true'))
    })
  })
}

function validatePodSecurityContext(
  errors: FieldError[],
  field: string,
  { securityContext }: DeepReadonly<PodSpec>,
): void {
  if (securityContext === undefined) return
  const { runAsUser, runAsGroup, fsGroup, supplementalGroups = [] } = securityContext
  if (runAsUser !== undefined) addInvalid(errors, `${field}.runAsUser`, runAsUser, isValidUserId(runAsUser))
  if (runAsGroup !== undefined) addInvalid(errors, `${field}.runAsGroup`, runAsGroup, isValidUserId(runAsGroup))
  if (fsGroup !== undefined) addInvalid(errors, `${field}.fsGroup`, fsGroup, isValidUserId(fsGroup))
  supplementalGroups.forEach((group, i) => {
    addInvalid(errors, `${field}.supplementalGroups[${i}]`, group, isValidUserId(group))
  })
  if (securityContext.fsGroupChangePolicy !== undefined) {
    const supported = ['Always', 'OnRootMismatch']
    checkOneOf(errors, `${field}.fsGroupChangePolicy`, securityContext.fsGroupChangePolicy, supported, 'unsupported')
  }
  const sysctls = new Set<string>()
  ;(securityContext.sysctls ?? []).forEach(({ name = '' }, i) => {
    if (name === '') errors.push(fieldRequired(`${field}.sysctls[${i}].name`, ''))
    else if (sysctls.has(name)) errors.push(fieldDuplicate(`${field}.sysctls[${i}].name`, name))
    sysctls.add(name)
  })
}

export function validateTolerations(
  errors: FieldError[],
  field: string,
  tolerations: readonly DeepReadonly<Toleration>[] | undefined,
): void {
  ;(tolerations ?? []).forEach(({ key = '', operator = '', value = '', effect = '', tolerationSeconds }, i) => {
    const at = `${field}[${i}]`
    if (key !== '') addInvalid(errors, `${at}.key`, key, isQualifiedName(key))
    if (key === '' && operator !== 'Exists') {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
      errors.push(fieldInvalid(`${at}.operator`, operator, detail))
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.push(fieldInvalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    }
    if (operator === 'Equal' || operator === '') addInvalid(errors, `${at}.operator`, value, isLabelValue(value))
    else if (operator === 'Exists') {
      const detail = "value must be empty when `operator` is 'Exists'"
      if (value !== '') errors.push(fieldInvalid(`${at}.operator`, value, detail))
    } else checkOneOf(errors, `${at}.operator`, operator, ['Equal', 'Exists'])
    const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
    checkOneOf(errors, `${at}.effect`, effect, effects, 'allowed')
  })
}

function validateDns(errors: FieldError[], field: string, spec: DeepReadonly<PodSpec>): void {
  const nameservers = spec.dnsConfig?.nameservers ?? []
  const at = `${field}.dnsConfig.nameservers`
  if (spec.dnsPolicy === 'None') {
    if (spec.dnsConfig === undefined) {
      const detail = 'must provide `dnsConfig` when `dnsPolicy` is None'
      errors.push(fieldRequired(`${field}.dnsConfig`, detail))
      return
    }
    if (nameservers.length === 0) {
      errors.push(fieldRequired(at, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
    }
  }
  if (nameservers.length > DNS_NAMESERVERS_MAX) {
    errors.push(fieldInvalid(at, nameservers, `must not have more than ${DNS_NAMESERVERS_MAX} nameservers`))
  }
  nameservers.forEach((ip, i) => {
    addInvalid(errors, `${at}[${i}]`, ip, isValidIp(ip))
  })
}

function validateTopologySpread(errors: FieldError[], field: string, spec: DeepReadonly<PodSpec>): void {
  ;(spec.topologySpreadConstraints ?? []).forEach((constraint, i) => {
    const at = `${field}[${i}]`
    if ((constraint.maxSkew ?? 0) <= 0) {
      errors.push(fieldInvalid(`${at}.maxSkew`, constraint.maxSkew ?? 0, 'must be greater than zero'))
    }
    if ((constraint.topologyKey ?? '') === '') errors.push(fieldRequired(`${at}.topologyKey`, 'can not be empty'))
    const actions = ['DoNotSchedule', 'ScheduleAnyway']
    checkOneOf(errors, `${at}.whenUnsatisfiable`, constraint.whenUnsatisfiable, actions, 'unsupported')
    checkNonNegative(errors, `${at}.minDomains`, constraint.minDomains)
    checkLabelSelector(errors, `${at}.labelSelector`, constraint.labelSelector)
  })
}
