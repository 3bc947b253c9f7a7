/** Which Pods are garbage. Pure. Upstream: pkg/controller/podgc. */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenPod = DeepReadonly<Pod>

const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'
const NEITHER: readonly Ending[] = []
const ENDED: readonly Ending[] = ['ended']
const DELETED: readonly Ending[] = ['deleted']
const BOTH: readonly Ending[] = ['ended', 'deleted']
const LIVING_PHASES = new Set(['', 'Pending', 'Running', 'Unknown'])

/** Finished, or asked to go; a Pod can be both. */
export type Ending = 'ended' | 'deleted'

/** The values of the index by which garbage is found. */
export function endingOf({ metadata, status }: FrozenPod): readonly Ending[] {
  const isEnded = !LIVING_PHASES.has(status?.phase ?? '')
  if (metadata.deletionTimestamp === undefined) return isEnded ? ENDED : NEITHER
  return isEnded ? BOTH : DELETED
}

/** Of finished Pods those beyond the threshold: evicted ones first, then the oldest. A threshold of 0 or less keeps all. */
export function surplusTerminated(ended: readonly FrozenPod[], threshold: number): FrozenPod[] {
  if (threshold <= 0 || ended.length <= threshold) return []
  return [...ended].sort(byEvictionAndAge).slice(0, ended.length - threshold)
}

function byEvictionAndAge(a: FrozenPod, b: FrozenPod): number {
  const [isAEvicted, isBEvicted] = [isEvicted(a), isEvicted(b)]
  if (isAEvicted !== isBEvicted) return isAEvicted ? -1 : 1
  const [createdA, createdB] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  if (createdA !== createdB) return createdA < createdB ? -1 : 1
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
}

function isEvicted({ status }: FrozenPod): boolean {
  return status?.phase === 'Failed' && status.reason === 'Evicted'
}

/** Being deleted, on a node that is not ready and that somebody has declared out of service: no kubelet will finish it. */
export function isOutOfService(pod: FrozenPod, node: DeepReadonly<Node> | undefined): boolean {
  if (pod.metadata.deletionTimestamp === undefined || node === undefined) return false
  const isReady = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  return !isReady && (node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) ?? false)
}

/** Being deleted before it ever had a node. */
export function isUnscheduledTerminating({ metadata, spec }: FrozenPod): boolean {
  return metadata.deletionTimestamp !== undefined && (spec.nodeName ?? '') === ''
}
