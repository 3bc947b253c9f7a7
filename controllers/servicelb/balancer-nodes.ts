/**
 * Which Nodes may answer for a load balancer, and under which addresses. Pure.
 *
 * A Node counts when it is Ready and not excluded. Once any Node has the label `svccontroller.k3s.cattle.io/enablelb`, only
 * those where it is "true" count, and a Service labelled `…/lbpool: x` is served by those labelled so only. Both are read
 * anew at every decision. Upstream: k3s pkg/cloudprovider/servicelb.go; cloud-provider controllers/service/controller.go
 * (stable node set predicates). Differs: k3s leaves stale selectors behind when the labels of Nodes change.
 */
import type { Node, Service } from '#machinery/api/core/v1/types.gen.ts'
import { familyOf } from '#machinery/meta/ip-address.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export const ENABLE_LABEL = 'svccontroller.k3s.cattle.io/enablelb'
export const POOL_LABEL = 'svccontroller.k3s.cattle.io/lbpool'
export const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers'
const DOOMED_TAINT = 'ToBeDeletedByClusterAutoscaler'

/** In the order of their names. */
export function availableNodes(nodes: readonly DeepReadonly<Node>[]): DeepReadonly<Node>[] {
  const isAllowList = nodes.some(({ metadata }) => metadata.labels?.[ENABLE_LABEL] !== undefined)
  return nodes
    .filter((node) => isUsable(node) && (!isAllowList || node.metadata.labels?.[ENABLE_LABEL] === 'true'))
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
}

/** The pool a Service asks for counts only among Nodes chosen by label. */
export function isInPool({ metadata }: DeepReadonly<Node>, service: DeepReadonly<Service>): boolean {
  const pool = service.metadata.labels?.[POOL_LABEL]
  const isChosen = metadata.labels?.[ENABLE_LABEL] === 'true'
  return pool === undefined || !isChosen || metadata.labels?.[POOL_LABEL] === pool
}

function isUsable({ metadata, spec, status }: DeepReadonly<Node>): boolean {
  if (metadata.deletionTimestamp !== undefined || metadata.labels?.[EXCLUDE_LABEL] !== undefined) return false
  if (spec?.taints?.some(({ key }) => key === DOOMED_TAINT) === true) return false
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** All that decisions take from a Node, as text: most updates of a Node are heartbeats. */
export function nodeFacts(node: DeepReadonly<Node>): string {
  const { labels = {} } = node.metadata
  const addresses = node.status?.addresses?.map(({ type, address }) => `${type}=${address}`) ?? []
  return [isUsable(node), labels[ENABLE_LABEL], labels[POOL_LABEL], ...addresses].join('|')
}

/**
 * What goes into `status.loadBalancer`: the Nodes' external addresses if any has one, else their internal ones; of the
 * Service's families in its order, sorted, each once.
 */
export function balancerAddresses(nodes: readonly DeepReadonly<Node>[], service: DeepReadonly<Service>): string[] {
  const external = addressesOf(nodes, 'ExternalIP')
  const addresses = external.length > 0 ? external : addressesOf(nodes, 'InternalIP')
  const families = service.spec?.ipFamilies ?? ['IPv4']
  return families.flatMap((family) => addresses.filter((address) => familyOf(address) === family))
}

function addressesOf(nodes: readonly DeepReadonly<Node>[], type: string): string[] {
  const all = nodes.flatMap(({ status }) => status?.addresses ?? [])
  return [...new Set(all.flatMap((address) => (address.type === type ? [address.address] : [])))].sort()
}
