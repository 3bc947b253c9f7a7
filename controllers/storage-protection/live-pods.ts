/**
 * Live lists of a namespace's Pods, shared: whoever asks while a list is under way gets the next one, which begins after
 * they asked. A thousand claims deleted at once cost a handful of lists. Upstream: pvc_protection_controller.go LazyLivePodList.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Pods = readonly DeepReadonly<Pod>[]

interface Lists {
  running: Promise<Pods>
  next: Promise<Pods> | undefined
}

export class LivePods {
  readonly #client: Client
  readonly #lists = new Map<string, Lists>()

  constructor(client: Client) {
    this.#client = client
  }

  /** As of a moment after this call. */
  list(namespace: string, signal: AbortSignal): Promise<Pods> {
    const lists = this.#lists.get(namespace)
    if (lists === undefined) return this.#start(namespace, signal)
    lists.next ??= lists.running.then(
      () => this.#start(namespace, signal),
      () => this.#start(namespace, signal),
    )
    return lists.next
  }

  #start(namespace: string, signal: AbortSignal): Promise<Pods> {
    const running = this.#client.list(PODS, { namespace, signal }).then(({ items }) => items)
    const lists: Lists = { running, next: undefined }
    this.#lists.set(namespace, lists)
    const forget = (): void => {
      if (this.#lists.get(namespace) === lists && lists.next === undefined) this.#lists.delete(namespace)
    }
    running.then(forget, forget)
    return running
  }
}
