/**
 * Pods and pod templates, on create; each part has a file of its own. Paths are built only for what is wrong or nested,
 * because every pod and every workload comes through here. Upstream: pkg/apis/core/validation/validation.go
 * ValidatePodCreate, ValidatePodTemplateSpec, ValidatePodSpec.
 */
import type {
  Pod,
  PodResourceClaim,
  PodSchedulingGroup,
  PodSpec,
  PodTemplate,
  PodTemplateSpec,
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
import { inclusiveRangeMessage, isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkLabels, checkTemplateMeta } from '../../validation.ts'
import { validateAffinity } from './affinity-validation.ts'
import { MIRROR_POD, validatePodAnnotations, validateProfileMatches } from './annotations-validation.ts'
import { checkImagePadding, validateContainers } from './container-validation.ts'
import { checkFileVolumes } from './env-validation.ts'
import {
  validateAccountAndNode,
  validateDnsConfig,
  validateHostAliases,
  validateHostNames,
  validateHostnameOverride,
} from './identity-validation.ts'
import { validateHostProcess, validateHostUsers, validateOs } from './os-validation.ts'
import { validateOverhead, validatePodResources } from './resources-validation.ts'
import type { PodRules } from './rules.ts'
import { DEFAULT_POD_RULES } from './rules.ts'
import {
  validateReadinessGates,
  validateSchedulingGates,
  validateTolerations,
  validateTopologySpread,
} from './scheduling-validation.ts'
import { validatePodSecurityContext } from './security-validation.ts'
import { validateVolumes } from './volume-validation.ts'

type FrozenSpec = DeepReadonly<PodSpec>

const MAX_INT_32 = 2 ** 31 - 1
const RESTART_POLICIES = ['Always', 'OnFailure', 'Never']
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never']
const NO_CLAIMS: ReadonlySet<string> = new Set()

export function validatePod(pod: DeepReadonly<Pod>, rules: PodRules = DEFAULT_POD_RULES): FieldError[] {
  const errors: FieldError[] = []
  validateMetadataAndSpec(errors, pod, rules)
  const { spec } = pod
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.push(fieldForbidden('spec.ephemeralContainers', 'cannot be set on create'))
  }
  if ((spec.nodeName ?? '') !== '' && (spec.schedulingGates ?? []).length > 0) {
    const detail = 'cannot be set until all schedulingGates have been cleared'
    errors.push(fieldForbidden('spec.nodeName', detail))
  }
  validateProfileMatches(errors, 'spec', pod.metadata.annotations, spec)
  return errors
}

/** What holds for a pod whenever it is written. ObjectMeta itself is the generic store's. */
export function validateMetadataAndSpec(
  errors: FieldError[],
  { metadata, spec }: DeepReadonly<Pod>,
  rules: PodRules,
): void {
  validatePodAnnotations(errors, 'metadata.annotations', metadata.annotations, spec, rules)
  validatePodSpec(errors, 'spec', spec, metadata, rules)
  if ((spec.serviceAccountName ?? '') === '') forbidTokens(errors, spec)
  for (const list of ['containers', 'initContainers'] as const) {
    spec[list]?.forEach((container, i) => {
      checkImagePadding(errors, `spec.${list}[${i}]`, container)
    })
  }
}

