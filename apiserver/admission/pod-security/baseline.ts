/** The checks of the baseline level, in the order of their names. Upstream: pod-security-admission policy/check_*.go. */
import type { Container, SELinuxOptions } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Check, PodContainer, PodLike, Violation } from './check.ts'
import {
  containersOf,
  containersWith,
  isInUserNamespace,
  namedContainers,
  plural,
  quoted,
  setters,
  sorted,
} from './check.ts'

const APPARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/'
const CAPABILITIES: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
])
const SYSCTLS_1_0 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
]
const SYSCTLS_1_27 = [...SYSCTLS_1_0, 'net.ipv4.ip_local_reserved_ports']
const SYSCTLS_1_29 = [
  ...SYSCTLS_1_27,
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
]
const SYSCTLS_1_32 = [...SYSCTLS_1_29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']
const SELINUX_TYPES_1_0 = ['', 'container_t', 'container_init_t', 'container_kvm_t']
const SELINUX_TYPES_1_31 = [...SELINUX_TYPES_1_0, 'container_engine_t']

export const BASELINE_CHECKS: readonly Check[] = [
  { id: 'appArmorProfile', versions: [{ minor: 0, check: appArmorProfile }] },
  { id: 'capabilities_baseline', versions: [{ minor: 0, check: capabilities }] },
  { id: 'hostNamespaces', versions: [{ minor: 0, check: hostNamespaces }] },
  { id: 'hostPathVolumes', versions: [{ minor: 0, check: hostPathVolumes }] },
  { id: 'hostPorts', versions: [{ minor: 0, check: hostPorts }] },
  { id: 'hostProbesAndHostLifecycle', versions: [{ minor: 34, check: probeHosts }] },
  { id: 'privileged', versions: [{ minor: 0, check: privileged }] },
  {
    id: 'procMount',
    versions: [
      { minor: 0, check: procMount },
      { minor: 35, check: (pod) => (isInUserNamespace(pod) ? undefined : procMount(pod)) },
    ],
  },
  {
    id: 'seLinuxOptions',
    versions: [
      { minor: 0, check: (pod) => seLinuxOptions(pod, SELINUX_TYPES_1_0) },
      { minor: 31, check: (pod) => seLinuxOptions(pod, SELINUX_TYPES_1_31) },
    ],
  },
  {
    id: 'seccompProfile_baseline',
    versions: [
      { minor: 0, check: seccompAnnotations },
      { minor: 19, check: seccompProfile },
    ],
  },
  {
    id: 'sysctls',
    versions: [
      { minor: 0, check: (pod) => sysctls(pod, SYSCTLS_1_0) },
      { minor: 27, check: (pod) => sysctls(pod, SYSCTLS_1_27) },
      { minor: 29, check: (pod) => sysctls(pod, SYSCTLS_1_29) },
      { minor: 32, check: (pod) => sysctls(pod, SYSCTLS_1_32) },
    ],
  },
  { id: 'windowsHostProcess', versions: [{ minor: 0, check: hostProcess }] },
]

function appArmorProfile(pod: PodLike): Violation | undefined {
  const isBad = (type: string | undefined): boolean =>
    type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost'
  const typeOf = ({ securityContext }: PodContainer): string | undefined => securityContext?.appArmorProfile?.type
  const podType = pod.spec.securityContext?.appArmorProfile?.type
  const names = containersWith(pod, (container) => isBad(typeOf(container)))
  const types = [podType, ...containersOf(pod).map(typeOf)].filter((type) => type !== undefined).filter(isBad)
  const annotations = Object.entries(pod.annotations)
    .filter(([key, value]) => key.startsWith(APPARMOR_ANNOTATION) && !isAppArmorAnnotationAllowed(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  const who = [setters(isBad(podType), names), annotations.length > 0 ? plural('annotation', annotations) : '']
  const bad = [...sorted(types), ...annotations.sort()]
  if (bad.length === 0) return undefined
  return {
    reason: plural('forbidden AppArmor profile', bad),
    detail: `${who.filter((text) => text !== '').join(' and ')} must not set AppArmor profile type to ${quoted(bad)}`,
  }
}

const isAppArmorAnnotationAllowed = (profile: string): boolean =>
  profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/')

function capabilities(pod: PodLike): Violation | undefined {
  const bad = ({ securityContext }: PodContainer): string[] =>
    (securityContext?.capabilities?.add ?? []).filter((capability) => !CAPABILITIES.has(capability))
  const names = containersWith(pod, (container) => bad(container).length > 0)
  if (names.length === 0) return undefined
  const added = sorted(containersOf(pod).flatMap(bad))
  const detail = `${namedContainers(names)} must not include ${quoted(added)} in securityContext.capabilities.add`
  return { reason: 'non-default capabilities', detail }
}

function hostNamespaces({ spec }: PodLike): Violation | undefined {
  const set = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true)
  if (set.length === 0) return undefined
  return { reason: 'host namespaces', detail: set.map((field) => `${field}=true`).join(', ') }
}

function hostPathVolumes({ spec }: PodLike): Violation | undefined {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name)
  if (names.length === 0) return undefined
  return { reason: 'hostPath volumes', detail: `${plural('volume', names)} ${quoted(names)}` }
}

function hostPorts(pod: PodLike): Violation | undefined {
  const used = ({ ports = [] }: PodContainer): string[] =>
    ports.flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [String(hostPort)]))
  const names = containersWith(pod, (container) => used(container).length > 0)
  if (names.length === 0) return undefined
  const ports = sorted(containersOf(pod).flatMap(used))
  const uses = names.length === 1 ? 'uses' : 'use'
  return {
    reason: 'hostPort',
    detail: `${namedContainers(names)} ${uses} ${plural('hostPort', ports)} ${ports.join(', ')}`,
  }
}

