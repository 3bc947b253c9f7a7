/** What the restricted level asks for beyond baseline, in the order of the names. Upstream: pod-security-admission policy/check_*.go. */
import { isSeccompTypeAllowed, procMount, seccompProfile } from './baseline.ts'
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

type CheckPod = (pod: PodLike) => Violation | undefined

/** Windows has no such thing: validation refuses it there. */
const exceptWindows =
  (check: CheckPod): CheckPod =>
  (pod) =>
    pod.spec.os?.name === 'windows' ? undefined : check(pod)

const exceptUserNamespaces =
  (check: CheckPod): CheckPod =>
  (pod) =>
    isInUserNamespace(pod) ? undefined : check(pod)

export const RESTRICTED_CHECKS: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation',
    versions: [
      { minor: 8, check: allowPrivilegeEscalation },
      { minor: 25, check: exceptWindows(allowPrivilegeEscalation) },
    ],
  },
  {
    id: 'capabilities_restricted',
    overrides: 'capabilities_baseline',
    versions: [
      { minor: 22, check: capabilities },
      { minor: 25, check: exceptWindows(capabilities) },
    ],
  },
  { id: 'procMount_restricted', overrides: 'procMount', versions: [{ minor: 35, check: procMount }] },
  { id: 'restrictedVolumes', overrides: 'hostPathVolumes', versions: [{ minor: 0, check: volumes }] },
  {
    id: 'runAsNonRoot',
    versions: [
      { minor: 0, check: runAsNonRoot },
      { minor: 35, check: exceptUserNamespaces(runAsNonRoot) },
    ],
  },
  {
    id: 'runAsUser',
    versions: [
      { minor: 23, check: runAsUser },
      { minor: 35, check: exceptUserNamespaces(runAsUser) },
    ],
  },
  {
    id: 'seccompProfile_restricted',
    overrides: 'seccompProfile_baseline',
    versions: [
      { minor: 19, check: seccomp },
      { minor: 25, check: exceptWindows(seccomp) },
    ],
  },
]

const VOLUMES: ReadonlySet<string> = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
])
const RESTRICTED_VOLUMES = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'nfs',
  'iscsi',
  'glusterfs',
  'rbd',
  'flexVolume',
  'cinder',
  'cephfs',
  'flocker',
  'fc',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'storageos',
]

function allowPrivilegeEscalation(pod: PodLike): Violation | undefined {
  const names = containersWith(pod, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  if (names.length === 0) return undefined
  const detail = `${namedContainers(names)} must set securityContext.allowPrivilegeEscalation=false`
  return { reason: 'allowPrivilegeEscalation != false', detail }
}

function capabilities(pod: PodLike): Violation | undefined {
  const added = ({ securityContext }: PodContainer): string[] =>
    (securityContext?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE')
  const keeping = containersWith(pod, (c) => c.securityContext?.capabilities?.drop?.includes('ALL') !== true)
  const adding = containersWith(pod, (container) => added(container).length > 0)
  const details: string[] = []
  if (keeping.length > 0) details.push(`${namedContainers(keeping)} must set securityContext.capabilities.drop=["ALL"]`)
  if (adding.length > 0) {
    const what = quoted(sorted(containersOf(pod).flatMap(added)))
    details.push(`${namedContainers(adding)} must not include ${what} in securityContext.capabilities.add`)
  }
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') }
}

function volumes({ spec }: PodLike): Violation | undefined {
  const bad = (spec.volumes ?? []).filter((volume) => !Object.keys(volume).some((member) => VOLUMES.has(member)))
  if (bad.length === 0) return undefined
  const names = bad.map(({ name }) => name)
  const types = sorted(bad.map((volume) => RESTRICTED_VOLUMES.find((type) => Object.hasOwn(volume, type)) ?? 'unknown'))
  const uses = names.length === 1 ? 'uses' : 'use'
  return {
    reason: 'restricted volume types',
    detail: `${plural('volume', names)} ${quoted(names)} ${uses} ${plural('restricted volume type', types)} ${quoted(types)}`,
  }
}

function runAsNonRoot(pod: PodLike): Violation | undefined {
  const reason = 'runAsNonRoot != true'
  const podValue = pod.spec.securityContext?.runAsNonRoot
  const denying = containersWith(pod, ({ securityContext }) => securityContext?.runAsNonRoot === false)
  if (podValue === false || denying.length > 0) {
    const who = setters(podValue === false, denying)
    return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` }
  }
  if (podValue === true) return undefined
  const silent = containersWith(pod, ({ securityContext }) => securityContext?.runAsNonRoot === undefined)
  if (silent.length === 0) return undefined
  return { reason, detail: `pod or ${namedContainers(silent)} must set securityContext.runAsNonRoot=true` }
}

function runAsUser(pod: PodLike): Violation | undefined {
  const isPodBad = pod.spec.securityContext?.runAsUser === 0
  const names = containersWith(pod, ({ securityContext }) => securityContext?.runAsUser === 0)
  if (!isPodBad && names.length === 0) return undefined
  return { reason: 'runAsUser=0', detail: `${setters(isPodBad, names)} must not set runAsUser=0` }
}

function seccomp(pod: PodLike): Violation | undefined {
  const forbidden = seccompProfile(pod)
  if (forbidden !== undefined) return forbidden
  const podType = pod.spec.securityContext?.seccompProfile?.type
  if (podType !== undefined && isSeccompTypeAllowed(podType)) return undefined
  const silent = containersWith(pod, ({ securityContext }) => securityContext?.seccompProfile === undefined)
  if (silent.length === 0) return undefined
  const values = '"RuntimeDefault" or "Localhost"'
  const detail = `pod or ${namedContainers(silent)} must set securityContext.seccompProfile.type to ${values}`
  return { reason: 'seccompProfile', detail }
}
