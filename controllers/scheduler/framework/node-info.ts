/**
 * A node and everything placed or assumed on it, added up. The cache owns one per node; the snapshot and preemption work
 * on clones. Upstream: kube-scheduler framework/types.go NodeInfo. Differs: host ports are counted, so that removing one
 * of two Pods that (against the rules) share a port does not free it.
 */
import type { FrozenNode, HostPort, MutableNodeInfo, PodInfo, ResourceAmounts } from './interfaces.ts'
import { ANY_IP, podKey } from './pod-info.ts'
import type { NonZeroAmounts } from './resource-amounts.ts'
import { addAmounts, copyAmounts, newAmounts, nodeAllocatable } from './resource-amounts.ts'

export function createNodeInfo(node: FrozenNode, pods: readonly PodInfo[] = []): MutableNodeInfo {
  const info = new NodeState(node)
  for (const pod of pods) info.addPod(pod)
  return info
}

export class NodeState implements MutableNodeInfo {
  #facts: NodeFacts
  readonly pods = new Map<string, PodInfo>()
  readonly podsWithAffinity = new Set<PodInfo>()
  readonly podsWithRequiredAntiAffinity = new Set<PodInfo>()
  readonly claimUses = new Map<string, number>()
  requested: ResourceAmounts = newAmounts()
  nonZeroRequested: NonZeroAmounts = { milliCpu: 0, memory: 0 }
  /** `protocol/port` -> address -> uses. */
  readonly #ports = new Map<string, Map<string, number>>()

  constructor(node: FrozenNode | NodeFacts) {
    this.#facts = 'allocatable' in node ? node : factsOf(node)
  }

  get name(): string {
    return this.#facts.name
  }

  get node(): FrozenNode {
    return this.#facts.node
  }

  get allocatable(): Readonly<ResourceAmounts> & { readonly pods: number } {
    return this.#facts.allocatable
  }

  get images(): ReadonlyMap<string, number> {
    return this.#facts.images
  }

  setNode(node: FrozenNode): void {
    this.#facts = factsOf(node)
  }

  addPod(pod: PodInfo): void {
    const key = podKey(pod.pod)
    if (this.pods.has(key)) return
    this.pods.set(key, pod)
    const { podAffinity, podAntiAffinity } = pod.pod.spec.affinity ?? {}
    if (podAffinity !== undefined || podAntiAffinity !== undefined) this.podsWithAffinity.add(pod)
    if (pod.requiredAntiAffinity.length > 0) this.podsWithRequiredAntiAffinity.add(pod)
    this.#count(pod, 1)
  }

  removePod(pod: PodInfo): void {
    const key = podKey(pod.pod)
    // What was added is taken away, not what the Pod has become.
    const known = this.pods.get(key)
    if (known === undefined) return
    this.pods.delete(key)
    this.podsWithAffinity.delete(known)
    this.podsWithRequiredAntiAffinity.delete(known)
    this.#count(known, -1)
  }

  /** The same numbers, another state of the Pod. */
  replacePod(pod: PodInfo): void {
    const key = podKey(pod.pod)
    const known = this.pods.get(key)
    if (known === undefined) return
    this.pods.set(key, pod)
    if (this.podsWithAffinity.delete(known)) this.podsWithAffinity.add(pod)
    if (this.podsWithRequiredAntiAffinity.delete(known)) this.podsWithRequiredAntiAffinity.add(pod)
  }

  /** A port on all addresses conflicts with the same port on any, and the other way round. */
  hasPortConflict(ports: readonly HostPort[]): boolean {
    return ports.some(({ ip, protocol, port }) => {
      const used = this.#ports.get(`${protocol}/${port}`)
      if (used === undefined) return false
      return ip === ANY_IP || used.has(ip) || used.has(ANY_IP)
    })
  }

  clone(): NodeState {
    const copy = new NodeState(this.#facts)
    for (const [key, pod] of this.pods) copy.pods.set(key, pod)
    for (const pod of this.podsWithAffinity) copy.podsWithAffinity.add(pod)
    for (const pod of this.podsWithRequiredAntiAffinity) copy.podsWithRequiredAntiAffinity.add(pod)
    for (const [claim, uses] of this.claimUses) copy.claimUses.set(claim, uses)
    for (const [port, addresses] of this.#ports) copy.#ports.set(port, new Map(addresses))
    copy.requested = copyAmounts(this.requested)
    copy.nonZeroRequested = { ...this.nonZeroRequested }
    return copy
  }

  #count(pod: PodInfo, sign: 1 | -1): void {
    addAmounts(this.requested, pod.requests, sign)
    this.nonZeroRequested.milliCpu += sign * pod.nonZero.milliCpu
    this.nonZeroRequested.memory += sign * pod.nonZero.memory
    const { namespace = '' } = pod.pod.metadata
    for (const { persistentVolumeClaim } of pod.pod.spec.volumes ?? []) {
      if (persistentVolumeClaim !== undefined)
        addUse(this.claimUses, `${namespace}/${persistentVolumeClaim.claimName}`, sign)
    }
    for (const { ip, protocol, port } of pod.hostPorts) {
      const key = `${protocol}/${port}`
      const used = this.#ports.get(key) ?? new Map<string, number>()
      addUse(used, ip, sign)
      if (used.size === 0) this.#ports.delete(key)
      else this.#ports.set(key, used)
    }
  }
}

/** What the Node object says; shared by all clones. */
interface NodeFacts {
  readonly name: string
  readonly node: FrozenNode
  readonly allocatable: Readonly<ResourceAmounts> & { readonly pods: number }
  readonly images: ReadonlyMap<string, number>
}

const factsOf = (node: FrozenNode): NodeFacts => ({
  name: node.metadata.name ?? '',
  node,
  allocatable: nodeAllocatable(node),
  images: imagesOf(node),
})

function addUse(uses: Map<string, number>, key: string, sign: 1 | -1): void {
  const count = (uses.get(key) ?? 0) + sign
  if (count <= 0) uses.delete(key)
  else uses.set(key, count)
}

function imagesOf({ status }: FrozenNode): ReadonlyMap<string, number> {
  const images = new Map<string, number>()
  for (const { names = [], sizeBytes = 0 } of status?.images ?? [])
    for (const name of names) images.set(name, sizeBytes)
  return images
}
