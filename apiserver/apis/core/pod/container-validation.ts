/**
 * Containers of a pod: regular, init (sidecars among them) and ephemeral ones.
 * Upstream: pkg/apis/core/validation validateContainers, validateInitContainers, validateEphemeralContainers.
 */
import type {
  Container,
  ContainerPort,
  ContainerResizePolicy,
  ContainerRestartRule,
  EphemeralContainer,
  PodSpec,
} from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotFound,
  fieldNotSupported,
  fieldRequired,
  fieldTooMany,
} from '#machinery/meta/field-error.ts'
import { isDns1123Label, isValidPortName, isValidPortNumber } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from '../../validation.ts'
import { validateEnv, validateEnvFrom } from './env-validation.ts'
import { validateVolumeDevices, validateVolumeMounts } from './mount-validation.ts'
import type { HandlerContext } from './probe-validation.ts'
import { validateHandlers } from './probe-validation.ts'
import { validateResourceRequirements } from './resources-validation.ts'
import type { PodRules } from './rules.ts'
import { validateSecurityContext } from './security-validation.ts'
import type { PodVolumes } from './volumes.ts'

type FrozenContainer = DeepReadonly<Container>

/** What the checks of one container need to know of its pod. */
interface ContainerContext extends HandlerContext {
  readonly volumes: PodVolumes
  readonly claimNames: ReadonlySet<string>
  readonly podRestartPolicy: string
  readonly usesHostUsers: boolean
  readonly rules: PodRules
}

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']
const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError']
const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const RESTART_POLICIES = ['Always', 'Never', 'OnFailure']
const RESTART_ACTIONS = ['Restart', 'RestartAllContainers']
const RESTART_RULES_MAX = 20
const EXIT_CODES_MAX = 255
const RESIZE_RESOURCES = ['cpu', 'memory']
const RESIZE_POLICIES = ['NotRequired', 'RestartContainer']
const NOT_FOR_EPHEMERAL = 'cannot be set for an Ephemeral Container'
/** In the order of upstream's struct. */
const MEMBERS_NOT_FOR_EPHEMERAL = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const

export function validateContainers(
  errors: FieldError[],
  at: string,
  spec: DeepReadonly<PodSpec>,
  volumes: PodVolumes,
  claimNames: ReadonlySet<string>,
  rules: PodRules,
): void {
  const context: ContainerContext = {
    volumes,
    claimNames,
    gracePeriodSeconds: spec.terminationGracePeriodSeconds,
    os: spec.os,
    podRestartPolicy: spec.restartPolicy ?? '',
    usesHostUsers: spec.hostUsers !== false,
    rules,
  }
  validateRegular(errors, `${at}.containers`, spec.containers, context)
  if (spec.initContainers !== undefined) {
    validateInit(errors, `${at}.initContainers`, spec.initContainers, spec.containers, context)
  }
  if (spec.ephemeralContainers !== undefined) validateEphemeral(errors, `${at}.ephemeralContainers`, spec, context)
}

function validateRegular(
  errors: FieldError[],
  field: string,
  containers: readonly FrozenContainer[],
  context: ContainerContext,
): void {
  if (containers.length === 0) {
    errors.push(fieldRequired(field, ''))
    return
  }
  const names = new Set<string>()
  containers.forEach((container, i) => {
    const at = `${field}[${i}]`
    validateCommon(errors, at, container, context)
    const { name = '' } = container
    if (names.has(name)) errors.push(fieldDuplicate(`${at}.name`, name))
    names.add(name)
    validateHandlers(errors, at, container, context)
    validateRestartPolicy(errors, at, container)
  })
  checkHostPortConflicts(errors, field, containers)
}

function validateInit(
  errors: FieldError[],
  field: string,
  containers: readonly FrozenContainer[],
  regular: readonly FrozenContainer[],
  context: ContainerContext,
): void {
  const names = new Set(regular.map(({ name = '' }) => name))
  containers.forEach((container, i) => {
    const at = `${field}[${i}]`
    validateCommon(errors, at, container, context)
    validateRestartPolicy(errors, at, container, true)
    const { name = '' } = container
    if (names.has(name)) errors.push(fieldDuplicate(`${at}.name`, name))
    else if (name !== '') names.add(name)
    // They run one after the other, so each is checked alone; upstream's path then always says 0.
    checkHostPortConflicts(errors, field, [container])
    if (container.restartPolicy === 'Always') {
      validateHandlers(errors, at, container, context)
      return
    }
    for (const member of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[member] === undefined) continue
      const detail = 'may not be set for init containers without restartPolicy=Always'
      errors.push(fieldForbidden(`${at}.${member}`, detail))
    }
    if (context.rules.allowsRestartingInitResize) return
    container.resizePolicy?.forEach(({ restartPolicy }, j) => {
      if (restartPolicy !== 'RestartContainer') return
      const detail = "must not be set to 'RestartContainer' for non-sidecar initContainers"
      errors.push(fieldInvalid(`${at}.resizePolicy[${j}].restartPolicy`, restartPolicy, detail))
    })
  })
}

