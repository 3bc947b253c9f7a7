/**
 * What one object takes of a quota, and which kind a quota's resource name counts. Shared by admission and the status
 * controller, so that both always agree. Upstream: pkg/quota/v1/evaluator/core, apiserver pkg/quota/v1/generic.
 */
import type { PersistentVolumeClaim, Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import { groupResourceString } from '#machinery/meta/resource.ts'
import { parseQuantity, Quantity, tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Amounts } from './pod-resources.ts'
import { hasPodLevelResources, podLimits, podRequests } from './pod-resources.ts'

const ONE = parseQuantity('1')
const CLASS_SUFFIX = '.storageclass.storage.k8s.io/'
const DEVICES_SUFFIX = '.deviceclass.resource.k8s.io/devices'
/** Extended resources that stand for a device class by its name. */
const IMPLICIT_DEVICES = /^(requests\.)?deviceclass\.resource\.kubernetes\.io\//
/** Devices that `allocationMode: All` is charged with. Upstream: resource.AllocationResultsMaxSize. */
const DEVICES_MAX = 32

const PODS: GroupResource = { group: '', resource: 'pods' }
const CLAIMS: GroupResource = { group: '', resource: 'persistentvolumeclaims' }
const DEVICE_CLAIMS: GroupResource = { group: 'resource.k8s.io', resource: 'resourceclaims' }

/** Core kinds that quotas name without `count/`. */
const PLAIN_COUNTS: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
])
const COMPUTE: ReadonlySet<string> = new Set(
  ['cpu', 'memory', 'ephemeral-storage'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
)
/** Upstream calls it a mistake it will not repeat: a quota on one of these obliges every container to say what it takes. */
const MUST_BE_SAID: ReadonlySet<string> = new Set(
  ['cpu', 'memory'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
)

/** The kind whose objects the name counts; undefined: nothing does. */
export function countedBy(name: string): GroupResource | undefined {
  if (name.startsWith('count/')) {
    const [resource = '', ...group] = name.slice('count/'.length).split('.')
    return { group: group.join('.'), resource }
  }
  if (name === 'pods' || COMPUTE.has(name)) return PODS
  if (name === 'services.nodeports' || name === 'services.loadbalancers') return { group: '', resource: 'services' }
  if (PLAIN_COUNTS.has(name)) return { group: '', resource: name }
  if (name === 'requests.storage' || name.endsWith(`${CLASS_SUFFIX}requests.storage`)) return CLAIMS
  if (name.endsWith(`${CLASS_SUFFIX}persistentvolumeclaims`)) return CLAIMS
  if (name.endsWith(DEVICES_SUFFIX)) return DEVICE_CLAIMS
  if (name.startsWith('hugepages-') || name.startsWith('requests.hugepages-')) return PODS
  return name.startsWith('requests.') && !isNative(name) ? PODS : undefined
}

/** `nowMs`: a pod whose grace period is over takes nothing but its place in `count/pods`. */
export function usageOf(kind: GroupResource, object: DeepReadonly<KubeObject>, nowMs: number): Amounts {
  const usage = new Map<string, Quantity>([[`count/${groupResourceString(kind)}`, ONE]])
  if (kind.group === '') {
    if (PLAIN_COUNTS.has(kind.resource)) usage.set(kind.resource, ONE)
    if (kind.resource === 'pods') addPod(usage, object as DeepReadonly<Pod>, nowMs)
    if (kind.resource === 'services') addService(usage, object as DeepReadonly<Service>)
    if (kind.resource === 'persistentvolumeclaims') addClaim(usage, object as DeepReadonly<PersistentVolumeClaim>)
  } else if (kind.group === DEVICE_CLAIMS.group && kind.resource === DEVICE_CLAIMS.resource) {
    addDevices(usage, object as DeepReadonly<ResourceClaim>)
  }
  return usage
}

/** '' when every container says what the quota obliges it to say. */
export function missingInPod(pod: DeepReadonly<Pod>, quotaNames: readonly string[]): string {
  const obliged = quotaNames.filter((name) => MUST_BE_SAID.has(name)).sort()
  if (obliged.length === 0 || hasPodLevelResources(pod)) return ''
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  const missing = obliged.flatMap((name) => {
    const list = name.startsWith('limits.') ? 'limits' : 'requests'
    const resource = name.slice(name.indexOf('.') + 1)
    const lacking = containers.filter(({ resources }) => resources?.[list]?.[resource] === undefined)
    return lacking.length === 0 ? [] : [`${name} for: ${[...new Set(lacking.map((c) => c.name))].sort().join(',')}`]
  })
  return missing.length === 0 ? '' : `must specify ${missing.join('; ')}`
}

function addPod(usage: Map<string, Quantity>, pod: DeepReadonly<Pod>, nowMs: number): void {
  if (!isPodCharged(pod, nowMs)) return
  usage.set('pods', ONE)
  for (const [name, amount] of podRequests(pod)) {
    if (COMPUTE.has(name) || name.startsWith('hugepages-')) usage.set(name, amount)
    if (COMPUTE.has(name) || name.startsWith('hugepages-') || !isNative(name)) usage.set(`requests.${name}`, amount)
  }
  for (const [name, amount] of podLimits(pod)) if (COMPUTE.has(name)) usage.set(`limits.${name}`, amount)
}

function isPodCharged({ metadata, status }: DeepReadonly<Pod>, nowMs: number): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true
  return nowMs <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000
}

function addService(usage: Map<string, Quantity>, { spec }: DeepReadonly<Service>): void {
  const ports = spec.ports ?? []
  const hasOwnPorts = spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false
  const counted = hasOwnPorts ? ports.filter(({ nodePort = 0 }) => nodePort !== 0) : ports
  if (spec.type === 'LoadBalancer') usage.set('services.loadbalancers', ONE)
  if (spec.type === 'LoadBalancer' || spec.type === 'NodePort')
    usage.set('services.nodeports', Quantity.fromValue(counted.length))
}

function addClaim(usage: Map<string, Quantity>, { metadata, spec, status }: DeepReadonly<PersistentVolumeClaim>): void {
  const className = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? ''
  if (className !== '') usage.set(`${className}${CLASS_SUFFIX}persistentvolumeclaims`, ONE)
  const requested = spec.resources?.requests?.['storage']
  if (requested === undefined) return
  const wanted = tryParseQuantity(String(requested))
  const allocated = tryParseQuantity(String(status?.allocatedResources?.['storage'] ?? '0'))
  if (wanted === undefined) return
  const amount = wholeUnits(allocated !== undefined && allocated.compare(wanted) > 0 ? allocated : wanted)
  usage.set('requests.storage', amount)
  if (className !== '') usage.set(`${className}${CLASS_SUFFIX}requests.storage`, amount)
}

/** Fractions of a byte would not pass the quota's own validation. */
function wholeUnits(amount: Quantity): Quantity {
  return amount.milliValue() % 1000 === 0 ? amount : Quantity.fromValue(amount.value())
}

function addDevices(usage: Map<string, Quantity>, { spec }: DeepReadonly<ResourceClaim>): void {
  const total = new Map<string, number>()
  for (const { exactly, firstAvailable = [] } of spec.devices?.requests ?? []) {
    const perClass = new Map<string, number>()
    for (const request of exactly === undefined ? firstAvailable : [exactly]) {
      const devices = request.allocationMode === 'All' ? DEVICES_MAX : (request.count ?? 1)
      perClass.set(request.deviceClassName, Math.max(devices, perClass.get(request.deviceClassName) ?? 0))
    }
    for (const [name, devices] of perClass) total.set(name, (total.get(name) ?? 0) + devices)
  }
  for (const [name, devices] of total) usage.set(`${name}${DEVICES_SUFFIX}`, Quantity.fromValue(devices))
}

const isNative = (name: string): boolean =>
  !IMPLICIT_DEVICES.test(name) && (!name.includes('/') || name.includes('kubernetes.io/'))
