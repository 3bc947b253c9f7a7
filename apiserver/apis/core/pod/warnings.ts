/** What is valid but hardly meant, said in Warning headers. Upstream: pkg/api/pod/warnings.go. */
import type {
  Affinity,
  Container,
  ContainerPort,
  Pod,
  PodAffinity,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from '#machinery/api/core/v1/types.gen.ts'
import type { ObjectMeta } from '#machinery/api/meta/v1.ts'
import { childField, keyField } from '#machinery/meta/field-error.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { deprecatedNodeLabel, nodeTermWarnings } from '../node-labels.ts'
import { APPARMOR_PREFIX, SECCOMP_CONTAINER_PREFIX, SECCOMP_POD } from './annotations-validation.ts'
import { visitContainers } from './containers.ts'
import { overlapWarnings } from './overlap-warnings.ts'

type FrozenSpec = DeepReadonly<PodSpec>
type Meta = DeepReadonly<ObjectMeta>

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'
const NULL_SELECTOR = 'a null labelSelector results in matching no pod'
const DEPRECATED_ANNOTATIONS: readonly (readonly [string, string])[] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
]
const DEPRECATED_VOLUMES: readonly (readonly [keyof Volume, string, string])[] = [
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
]
const BYTE_RESOURCES = ['memory', 'ephemeral-storage']

export function podWarnings({ metadata, spec }: DeepReadonly<Pod>): string[] {
  return warningsOf('', spec, metadata)
}

/** `field` is the template's path. */
export function podTemplateWarnings(field: string, template: DeepReadonly<PodTemplateSpec> | undefined): string[] {
  return template?.spec === undefined ? [] : warningsOf(field, template.spec, template.metadata ?? {})
}

function warningsOf(field: string, spec: FrozenSpec, meta: Meta): string[] {
  const warnings: string[] = []
  const at = childField(field, 'spec')
  if (spec.nodeSelector !== undefined) warnOfNodeLabels(warnings, `${at}.nodeSelector`, spec.nodeSelector)
  if (spec.affinity?.nodeAffinity !== undefined) warnOfNodeAffinity(warnings, `${at}.affinity`, spec.affinity)
  if (spec.topologySpreadConstraints !== undefined) warnOfSpread(warnings, `${at}.topologySpreadConstraints`, spec)
  if (meta.annotations !== undefined) warnOfAnnotations(warnings, field, spec, meta.annotations)
  if (spec.volumes !== undefined) {
    warnOfVolumes(warnings, `${at}.volumes`, spec.volumes)
    warnings.push(...overlapWarnings(spec.volumes))
  }
  warnOfLists(warnings, at, spec)
  warnOfFractions(warnings, `${at}.overhead`, spec.overhead)
  visitContainers(spec, (container, list, i) => {
    warnOfContainer(warnings, `${at}.${list}[${i}]`, container)
  })
  warnOfPorts(warnings, at, spec)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const detail = 'must be >= 0; negative values are invalid and will be treated as 1'
    warnings.push(`${at}.terminationGracePeriodSeconds: ${detail}`)
  }
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  if (podAffinity !== undefined) warnOfTerms(warnings, `${at}.affinity.podAffinity`, podAffinity)
  if (podAntiAffinity !== undefined) warnOfTerms(warnings, `${at}.affinity.podAntiAffinity`, podAntiAffinity)
  return warnings
}

function warnOfNodeLabels(warnings: string[], field: string, labels: Readonly<Record<string, string>>): void {
  for (const key of Object.keys(labels)) {
    const detail = deprecatedNodeLabel(key)
    if (detail !== undefined) warnings.push(`${keyField(field, key)}: ${detail}`)
  }
}

function warnOfNodeAffinity(warnings: string[], field: string, { nodeAffinity }: DeepReadonly<Affinity>): void {
  const at = `${field}.nodeAffinity`
  nodeAffinity?.[REQUIRED]?.nodeSelectorTerms?.forEach((term, i) => {
    warnings.push(...nodeTermWarnings(`${at}.${REQUIRED}.nodeSelectorTerms[${i}]`, term))
  })
  nodeAffinity?.[PREFERRED]?.forEach(({ preference }, i) => {
    warnings.push(...nodeTermWarnings(`${at}.${PREFERRED}[${i}].preference`, preference))
  })
}

function warnOfSpread(warnings: string[], field: string, spec: FrozenSpec): void {
  spec.topologySpreadConstraints?.forEach(({ topologyKey, labelSelector }, i) => {
    const detail = deprecatedNodeLabel(topologyKey)
    if (detail !== undefined) warnings.push(`${field}[${i}].topologyKey: ${topologyKey} is ${detail}`)
    if (labelSelector === undefined) warnings.push(`${field}[${i}].labelSelector: ${NULL_SELECTOR}`)
  })
}

function warnOfAnnotations(
  warnings: string[],
  field: string,
  spec: FrozenSpec,
  annotations: Readonly<Record<string, string>>,
): void {
  const at = childField(field, 'metadata.annotations')
  const warn = (key: string, detail: string): void => {
    if (Object.hasOwn(annotations, key)) warnings.push(`${keyField(at, key)}: ${detail}`)
  }
  for (const [key, detail] of DEPRECATED_ANNOTATIONS) warn(key, detail)
  const useField = 'non-functional in v1.27+; use the "seccompProfile" field instead'
  if (spec.securityContext?.seccompProfile === undefined) warn(SECCOMP_POD, useField)
  visitContainers(spec, ({ name, securityContext }) => {
    if (securityContext?.seccompProfile === undefined) warn(`${SECCOMP_CONTAINER_PREFIX}${name}`, useField)
    const hasProfile = (securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile) !== undefined
    if (hasProfile || field === '') return
    warn(`${APPARMOR_PREFIX}${name}`, 'deprecated since v1.30; use the "appArmorProfile" field instead')
  })
}

