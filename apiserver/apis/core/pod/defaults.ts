/**
 * Defaults of Pods and pod templates that are code upstream (the schema facts fill the declarative ones).
 * Upstream: pkg/apis/core/v1/defaults.go and the ServiceAccount/PodIPs parts of conversion.go.
 */
import type {
  Container,
  DownwardAPIVolumeFile,
  EphemeralContainer,
  HTTPGetAction,
  Lifecycle,
  Pod,
  PodSpec,
  PodTemplate,
  PodTemplateSpec,
  Probe,
  Volume,
} from '#machinery/api/core/v1/types.gen.ts'
import { containersTotal, isPodLevel } from '#machinery/quota/pod-resources.ts'
import { imageTag } from './image.ts'

const DEFAULT_MODE = 0o644
const TOKEN_EXPIRATION_SECONDS = 3600

export function setPodDefaults(pod: Pod): void {
  pod.spec ??= { containers: [] }
  setPodSpecDefaults(pod.spec)
  pod.spec.enableServiceLinks ??= true
  for (const container of pod.spec.containers) defaultRequestsToLimits(container)
  for (const container of pod.spec.initContainers ?? []) defaultRequestsToLimits(container)
  defaultPodLevelResources(pod)
  if (pod.spec.hostNetwork === true) {
    for (const container of pod.spec.containers) defaultHostPorts(container)
    for (const container of pod.spec.initContainers ?? []) defaultHostPorts(container)
  }
  const status = pod.status
  if (status?.podIP !== undefined && status.podIP !== '' && (status.podIPs ?? []).length === 0) {
    status.podIPs = [{ ip: status.podIP }]
  }
  if (status?.hostIP !== undefined && status.hostIP !== '' && (status.hostIPs ?? []).length === 0) {
    status.hostIPs = [{ ip: status.hostIP }]
  }
}

export function setPodTemplateObjectDefaults(template: PodTemplate): void {
  if (template.template !== undefined) setPodTemplateDefaults(template.template)
}

/** A workload's template: everything but what upstream sets on Pods only (requests, service links, host ports). */
export function setPodTemplateDefaults(template: PodTemplateSpec): void {
  template.metadata ??= {}
  template.spec ??= { containers: [] }
  setPodSpecDefaults(template.spec)
}

function setPodSpecDefaults(spec: PodSpec): void {
  spec.containers ??= []
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.restartPolicy ||= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ||= 'default-scheduler'
  setServiceAccountAlias(spec)
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume)
  for (const container of spec.initContainers ?? []) setContainerDefaults(container)
  for (const container of spec.containers) setContainerDefaults(container)
  for (const container of spec.ephemeralContainers ?? []) setContainerDefaults(container)
}

/** `serviceAccount` is the old name of `serviceAccountName`: both are always served with the same value. */
export function setServiceAccountAlias(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount
  if (name === undefined || name === '') return
  spec.serviceAccountName = name
  spec.serviceAccount = name
}

function setContainerDefaults(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= imageTag(container.image ?? '') === 'latest' ? 'Always' : 'IfNotPresent'
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.resources ??= {}
  for (const port of container.ports ?? []) port.protocol ||= 'TCP'
  for (const variable of container.env ?? []) {
    const source = variable.valueFrom
    if (source?.fieldRef !== undefined) source.fieldRef.apiVersion ||= 'v1'
    if (source?.fileKeyRef !== undefined) source.fileKeyRef.optional ??= false
  }
  setProbeDefaults(container.livenessProbe)
  setProbeDefaults(container.readinessProbe)
  setProbeDefaults(container.startupProbe)
  setLifecycleDefaults(container.lifecycle)
}

function setProbeDefaults(probe: Probe | undefined): void {
  if (probe === undefined) return
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  setHttpGetDefaults(probe.httpGet)
  if (probe.grpc !== undefined) probe.grpc.service ??= ''
}

function setLifecycleDefaults(lifecycle: Lifecycle | undefined): void {
  setHttpGetDefaults(lifecycle?.postStart?.httpGet)
  setHttpGetDefaults(lifecycle?.preStop?.httpGet)
}