function validateEphemeral(
  errors: FieldError[],
  field: string,
  spec: DeepReadonly<PodSpec>,
  context: ContainerContext,
): void {
  const others = new Set([...spec.containers, ...(spec.initContainers ?? [])].map(({ name = '' }) => name))
  const names = new Set(others)
  spec.ephemeralContainers?.forEach((ephemeral, i) => {
    const at = `${field}[${i}]`
    const { name = '', targetContainerName = '' } = ephemeral
    const container = ephemeral as FrozenContainer
    validateCommon(errors, at, container, context)
    checkImagePadding(errors, at, container)
    if (names.has(name)) errors.push(fieldDuplicate(`${at}.name`, name))
    else names.add(name)
    if (targetContainerName !== '' && !others.has(targetContainerName)) {
      errors.push(fieldNotFound(`${at}.targetContainerName`, targetContainerName))
    }
    for (const member of MEMBERS_NOT_FOR_EPHEMERAL) {
      if (isSet(ephemeral[member])) errors.push(fieldForbidden(`${at}.${member}`, NOT_FOR_EPHEMERAL))
    }
    checkNoSubPaths(errors, `${at}.volumeMounts`, ephemeral)
  })
}

/** Defaulting leaves an empty object behind, which upstream's struct does not tell from nothing. */
function isSet(value: unknown): boolean {
  return value !== undefined && !(typeof value === 'object' && value !== null && Object.keys(value).length === 0)
}

function checkNoSubPaths(errors: FieldError[], field: string, container: DeepReadonly<EphemeralContainer>): void {
  container.volumeMounts?.forEach(({ subPath = '', subPathExpr = '' }, i) => {
    if (subPath !== '') errors.push(fieldForbidden(`${field}[${i}].subPath`, NOT_FOR_EPHEMERAL))
    if (subPathExpr !== '') errors.push(fieldForbidden(`${field}[${i}].subPathExpr`, NOT_FOR_EPHEMERAL))
  })
}

/** Upstream: validateContainerCommon. */
function validateCommon(errors: FieldError[], at: string, container: FrozenContainer, context: ContainerContext): void {
  const { name = '', image = '', terminationMessagePolicy = '', imagePullPolicy = '' } = container
  if (name === '') errors.push(fieldRequired(`${at}.name`, ''))
  else {
    const messages = isDns1123Label(name)
    if (messages.length > 0) addInvalid(errors, `${at}.name`, name, messages)
  }
  if (image === '') errors.push(fieldRequired(`${at}.image`, ''))
  if (!MESSAGE_POLICIES.includes(terminationMessagePolicy)) {
    refuseValue(errors, `${at}.terminationMessagePolicy`, terminationMessagePolicy, MESSAGE_POLICIES)
  }
  if (container.ports !== undefined) validatePorts(errors, `${at}.ports`, container.ports)
  if (container.env !== undefined) validateEnv(errors, `${at}.env`, container.env)
  if (container.envFrom !== undefined) validateEnvFrom(errors, `${at}.envFrom`, container.envFrom)
  if (container.volumeMounts !== undefined) {
    validateVolumeMounts(errors, `${at}.volumeMounts`, container, context.volumes)
  }
  if (container.volumeDevices !== undefined) {
    const mounts = container.volumeMounts ?? []
    validateVolumeDevices(errors, `${at}.volumeDevices`, container.volumeDevices, mounts, context.volumes)
  }
  if (!PULL_POLICIES.includes(imagePullPolicy)) {
    refuseValue(errors, `${at}.imagePullPolicy`, imagePullPolicy, PULL_POLICIES)
  }
  if (container.resources !== undefined) {
    validateResourceRequirements(errors, `${at}.resources`, container.resources, context.claimNames)
  }
  if (container.resizePolicy !== undefined) {
    validateResizePolicy(errors, `${at}.resizePolicy`, container.resizePolicy, context)
  }
  if (container.securityContext !== undefined) {
    validateSecurityContext(errors, `${at}.securityContext`, container.securityContext, context.usesHostUsers)
  }
}

function refuseValue(errors: FieldError[], field: string, value: string, supported: readonly string[]): void {
  errors.push(value === '' ? fieldRequired(field, '') : fieldNotSupported(field, value, supported))
}

