/** Pods that wait for a node to be freed for them by preemption. Upstream: scheduler backend/queue/nominator.go. */
import type { PodInfo } from '../framework/interfaces.ts'
import { podKey, podPriority } from '../framework/pod-info.ts'

export class Nominator {
  readonly #byNode = new Map<string, Map<string, PodInfo>>()
  readonly #nodeOf = new Map<string, string>()

  get size(): number {
    return this.#nodeOf.size
  }

  /** Replaces an earlier nomination. */
  set(info: PodInfo, node: string): void {
    const key = podKey(info.pod)
    this.delete(key)
    const pods = this.#byNode.get(node) ?? new Map<string, PodInfo>()
    pods.set(key, info)
    this.#byNode.set(node, pods)
    this.#nodeOf.set(key, node)
  }

  delete(key: string): void {
    const node = this.#nodeOf.get(key)
    if (node === undefined) return
    this.#nodeOf.delete(key)
    const pods = this.#byNode.get(node)
    pods?.delete(key)
    if (pods?.size === 0) this.#byNode.delete(node)
  }

  /** A new state of the Pod. A nomination that this state does not say (the patch is on its way) is kept. */
  update(old: PodInfo | undefined, info: PodInfo): void {
    const key = podKey(info.pod)
    const said = info.pod.status?.nominatedNodeName ?? ''
    const saidBefore = old?.pod.status?.nominatedNodeName ?? ''
    const kept = said === '' && saidBefore === '' ? this.#nodeOf.get(key) : undefined
    const node = kept ?? said
    if (node === '') this.delete(key)
    else this.set(info, node)
  }

  nodeOf(key: string): string | undefined {
    return this.#nodeOf.get(key)
  }

  onNode(node: string, minPriority: number): readonly PodInfo[] {
    const pods = this.#byNode.get(node)
    if (pods === undefined) return []
    return [...pods.values()].filter(({ pod }) => podPriority(pod) >= minPriority)
  }

  hasAny(node: string): boolean {
    return this.#byNode.has(node)
  }

  list(): { readonly pod: string; readonly node: string }[] {
    return [...this.#byNode].flatMap(([node, pods]) =>
      [...pods.values()].map(({ pod }) => ({ pod: `${pod.metadata.namespace}/${pod.metadata.name}`, node })),
    )
  }
}