function setHttpGetDefaults(action: HTTPGetAction | undefined): void {
  if (action === undefined) return
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

function defaultRequestsToLimits(container: Container): void {
  const limits = container.resources?.limits
  if (container.resources === undefined || limits === undefined) return
  container.resources.requests ??= {}
  fillMissing(container.resources.requests, limits)
}

/**
 * A pod that has resources of its own gets what its containers ask for, or its limits, as its requests; huge pages, which cannot
 * be overcommitted, get the containers' limits.
 */
function defaultPodLevelResources(pod: Pod): void {
  const { resources } = pod.spec
  if (resources === undefined) return
  const limits = { ...resources.limits }
  if (Object.keys({ ...limits, ...resources.requests }).length === 0) return
  for (const [name, limit] of containersTotal(pod, 'limits')) {
    if (name.startsWith('hugepages-') && resources.requests?.[name] === undefined) limits[name] ??= limit.toString()
  }
  if (Object.keys(limits).length === 0) return
  const requests = { ...resources.requests }
  for (const [name, request] of containersTotal(pod, 'requests')) {
    if (name === 'cpu' || name === 'memory') requests[name] ??= request.toString()
  }
  for (const [name, limit] of Object.entries(limits)) if (isPodLevel(name)) requests[name] ??= limit
  resources.limits = limits
  if (Object.keys(requests).length > 0) resources.requests = requests
}

function defaultHostPorts(container: Container): void {
  for (const port of container.ports ?? []) port.hostPort ||= port.containerPort
}

/** Copies the members of `source` that `target` lacks. */
export function fillMissing(target: Record<string, string>, source: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(source)) if (!Object.hasOwn(target, name)) target[name] = value
}

function setVolumeDefaults(volume: Volume): void {
  if (Object.keys(volume).every((member) => member === 'name')) volume.emptyDir = {}
  if (volume.secret !== undefined) volume.secret.defaultMode ??= DEFAULT_MODE
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= DEFAULT_MODE
  if (volume.hostPath !== undefined) volume.hostPath.type ??= ''
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= DEFAULT_MODE
    setDownwardItemDefaults(volume.downwardAPI.items)
  }
  if (volume.projected !== undefined) setProjectedDefaults(volume.projected)
  if (volume.image !== undefined) {
    volume.image.pullPolicy ||= imageTag(volume.image.reference ?? '') === 'latest' ? 'Always' : 'IfNotPresent'
  }
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec
  if (claim !== undefined) claim.volumeMode ??= 'Filesystem'
  setRemoteVolumeDefaults(volume)
}

function setProjectedDefaults(projected: NonNullable<Volume['projected']>): void {
  projected.defaultMode ??= DEFAULT_MODE
  for (const source of projected.sources ?? []) {
    if (source.serviceAccountToken !== undefined)
      source.serviceAccountToken.expirationSeconds ??= TOKEN_EXPIRATION_SECONDS
    setDownwardItemDefaults(source.downwardAPI?.items)
  }
}

function setDownwardItemDefaults(items: DownwardAPIVolumeFile[] | undefined): void {
  for (const item of items ?? []) if (item.fieldRef !== undefined) item.fieldRef.apiVersion ||= 'v1'
}

function setRemoteVolumeDefaults(volume: Volume): void {
  if (volume.iscsi !== undefined) volume.iscsi.iscsiInterface ||= 'default'
  if (volume.rbd !== undefined) {
    volume.rbd.pool ||= 'rbd'
    volume.rbd.user ||= 'admin'
    volume.rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (volume.azureDisk !== undefined) {
    volume.azureDisk.cachingMode ??= 'ReadWrite'
    volume.azureDisk.kind ??= 'Shared'
    volume.azureDisk.fsType ??= 'ext4'
    volume.azureDisk.readOnly ??= false
  }
  if (volume.scaleIO !== undefined) {
    volume.scaleIO.storageMode ||= 'ThinProvisioned'
    volume.scaleIO.fsType ||= 'xfs'
  }
}