type Handler = DeepReadonly<Pick<NonNullable<Container['livenessProbe']>, 'httpGet' | 'tcpSocket'>> | undefined

function probeHosts(pod: PodLike): Violation | undefined {
  const hostsOf = (handler: Handler): string[] =>
    [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? ''].filter((host) => host !== '')
  const used = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: PodContainer): string[] =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsOf)
  const names = sorted(containersWith(pod, (container) => used(container).length > 0))
  if (names.length === 0) return undefined
  const hosts = sorted(containersOf(pod).flatMap(used))
  const uses = names.length === 1 ? 'uses' : 'use'
  return {
    reason: 'probe or lifecycle host',
    detail: `${namedContainers(names)} ${uses} ${plural('probe or lifecycle host', hosts)} ${quoted(hosts)}`,
  }
}

function privileged(pod: PodLike): Violation | undefined {
  const names = containersWith(pod, ({ securityContext }) => securityContext?.privileged === true)
  if (names.length === 0) return undefined
  return { reason: 'privileged', detail: `${namedContainers(names)} must not set securityContext.privileged=true` }
}

export function procMount(pod: PodLike): Violation | undefined {
  const bad = ({ securityContext }: PodContainer): string[] => {
    const type = securityContext?.procMount
    return type === undefined || type === 'Default' ? [] : [type]
  }
  const names = containersWith(pod, (container) => bad(container).length > 0)
  if (names.length === 0) return undefined
  const types = quoted(sorted(containersOf(pod).flatMap(bad)))
  return { reason: 'procMount', detail: `${namedContainers(names)} must not set securityContext.procMount to ${types}` }
}

function seLinuxOptions(pod: PodLike, allowedTypes: readonly string[]): Violation | undefined {
  type Options = DeepReadonly<SELinuxOptions> | undefined
  const isBad = (options: Options): boolean =>
    options !== undefined &&
    (!allowedTypes.includes(options.type ?? '') || (options.user ?? '') !== '' || (options.role ?? '') !== '')
  const podOptions = pod.spec.securityContext?.seLinuxOptions
  const all: Options[] = [
    podOptions,
    ...containersOf(pod).map((container) => container.securityContext?.seLinuxOptions),
  ]
  const names = containersWith(pod, ({ securityContext }) => isBad(securityContext?.seLinuxOptions))
  if (!all.some(isBad)) return undefined
  const types = sorted(all.flatMap((options) => (options === undefined ? [] : [options.type ?? '']))).filter(
    (type) => !allowedTypes.includes(type),
  )
  const data = types.length > 0 ? [`${plural('type', types)} ${quoted(types)}`] : []
  if (all.some((options) => (options?.user ?? '') !== '')) data.push('user may not be set')
  if (all.some((options) => (options?.role ?? '') !== '')) data.push('role may not be set')
  const who = setters(isBad(podOptions), names)
  return { reason: 'seLinuxOptions', detail: `${who} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}` }
}

function seccompAnnotations(pod: PodLike): Violation | undefined {
  const isBad = (value: string | undefined): boolean =>
    value !== undefined && value !== 'runtime/default' && value !== 'docker/default' && !value.startsWith('localhost/')
  const keys = [
    'seccomp.security.alpha.kubernetes.io/pod',
    ...containersOf(pod).map(({ name }) => `container.seccomp.security.alpha.kubernetes.io/${name}`),
  ]
  const bad = sorted(
    keys.filter((key) => isBad(pod.annotations[key])).map((key) => `${key}=${JSON.stringify(pod.annotations[key])}`),
  )
  if (bad.length === 0) return undefined
  return { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', bad)} ${bad.join(', ')}` }
}

export const isSeccompTypeAllowed = (type: string): boolean => type === 'Localhost' || type === 'RuntimeDefault'

export function seccompProfile(pod: PodLike): Violation | undefined {
  const isBad = (type: string | undefined): boolean => type !== undefined && !isSeccompTypeAllowed(type)
  const podType = pod.spec.securityContext?.seccompProfile?.type
  const typeOf = ({ securityContext }: PodContainer): string | undefined => securityContext?.seccompProfile?.type
  const names = containersWith(pod, (container) => isBad(typeOf(container)))
  if (!isBad(podType) && names.length === 0) return undefined
  const types = [podType, ...containersOf(pod).map(typeOf)].filter((type) => type !== undefined).filter(isBad)
  const who = setters(isBad(podType), names)
  const detail = `${who} must not set securityContext.seccompProfile.type to ${quoted(sorted(types))}`
  return { reason: 'seccompProfile', detail }
}

function sysctls({ spec }: PodLike, allowed: readonly string[]): Violation | undefined {
  const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.includes(name))
  return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') }
}

function hostProcess(pod: PodLike): Violation | undefined {
  const isPodBad = pod.spec.securityContext?.windowsOptions?.hostProcess === true
  const names = containersWith(pod, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true)
  if (!isPodBad && names.length === 0) return undefined
  const detail = `${setters(isPodBad, names)} must not set securityContext.windowsOptions.hostProcess=true`
  return { reason: 'hostProcess', detail }
}
