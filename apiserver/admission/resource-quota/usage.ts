/** What one object takes of a quota. Upstream: pkg/quota/v1/evaluator/core. */
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { groupResourceString } from '#machinery/meta/resource.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { parseQuantity, tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { podUsage } from '../limit-ranger/bounds.ts'

interface GroupResource {
  readonly group: string
  readonly resource: string
}

const ONE = parseQuantity('1')
/** Core kinds that quotas name without `count/`. */
const PLAIN_COUNTS: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
])

export function usageOf(kind: GroupResource, object: DeepReadonly<KubeObject>): ReadonlyMap<string, Quantity> {
  const usage = new Map<string, Quantity>([[`count/${groupResourceString(kind)}`, ONE]])
  if (kind.group !== '') return usage
  if (PLAIN_COUNTS.has(kind.resource)) usage.set(kind.resource, ONE)
  if (kind.resource === 'pods') addPod(usage, object as DeepReadonly<Pod>)
  if (kind.resource === 'services') addService(usage, object as DeepReadonly<Service>)
  if (kind.resource === 'persistentvolumeclaims') {
    const storage = (object as DeepReadonly<PersistentVolumeClaim>).spec.resources?.requests?.['storage']
    add(usage, 'requests.storage', storage)
  }
  return usage
}

function addPod(usage: Map<string, Quantity>, pod: DeepReadonly<Pod>): void {
  const phase = pod.status?.phase
  if (phase === 'Succeeded' || phase === 'Failed') return
  usage.set('pods', ONE)
  const { requests = {}, limits = {} } = podUsage(pod)
  for (const [name, amount] of Object.entries(requests)) {
    add(usage, `requests.${name}`, amount)
    if (!name.includes('/')) add(usage, name, amount)
  }
  for (const [name, amount] of Object.entries(limits)) add(usage, `limits.${name}`, amount)
}

function addService(usage: Map<string, Quantity>, { spec }: DeepReadonly<Service>): void {
  const ports = parseQuantity(String((spec.ports ?? []).length))
  if (spec.type === 'NodePort') usage.set('services.nodeports', ports)
  if (spec.type === 'LoadBalancer') {
    usage.set('services.loadbalancers', ONE)
    if (spec.allocateLoadBalancerNodePorts !== false) usage.set('services.nodeports', ports)
  }
}

function add(usage: Map<string, Quantity>, name: string, text: string | undefined): void {
  const amount = text === undefined ? undefined : tryParseQuantity(String(text))
  if (amount !== undefined) usage.set(name, amount)
}

/** Scopes are about pods: a scoped quota leaves everything else alone. */
export function matchesScopes(
  { spec }: DeepReadonly<ResourceQuota>,
  kind: GroupResource,
  object: DeepReadonly<KubeObject>,
): boolean {
  const scopes = spec?.scopes ?? []
  if (scopes.length === 0) return true
  if (kind.group !== '' || kind.resource !== 'pods') return false
  const pod = object as DeepReadonly<Pod>
  return scopes.every((scope) => SCOPES.get(scope)?.(pod) === true)
}

const isTerminating = (pod: DeepReadonly<Pod>): boolean => pod.spec.activeDeadlineSeconds !== undefined
const isBestEffort = (pod: DeepReadonly<Pod>): boolean => {
  const { requests = {}, limits = {} } = podUsage(pod)
  return Object.keys(requests).length + Object.keys(limits).length === 0
}

const SCOPES: ReadonlyMap<string, (pod: DeepReadonly<Pod>) => boolean> = new Map([
  ['Terminating', isTerminating],
  ['NotTerminating', (pod: DeepReadonly<Pod>) => !isTerminating(pod)],
  ['BestEffort', isBestEffort],
  ['NotBestEffort', (pod: DeepReadonly<Pod>) => !isBestEffort(pod)],
])
