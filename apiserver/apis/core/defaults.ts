/** Defaults of the core kinds besides Pod and Service. Upstream: pkg/apis/core/v1/defaults.go. */
import type {
  ConfigMap,
  Endpoints,
  LimitRange,
  LimitRangeItem,
  Namespace,
  Node,
  NodeSystemInfo,
  PersistentVolume,
  PersistentVolumeClaim,
  ReplicationController,
  Secret,
} from '#machinery/api/core/v1/types.gen.ts'
import { fillMissing, setPodTemplateDefaults } from './pod/defaults.ts'

export function setReplicationControllerDefaults(controller: ReplicationController): void {
  controller.spec ??= {}
  const { spec } = controller
  spec.replicas ??= 1
  spec.minReadySeconds ??= 0
  if (spec.minReadySeconds === 0) delete spec.minReadySeconds
  if (spec.template === undefined) return
  const labels = spec.template.metadata?.labels
  setPodTemplateDefaults(spec.template)
  if (labels === undefined) return
  if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels }
  if (Object.keys(controller.metadata.labels ?? {}).length === 0) controller.metadata.labels = { ...labels }
}

/** stringData is write-only: it is merged into data when the object is decoded. */
export function setSecretDefaults(secret: Secret): void {
  secret.type ||= 'Opaque'
  if (secret.stringData === undefined) return
  const data = secret.data ?? {}
  secret.data = data
  for (const [key, text] of Object.entries(secret.stringData)) data[key] = Buffer.from(text, 'utf8').toString('base64')
  delete secret.stringData
}

export function setConfigMapDefaults(configMap: ConfigMap): void {
  if (configMap.data !== undefined && Object.keys(configMap.data).length === 0) delete configMap.data
}

export function setNamespaceDefaults(namespace: Namespace): void {
  namespace.spec ??= {}
  setNamespaceNameLabel(namespace)
  namespace.status ??= {}
  namespace.status.phase ||= 'Active'
}

export function setNamespaceNameLabel(namespace: Namespace): void {
  const name = namespace.metadata.name
  if (name === undefined || name === '') return
  if (namespace.metadata.labels?.['kubernetes.io/metadata.name'] === name) return
  namespace.metadata.labels = { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': name }
}

/** No pointer in Go: always printed. */
const UNKNOWN_NODE: NodeSystemInfo = {
  machineID: '',
  systemUUID: '',
  bootID: '',
  kernelVersion: '',
  osImage: '',
  containerRuntimeVersion: '',
  kubeletVersion: '',
  kubeProxyVersion: '',
  operatingSystem: '',
  architecture: '',
}

export function setNodeDefaults(node: Node): void {
  node.spec ??= {}
  node.status ??= {}
  const { status } = node
  if (status.capacity !== undefined && status.allocatable === undefined) status.allocatable = { ...status.capacity }
  status.daemonEndpoints ??= {}
  status.daemonEndpoints.kubeletEndpoint ??= { Port: 0 }
  status.nodeInfo = { ...UNKNOWN_NODE, ...status.nodeInfo }
  const { spec } = node
  if (spec.podCIDR !== undefined && spec.podCIDR !== '' && (spec.podCIDRs ?? []).length === 0) {
    spec.podCIDRs = [spec.podCIDR]
  }
}

export function setEndpointsDefaults(endpoints: Endpoints): void {
  for (const subset of endpoints.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
}

export function setLimitRangeDefaults(limitRange: LimitRange): void {
  limitRange.spec ??= { limits: [] }
  for (const item of limitRange.spec.limits ?? []) if (item.type === 'Container') setLimitRangeItemDefaults(item)
}

function setLimitRangeItemDefaults(item: LimitRangeItem): void {
  const limits = { ...item.default }
  fillMissing(limits, item.max ?? {})
  const requests = { ...item.defaultRequest }
  fillMissing(requests, limits)
  fillMissing(requests, item.min ?? {})
  if (Object.keys(limits).length > 0) item.default = limits
  if (Object.keys(requests).length > 0) item.defaultRequest = requests
}

export function setPersistentVolumeDefaults(volume: PersistentVolume): void {
  volume.spec ??= {}
  volume.spec.persistentVolumeReclaimPolicy ||= 'Retain'
  volume.spec.volumeMode ??= 'Filesystem'
  if (volume.spec.hostPath !== undefined) volume.spec.hostPath.type ??= ''
  if (volume.spec.iscsi !== undefined) volume.spec.iscsi.iscsiInterface ||= 'default'
  volume.status ??= {}
  volume.status.phase ||= 'Pending'
}

export function setPersistentVolumeClaimDefaults(claim: PersistentVolumeClaim): void {
  claim.spec ??= {}
  claim.spec.volumeMode ??= 'Filesystem'
  claim.status ??= {}
  claim.status.phase ||= 'Pending'
}