function warnOfVolumes(warnings: string[], field: string, volumes: readonly DeepReadonly<Volume>[]): void {
  volumes.forEach((volume, i) => {
    for (const [member, path, detail] of DEPRECATED_VOLUMES) {
      if (volume[member] !== undefined) warnings.push(`${field}[${i}].${path}: ${detail}`)
    }
    const requests = volume.ephemeral?.volumeClaimTemplate?.spec?.resources?.requests
    const storage = fractionOf(requests?.['storage'])
    if (storage === undefined) return
    const at = `${field}[${i}].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]`
    warnings.push(`${at}: fractional byte value ${JSON.stringify(storage)} is invalid, must be an integer`)
  })
}

function warnOfLists(warnings: string[], at: string, { hostAliases = [], imagePullSecrets = [] }: FrozenSpec): void {
  const ips = hostAliases.map(({ ip = '' }) => ip)
  ips.forEach((ip, i) => {
    if (ips.indexOf(ip) !== i) warnings.push(`${at}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(ip)}`)
  })
  const names = imagePullSecrets.map(({ name = '' }) => name)
  names.forEach((name, i) => {
    if (names.indexOf(name) === i) return
    warnings.push(`${at}.imagePullSecrets[${i}].name: duplicate name ${JSON.stringify(name)}`)
  })
  names.forEach((name, i) => {
    if (name === '') warnings.push(`${at}.imagePullSecrets[${i}].name: invalid empty name ""`)
  })
}

/** The amount, when it is not a whole number. */
function fractionOf(amount: string | undefined): string | undefined {
  if (amount === undefined || !/[.m]/.test(amount)) return undefined
  const quantity = tryParseQuantity(amount)
  return quantity === undefined || quantity.milliValue() % 1000 === 0 ? undefined : quantity.toString()
}

function warnOfFractions(
  warnings: string[],
  field: string,
  amounts: Readonly<Record<string, string>> | undefined,
): void {
  if (amounts === undefined) return
  for (const name of BYTE_RESOURCES) {
    const amount = fractionOf(amounts[name])
    if (amount === undefined) continue
    const detail = `fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`
    warnings.push(`${keyField(field, name)}: ${detail}`)
  }
}

function warnOfContainer(warnings: string[], at: string, container: DeepReadonly<Container>): void {
  warnOfFractions(warnings, `${at}.resources.limits`, container.resources?.limits)
  warnOfFractions(warnings, `${at}.resources.requests`, container.resources?.requests)
  const { env = [] } = container
  if (env.length < 2) return
  const seen = new Set<string>()
  env.forEach(({ name, value = '', valueFrom }, i) => {
    const reference = `$(${name})`
    const hides = valueFrom !== undefined || value === reference || !value.includes(reference)
    if (seen.has(name) && hides) {
      const detail = `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`
      warnings.push(`${at}.env[${i}]: ${detail}`)
    }
    seen.add(name)
  })
}

function warnOfPorts(warnings: string[], at: string, spec: FrozenSpec): void {
  const taken = new Map<string, { readonly field: string; readonly port: DeepReadonly<ContainerPort> }[]>()
  visitContainers(spec, ({ ports }, list, i) => {
    ports?.forEach((port, j) => {
      const field = `${at}.${list}[${i}].ports[${j}]`
      const { hostIP = '', hostPort = 0 } = port
      if (hostIP !== '' && hostPort === 0) {
        const shown = `{Name:${port.name ?? ''} HostPort:0 ContainerPort:${port.containerPort} Protocol:${port.protocol ?? ''} HostIP:${hostIP}}`
        warnings.push(`${field}: hostIP set without hostPort: ${shown}`)
      }
      const key = `${port.containerPort}/${port.protocol ?? ''}`
      const others = taken.get(key) ?? []
      for (const other of others) {
        const conflict = portConflict(port, other.port)
        if (conflict !== undefined) warnings.push(`${field}: ${conflict} port definition with ${other.field}`)
      }
      taken.set(key, [...others, { field, port }])
    })
  })
}

function portConflict(a: DeepReadonly<ContainerPort>, b: DeepReadonly<ContainerPort>): string | undefined {
  const { hostIP: ip = '', hostPort: port = 0 } = a
  const { hostIP: otherIp = '', hostPort: otherPort = 0 } = b
  if (ip === otherIp && port === otherPort) return 'duplicate'
  if (port === 0 || otherPort === 0) return 'overlapping'
  return port === otherPort && (ip === '') !== (otherIp === '') ? 'dangerously ambiguous' : undefined
}

function warnOfTerms(warnings: string[], field: string, affinity: DeepReadonly<PodAffinity>): void {
  affinity[REQUIRED]?.forEach(({ labelSelector }, i) => {
    if (labelSelector === undefined) warnings.push(`${field}.${REQUIRED}[${i}].labelSelector: ${NULL_SELECTOR}`)
  })
  affinity[PREFERRED]?.forEach(({ podAffinityTerm }, i) => {
    if (podAffinityTerm?.labelSelector !== undefined) return
    warnings.push(`${field}.${PREFERRED}[${i}].podAffinityTerm.labelSelector: ${NULL_SELECTOR}`)
  })
}
