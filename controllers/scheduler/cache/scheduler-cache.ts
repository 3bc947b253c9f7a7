/**
 * What is on each node as the scheduler believes it: Pods the API says are there, and those it has placed itself and not
 * seen bound yet (assumed). Upstream: scheduler backend/cache/cache.go. Differs: an assumed Pod never expires; it is
 * confirmed by the watch, or forgotten when its binding fails or it is deleted.
 */
import type { FrozenNode, FrozenPod, PodInfo } from '../framework/interfaces.ts'
import { NodeState } from '../framework/node-info.ts'
import { createPodInfo, podKey, withPod } from '../framework/pod-info.ts'
import type { NodeSnapshot } from '../framework/snapshot.ts'
import { roundRobin, zoneOf } from './node-order.ts'

interface CachedNode {
  readonly state: NodeState
  /** False: Pods say it exists, but there is no Node object (any more). */
  isReal: boolean
  zone: string
}

interface Placement {
  readonly info: PodInfo
  readonly node: string
  readonly isAssumed: boolean
}

export class SchedulerCache {
  readonly #nodes = new Map<string, CachedNode>()
  readonly #placements = new Map<string, Placement>()
  readonly #changed = new Set<string>()
  #isOrderStale = true
  #assumed = 0

  get nodeCount(): number {
    let count = 0
    for (const { isReal } of this.#nodes.values()) if (isReal) count++
    return count
  }

  get podCount(): number {
    return this.#placements.size
  }

  get assumedCount(): number {
    return this.#assumed
  }

  isAssumed(key: string): boolean {
    return this.#placements.get(key)?.isAssumed === true
  }

  get(key: string): PodInfo | undefined {
    return this.#placements.get(key)?.info
  }

  setNode(node: FrozenNode): void {
    const name = node.metadata.name ?? ''
    const zone = zoneOf(node)
    const known = this.#nodes.get(name)
    if (known === undefined) {
      this.#nodes.set(name, { state: new NodeState(node), isReal: true, zone })
      this.#isOrderStale = true
    } else {
      known.state.setNode(node)
      if (!known.isReal || known.zone !== zone) this.#isOrderStale = true
      known.isReal = true
      known.zone = zone
    }
    this.#changed.add(name)
  }

  removeNode(name: string): void {
    const known = this.#nodes.get(name)
    if (known === undefined) return
    known.isReal = false
    this.#isOrderStale = true
    this.#dropIfEmpty(name, known)
  }

  /** The scheduler's own decision, before the API knows of it. */
  assume(info: PodInfo, node: string): void {
    const placed = withPod(info, { ...info.pod, spec: { ...info.pod.spec, nodeName: node } })
    this.#place(podKey(info.pod), { info: placed, node, isAssumed: true })
  }

  /** Takes an assumed Pod back; one that has been confirmed meanwhile stays. */
  forget(key: string): boolean {
    if (!this.isAssumed(key)) return false
    this.#unplace(key)
    return true
  }

  /** What the API says: the Pod is on this node. */
  setPod(pod: FrozenPod): void {
    const key = podKey(pod)
    const node = pod.spec.nodeName ?? ''
    const known = this.#placements.get(key)
    // The binding changes the spec, but not what the Pod is.
    const isSame =
      known?.isAssumed === true ? !hasResizeState(pod) : known !== undefined && isSameSize(known.info.pod, pod)
    if (known === undefined || known.node !== node || !isSame) {
      this.#place(key, { info: createPodInfo(pod), node, isAssumed: false })
      return
    }
    const info = withPod(known.info, pod)
    this.#nodes.get(node)?.state.replacePod(info)
    this.#setPlacement(key, { info, node, isAssumed: false })
    this.#changed.add(node)
  }

  removePod(key: string): void {
    this.#unplace(key)
  }

  /** Brings the snapshot up to date: clones of the nodes that changed since the last call. */
  updateSnapshot(snapshot: NodeSnapshot): void {
    if (this.#isOrderStale) {
      this.#resetSnapshot(snapshot)
    } else {
      for (const name of this.#changed) {
        const node = this.#nodes.get(name)
        if (node?.isReal === true) snapshot.replace(node.state.clone())
      }
    }
    this.#changed.clear()
    this.#isOrderStale = false
  }

  #resetSnapshot(snapshot: NodeSnapshot): void {
    const real = [...this.#nodes].filter(([, { isReal }]) => isReal)
    const order = roundRobin(real.map(([name, { zone }]) => [name, zone] as const))
    snapshot.reset(
      order.flatMap((name) => {
        const unchanged = this.#changed.has(name) ? undefined : snapshot.get(name)
        return unchanged ?? this.#nodes.get(name)?.state.clone() ?? []
      }),
    )
  }

  #place(key: string, placement: Placement): void {
    this.#unplace(key)
    const node = this.#nodes.get(placement.node) ?? this.#addUnknownNode(placement.node)
    node.state.addPod(placement.info)
    this.#setPlacement(key, placement)
    this.#changed.add(placement.node)
  }

  #unplace(key: string): void {
    const known = this.#placements.get(key)
    if (known === undefined) return
    this.#setPlacement(key, undefined)
    const node = this.#nodes.get(known.node)
    if (node === undefined) return
    node.state.removePod(known.info)
    this.#changed.add(known.node)
    this.#dropIfEmpty(known.node, node)
  }

  #setPlacement(key: string, placement: Placement | undefined): void {
    if (this.#placements.get(key)?.isAssumed === true) this.#assumed--
    if (placement?.isAssumed === true) this.#assumed++
    if (placement === undefined) this.#placements.delete(key)
    else this.#placements.set(key, placement)
  }

  /** A Pod may be heard of before its node. */
  #addUnknownNode(name: string): CachedNode {
    const node: FrozenNode = { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} }
    const cached = { state: new NodeState(node), isReal: false, zone: '' }
    this.#nodes.set(name, cached)
    return cached
  }

  #dropIfEmpty(name: string, { isReal, state }: CachedNode): void {
    if (isReal || state.pods.size > 0) return
    this.#nodes.delete(name)
    this.#changed.delete(name)
  }
}

/**
 * Nothing that PodInfo is computed from differs. The generation follows the spec; a status counts through the resources of
 * containers while they are resized.
 */
export function isSameSize(old: FrozenPod, pod: FrozenPod): boolean {
  const { generation } = pod.metadata
  if (generation === undefined || generation !== old.metadata.generation) return false
  return !hasResizeState(old) && !hasResizeState(pod)
}

function hasResizeState({ status }: FrozenPod): boolean {
  const { containerStatuses = [], initContainerStatuses = [], conditions = [] } = status ?? {}
  return (
    [...containerStatuses, ...initContainerStatuses].some(
      ({ allocatedResources, resources }) => allocatedResources !== undefined || resources !== undefined,
    ) || conditions.some(({ type }) => type === 'PodResizePending')
  )
}