/** Only of pods, not of templates. Upstream: validateContainerOnlyForPod. */
export function checkImagePadding(errors: FieldError[], at: string, { image = '' }: FrozenContainer): void {
  if (image.trim() === image) return
  errors.push(fieldInvalid(`${at}.image`, image, 'must not have leading or trailing whitespace'))
}

function validatePorts(errors: FieldError[], field: string, ports: readonly DeepReadonly<ContainerPort>[]): void {
  const names = new Set<string>()
  for (let i = 0; i < ports.length; i++) {
    const { name = '', hostPort = 0, containerPort = 0, protocol = '' } = ports[i] ?? {}
    if (name !== '') {
      const messages = isValidPortName(name)
      if (messages.length > 0) addInvalid(errors, `${field}[${i}].name`, name, messages)
      else if (names.has(name)) errors.push(fieldDuplicate(`${field}[${i}].name`, name))
      else names.add(name)
    }
    if (containerPort === 0) errors.push(fieldRequired(`${field}[${i}].containerPort`, ''))
    else checkPortNumber(errors, field, i, 'containerPort', containerPort)
    if (hostPort !== 0) checkPortNumber(errors, field, i, 'hostPort', hostPort)
    if (!PROTOCOLS.includes(protocol)) refuseValue(errors, `${field}[${i}].protocol`, protocol, PROTOCOLS)
  }
}

function checkPortNumber(errors: FieldError[], field: string, i: number, member: string, port: number): void {
  const messages = isValidPortNumber(port)
  if (messages.length > 0) addInvalid(errors, `${field}[${i}].${member}`, port, messages)
}

function checkHostPortConflicts(errors: FieldError[], field: string, containers: readonly FrozenContainer[]): void {
  let taken: Set<string> | undefined
  containers.forEach(({ ports }, i) => {
    ports?.forEach(({ hostPort = 0, hostIP = '', protocol = '' }, j) => {
      if (hostPort === 0) return
      taken ??= new Set()
      const text = `${protocol}/${hostIP}/${hostPort}`
      if (taken.has(text)) errors.push(fieldDuplicate(`${field}[${i}].ports[${j}].hostPort`, text))
      taken.add(text)
    })
  })
}

/** A container's own restart policy and the exit codes it makes exceptions for. */
function validateRestartPolicy(errors: FieldError[], at: string, container: FrozenContainer, isInit = false): void {
  const { restartPolicy, restartPolicyRules: rules = [] } = container
  if (restartPolicy === undefined) {
    if (rules.length > 0) {
      const detail = 'must specify restartPolicy when restart rules are used'
      errors.push(fieldRequired(`${at}.restartPolicy`, detail))
    }
    if (isInit) return
  } else if (!RESTART_POLICIES.includes(restartPolicy)) {
    errors.push(fieldNotSupported(`${at}.restartPolicy`, restartPolicy, RESTART_POLICIES))
  }
  if (rules.length > RESTART_RULES_MAX) {
    errors.push(fieldTooMany(`${at}.restartPolicyRules`, rules.length, RESTART_RULES_MAX))
  }
  rules.forEach((rule, i) => {
    validateRestartRule(errors, `${at}.restartPolicyRules[${i}]`, rule)
  })
}

function validateRestartRule(errors: FieldError[], at: string, rule: DeepReadonly<ContainerRestartRule>): void {
  const { action = '', exitCodes } = rule
  if (!RESTART_ACTIONS.includes(action)) errors.push(fieldNotSupported(`${at}.action`, action, RESTART_ACTIONS))
  if (exitCodes === undefined) {
    errors.push(fieldRequired(`${at}.exitCodes`, 'must be specified'))
    return
  }
  const { operator = '', values = [] } = exitCodes
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(fieldNotSupported(`${at}.exitCodes.operator`, operator, ['In', 'NotIn']))
  }
  if (values.length > EXIT_CODES_MAX) {
    errors.push(fieldTooMany(`${at}.exitCodes.values`, values.length, EXIT_CODES_MAX))
  }
}

function validateResizePolicy(
  errors: FieldError[],
  field: string,
  policies: readonly DeepReadonly<ContainerResizePolicy>[],
  { podRestartPolicy }: ContainerContext,
): void {
  const seen = new Set<string>()
  policies.forEach(({ resourceName = '', restartPolicy = '' }, i) => {
    if (seen.has(resourceName)) errors.push(fieldDuplicate(`${field}[${i}]`, resourceName))
    seen.add(resourceName)
    if (!RESIZE_RESOURCES.includes(resourceName)) refuseValue(errors, field, resourceName, RESIZE_RESOURCES)
    if (!RESIZE_POLICIES.includes(restartPolicy)) refuseValue(errors, field, restartPolicy, RESIZE_POLICIES)
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      const detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'"
      errors.push(fieldInvalid(field, restartPolicy, detail))
    }
  })
}
