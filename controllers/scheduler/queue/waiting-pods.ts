/** Pods that were refused and wait for an event, found by who refused them. Upstream: unschedulable_pods.go. */
import type { QueuedPod } from './queued-pod.ts'

export class WaitingPods {
  readonly #pods = new Map<string, QueuedPod>()
  readonly #byPlugin = new Map<string, Map<string, QueuedPod>>()
  #gated = 0

  get size(): number {
    return this.#pods.size
  }

  get gated(): number {
    return this.#gated
  }

  get(key: string): QueuedPod | undefined {
    return this.#pods.get(key)
  }

  values(): Iterable<QueuedPod> {
    return this.#pods.values()
  }

  set(pod: QueuedPod): void {
    this.delete(pod.key)
    this.#pods.set(pod.key, pod)
    if (pod.gatedBy !== undefined) this.#gated++
    for (const plugin of pluginsOf(pod)) {
      const pods = this.#byPlugin.get(plugin) ?? new Map<string, QueuedPod>()
      pods.set(pod.key, pod)
      this.#byPlugin.set(plugin, pods)
    }
  }

  /** Before the Pod's plugins are changed: it is filed under those it was added with. */
  delete(key: string): QueuedPod | undefined {
    const pod = this.#pods.get(key)
    if (pod === undefined) return undefined
    this.#pods.delete(key)
    if (pod.gatedBy !== undefined) this.#gated--
    for (const plugin of pluginsOf(pod)) {
      const pods = this.#byPlugin.get(plugin)
      pods?.delete(key)
      if (pods?.size === 0) this.#byPlugin.delete(plugin)
    }
    return pod
  }

  /** Pods that one of these plugins refused, and those nobody refused. A copy. */
  refusedBy(plugins: readonly string[]): QueuedPod[] {
    const found = new Map(this.#byPlugin.get(NOBODY))
    for (const plugin of plugins) for (const [key, pod] of this.#byPlugin.get(plugin) ?? []) found.set(key, pod)
    return [...found.values()]
  }
}

const NOBODY = ''

function pluginsOf({ rejectedBy, pendingBy, gatedBy }: QueuedPod): readonly string[] {
  if (gatedBy !== undefined) return [gatedBy]
  const all = [...rejectedBy, ...pendingBy]
  return all.length === 0 ? [NOBODY] : all
}