function forbidTokens(errors: FieldError[], spec: FrozenSpec): void {
  spec.volumes?.forEach(({ projected }, i) => {
    projected?.sources?.forEach(({ serviceAccountToken }, j) => {
      if (serviceAccountToken === undefined) return
      const field = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`
      errors.push(fieldForbidden(field, 'must not be specified when serviceAccountName is not set'))
    })
  })
}

export function validatePodTemplateObject(
  { template }: DeepReadonly<PodTemplate>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors: FieldError[] = []
  validatePodTemplate(errors, 'template', template, rules)
  return errors
}

/** A workload's template. Labels and annotations are reported without `metadata`, as upstream does. */
export function validatePodTemplate(
  errors: FieldError[],
  field: string,
  template: DeepReadonly<PodTemplateSpec> | undefined,
  rules: PodRules,
): void {
  const { metadata, spec = { containers: [] } } = template ?? {}
  checkTemplateMeta(errors, field, metadata)
  validatePodAnnotations(errors, `${field}.annotations`, metadata?.annotations, spec, rules)
  validatePodSpec(errors, `${field}.spec`, spec, undefined, rules)
  validateProfileMatches(errors, `${field}.spec`, metadata?.annotations, spec)
  if ((spec.ephemeralContainers ?? []).length > 0) {
    const detail = 'ephemeral containers not allowed in pod template'
    errors.push(fieldForbidden(`${field}.spec.ephemeralContainers`, detail))
  }
}

/** `meta` is given for pods only; what it decides is checked less strictly in templates. */
function validatePodSpec(
  errors: FieldError[],
  at: string,
  spec: FrozenSpec,
  meta: DeepReadonly<ObjectMeta> | undefined,
  rules: PodRules,
): void {
  if (spec.terminationGracePeriodSeconds === undefined) {
    errors.push(fieldRequired(`${at}.terminationGracePeriodSeconds`, ''))
  }
  const volumes = validateVolumes(errors, `${at}.volumes`, spec.volumes, meta)
  const claims = validateResourceClaims(errors, `${at}.resourceClaims`, spec.resourceClaims, meta)
  validateContainers(errors, at, spec, volumes, claims, rules)
  if (spec.resources !== undefined) validatePodResources(errors, `${at}.resources`, spec)
  if (spec.hostNetwork === true) checkHostPorts(errors, `${at}.containers`, spec, meta !== undefined)
  checkChoice(errors, `${at}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES)
  checkChoice(errors, `${at}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES)
  if (spec.nodeSelector !== undefined) checkLabels(errors, `${at}.nodeSelector`, spec.nodeSelector)
  validatePodSecurityContext(errors, `${at}.securityContext`, spec, rules)
  if (spec.affinity !== undefined) validateAffinity(errors, `${at}.affinity`, spec.affinity)
  if (spec.dnsConfig !== undefined || spec.dnsPolicy === 'None') {
    validateDnsConfig(errors, `${at}.dnsConfig`, spec.dnsConfig, spec.dnsPolicy)
  }
  if (spec.readinessGates !== undefined) validateReadinessGates(errors, `${at}.readinessGates`, spec.readinessGates)
  if (spec.schedulingGates !== undefined) validateSchedulingGates(errors, `${at}.schedulingGates`, spec.schedulingGates)
  if (spec.topologySpreadConstraints !== undefined) {
    validateTopologySpread(errors, `${at}.topologySpreadConstraints`, spec.topologySpreadConstraints)
  }
  validateHostProcess(errors, at, spec)
  validateHostUsers(errors, at, spec, rules)
  validateHostnameOverride(errors, at, spec)
  validateAccountAndNode(errors, at, spec)
  checkDeadline(errors, `${at}.activeDeadlineSeconds`, spec.activeDeadlineSeconds)
  validateHostNames(errors, at, spec)
  if (spec.tolerations !== undefined) validateTolerations(errors, `${at}.tolerations`, spec.tolerations, rules)
  if (spec.hostAliases !== undefined) validateHostAliases(errors, `${at}.hostAliases`, spec.hostAliases)
  validateClasses(errors, at, spec)
  validateOs(errors, at, spec)
  if (spec.schedulingGroup !== undefined) checkGroup(errors, `${at}.schedulingGroup`, spec.schedulingGroup)
  checkFileVolumes(errors, at, spec)
}

function checkDeadline(errors: FieldError[], field: string, deadline: number | undefined): void {
  if (deadline === undefined || (deadline >= 1 && deadline <= MAX_INT_32)) return
  errors.push(fieldInvalid(field, deadline, inclusiveRangeMessage(1, MAX_INT_32)))
}

function checkGroup(errors: FieldError[], field: string, group: DeepReadonly<PodSchedulingGroup>): void {
  const { podGroupName: name } = group
  if (name === undefined) {
    errors.push(fieldInvalid(`${field}.podGroupName`, null, 'must specify one of: `podGroupName`'))
  } else addInvalid(errors, `${field}.podGroupName`, name, isDns1123Label(name))
}

function checkChoice(errors: FieldError[], field: string, value = '', supported: readonly string[] = []): void {
  if (supported.includes(value)) return
  errors.push(value === '' ? fieldRequired(field, '') : fieldNotSupported(field, value, supported))
}

function validateClasses(errors: FieldError[], at: string, spec: FrozenSpec): void {
  const { priorityClassName = '', runtimeClassName, preemptionPolicy } = spec
  if (priorityClassName !== '') {
    addInvalid(errors, `${at}.priorityClassName`, priorityClassName, isDns1123Subdomain(priorityClassName))
  }
  if (runtimeClassName !== undefined) {
    addInvalid(errors, `${at}.runtimeClassName`, runtimeClassName, isDns1123Subdomain(runtimeClassName))
  }
  if (preemptionPolicy !== undefined) {
    checkChoice(errors, `${at}.preemptionPolicy`, preemptionPolicy, PREEMPTION_POLICIES)
  }
  if (spec.overhead !== undefined) validateOverhead(errors, `${at}.overhead`, spec.overhead)
}

/** On the host's network a port is what it is. Templates may leave the host port to the pod's defaults. */
function checkHostPorts(errors: FieldError[], field: string, spec: FrozenSpec, isPod: boolean): void {
  spec.containers.forEach(({ ports }, i) => {
    ports?.forEach(({ hostPort = 0, containerPort = 0 }, j) => {
      if (hostPort === containerPort || (hostPort === 0 && !isPod)) return
      const detail = 'must match `containerPort` when `hostNetwork` is true'
      errors.push(fieldInvalid(`${field}[${i}].ports[${j}].hostPort`, hostPort, detail))
    })
  })
}

/** Returns the names containers may refer to, valid or not. */
function validateResourceClaims(
  errors: FieldError[],
  field: string,
  claims: readonly DeepReadonly<PodResourceClaim>[] | undefined,
  meta: DeepReadonly<ObjectMeta> | undefined,
): ReadonlySet<string> {
  if (claims === undefined) return NO_CLAIMS
  const names = new Set<string>()
  const isStatic = meta?.annotations?.[MIRROR_POD] !== undefined
  claims.forEach((claim, i) => {
    if (isStatic) {
      errors.push(fieldForbidden('[]', 'static pods do not support resource claims'))
      if ((claim.name ?? '') !== '') names.add(claim.name)
      return
    }
    const at = `${field}[${i}]`
    const { name = '', resourceClaimName, resourceClaimTemplateName } = claim
    if (name === '') errors.push(fieldRequired(`${at}.name`, ''))
    else if (names.has(name)) errors.push(fieldDuplicate(`${at}.name`, name))
    else addInvalid(errors, `${at}.name`, name, isDns1123Label(name))
    if (name !== '') names.add(name)
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      const detail = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'
      errors.push(fieldInvalid(at, internalClaim(claim), detail))
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      const detail = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'
      errors.push(fieldInvalid(at, internalClaim(claim), detail))
    }
    for (const [member, value] of Object.entries({ resourceClaimName, resourceClaimTemplateName })) {
      if (value !== undefined) addInvalid(errors, `${at}.${member}`, value, isDns1123Subdomain(value))
    }
  })
  return names
}

/** As upstream prints its internal type. */
const internalClaim = (claim: DeepReadonly<PodResourceClaim>): object => ({
  Name: claim.name,
  ResourceClaimName: claim.resourceClaimName ?? null,
  ResourceClaimTemplateName: claim.resourceClaimTemplateName ?? null,
})
