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
import { isDns1123Label } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { ipWarnings } from '../../ip-validation.ts'
import { deprecatedNodeLabel, nodeTermWarnings } from '../node-labels.ts'
import { claimSpecWarnings } from '../persistent-volume/warnings.ts'
import { APPARMOR_PREFIX, SECCOMP_CONTAINER_PREFIX, SECCOMP_POD } from './annotations-validation.ts'
import { appArmorProfileOf, USE_APPARMOR_FIELD } from './app-armor.ts'
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
]
const DEPRECATED_NETWORK_VOLUMES: readonly (readonly [keyof Volume, string])[] = [
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
]
const USE_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
const BYTE_RESOURCES = ['memory', 'ephemeral-storage']

export function podWarnings({ metadata, spec }: DeepReadonly<Pod>): string[] {
  return [...labelNameWarnings(metadata, "the Pod's hostname"), ...warningsOf('', spec, metadata)]
}

/** For a new object whose name becomes part of names that are labels. Upstream: WarningsOnCreate of each strategy. */
export function labelNameWarnings({ name = '' }: Meta, use = 'Pod names and hostnames'): string[] {
  const problems = isDns1123Label(name)
  if (problems.length === 0) return []
  const why = `this is used in ${use}, which can result in surprising behavior; a DNS label is recommended`
  return [`metadata.name: ${why}: [${problems.join(' ')}]`]
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
  const annotated = annotationWarner(warnings, field, meta.annotations)
  for (const [key, detail] of DEPRECATED_ANNOTATIONS) annotated(key, detail)
  if (spec.volumes !== undefined) {
    warnOfVolumes(warnings, `${at}.volumes`, spec.volumes)
    warnings.push(...overlapWarnings(spec.volumes))
  }
  warnOfLists(warnings, at, spec)
  warnOfFractions(warnings, `${at}.overhead`, spec.overhead)
  if (spec.securityContext?.seccompProfile === undefined) annotated(SECCOMP_POD, USE_SECCOMP)
  visitContainers(spec, (container, list, i) => {
    if (meta.annotations !== undefined) warnOfProfiles(annotated, container, field === '' ? undefined : spec, meta)
    warnOfContainer(warnings, `${at}.${list}[${i}]`, container)
  })
  warnOfPorts(warnings, at, spec)
  warnOfPortNames(warnings, at, spec)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const detail = 'must be >= 0; negative values are invalid and will be treated as 1'
    warnings.push(`${at}.terminationGracePeriodSeconds: ${detail}`)
  }
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  if (podAffinity !== undefined) warnOfTerms(warnings, `${at}.affinity.podAffinity`, podAffinity)
  if (podAntiAffinity !== undefined) warnOfTerms(warnings, `${at}.affinity.podAntiAffinity`, podAntiAffinity)
  warnOfAddresses(warnings, at, spec)
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
    warnings.push(...nodeTermWarnings(`${at}.${PREFERRED}[${i}].preference`, preference, true))
  })
}

function warnOfSpread(warnings: string[], field: string, spec: FrozenSpec): void {
  spec.topologySpreadConstraints?.forEach(({ topologyKey, labelSelector }, i) => {
    const detail = deprecatedNodeLabel(topologyKey)
    if (detail !== undefined) warnings.push(`${field}[${i}].topologyKey: ${topologyKey} is ${detail}`)
    if (labelSelector === undefined) warnings.push(`${field}[${i}].labelSelector: ${NULL_SELECTOR}`)
  })
}

type WarnOfAnnotation = (key: string, detail: string) => void

function annotationWarner(
  warnings: string[],
  field: string,
  annotations: Readonly<Record<string, string>> | undefined,
): WarnOfAnnotation {
  const at = childField(field, 'metadata.annotations')
  return (key, detail) => {
    if (annotations !== undefined && Object.hasOwn(annotations, key)) warnings.push(`${keyField(at, key)}: ${detail}`)
  }
}

/** `template`: undefined for a pod, whose AppArmor annotations are spoken of when they become fields. */
function warnOfProfiles(
  warn: WarnOfAnnotation,
  { name, securityContext }: DeepReadonly<Container>,
  template: FrozenSpec | undefined,
  { annotations }: Meta,
): void {
  if (securityContext?.seccompProfile === undefined) warn(`${SECCOMP_CONTAINER_PREFIX}${name}`, USE_SECCOMP)
  if (template === undefined || securityContext?.appArmorProfile !== undefined) return
  const key = `${APPARMOR_PREFIX}${name}`
  const ofPod = template.securityContext?.appArmorProfile
  if (ofPod !== undefined && deepEqual(ofPod, appArmorProfileOf(annotations?.[key] ?? ''))) return
  warn(key, USE_APPARMOR_FIELD)
}

function warnOfVolumes(warnings: string[], field: string, volumes: readonly DeepReadonly<Volume>[]): void {
  volumes.forEach((volume, i) => {
    for (const [member, path, detail] of DEPRECATED_VOLUMES) {
      if (volume[member] !== undefined) warnings.push(`${field}[${i}].${path}: ${detail}`)
    }
    const at = `${field}[${i}].ephemeral.volumeClaimTemplate.spec`
    if (volume.ephemeral !== undefined) {
      warnings.push(...claimSpecWarnings(at, volume.ephemeral.volumeClaimTemplate?.spec))
    }
    for (const [member, detail] of DEPRECATED_NETWORK_VOLUMES) {
      if (volume[member] !== undefined) warnings.push(`${field}[${i}].${member}: ${detail}`)
    }
  })
}

function warnOfAddresses(warnings: string[], at: string, { dnsConfig, hostAliases }: FrozenSpec): void {
  dnsConfig?.nameservers?.forEach((server, i) => {
    warnings.push(...ipWarnings(`${at}.dnsConfig.nameservers[${i}]`, server))
  })
  hostAliases?.forEach(({ ip = '' }, i) => {
    warnings.push(...ipWarnings(`${at}.hostAliases[${i}].ip`, ip))
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

type Amounts = Readonly<Record<string, string>> | undefined

function warnOfFractions(warnings: string[], field: string, amounts: Amounts): void {
  if (amounts === undefined) return
  for (const name of BYTE_RESOURCES) warnOfFraction(warnings, field, name, amounts)
}

function warnOfFraction(warnings: string[], field: string, name: string, amounts: Amounts): void {
  const amount = fractionOf(amounts?.[name])
  if (amount === undefined) return
  const detail = `fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`
  warnings.push(`${keyField(field, name)}: ${detail}`)
}

function warnOfContainer(warnings: string[], at: string, container: DeepReadonly<Container>): void {
  for (const name of BYTE_RESOURCES) {
    warnOfFraction(warnings, `${at}.resources.limits`, name, container.resources?.limits)
    warnOfFraction(warnings, `${at}.resources.requests`, name, container.resources?.requests)
  }
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

/** Names are looked up among all containers of a pod: the first one of a name is meant. */
function warnOfPortNames(warnings: string[], at: string, spec: FrozenSpec): void {
  const taken = new Map<string, string>()
  visitContainers(spec, ({ ports }, list, i) => {
    ports?.forEach(({ name = '' }, j) => {
      if (name === '') return
      const field = `${at}.${list}[${i}].ports[${j}]`
      const first = taken.get(name)
      if (first === undefined) taken.set(name, field)
      else {
        const detail = `services and probes that select ports by name will use ${first}`
        warnings.push(`${field}: duplicate port name ${JSON.stringify(name)} with ${first}, ${detail}`)
      }
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
