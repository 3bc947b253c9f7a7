/**
 * One informer per resource (and selection), shared by all that ask: the process holds each watched object once.
 * Informers asked for after `start` begin at once. Upstream: client-go informers/factory.go.
 */
import { setMaxListeners } from 'node:events'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { Lister } from './lister.ts'
import type { ReflectorDependencies } from './reflector.ts'
import type { Informer, SharedInformerOptions } from './shared-informer.ts'
import { SharedInformer } from './shared-informer.ts'

export interface InformerStatus {
  readonly resource: string
  readonly phase: string
  readonly hasSynced: boolean
  readonly objects: number
  readonly handlers: number
}

export class SharedInformerFactory {
  readonly #dependencies: ReflectorDependencies
  readonly #informers = new Map<string, SharedInformer>()
  readonly #running: Promise<void>[] = []
  #signal: AbortSignal | undefined

  constructor(dependencies: ReflectorDependencies) {
    this.#dependencies = dependencies
  }

  /** The first caller's resync period counts; selections make separate informers. */
  informer<T extends KubeObject>(resource: Resource<T>, options: SharedInformerOptions = {}): Informer<T> {
    const id = informerId(resource, options)
    const existing = this.#informers.get(id)
    // The map is keyed by the resource, and the resource determines T.
    if (existing !== undefined) return existing as unknown as Informer<T>
    const informer = new SharedInformer(resource, options, this.#dependencies)
    this.#informers.set(id, informer as unknown as SharedInformer)
    if (this.#signal !== undefined) this.#running.push(informer.run(this.#signal))
    return informer
  }

  lister<T extends KubeObject>(resource: Resource<T>, options?: SharedInformerOptions): Lister<T> {
    return this.informer(resource, options).lister
  }

  /** Starts all informers; they run until the signal aborts. Called once. */
  start(signal: AbortSignal): void {
    // One listener per informer is no leak.
    setMaxListeners(0, signal)
    this.#signal = signal
    for (const informer of this.#informers.values()) this.#running.push(informer.run(signal))
  }

  /** Resolves when every informer known now has its first list. Rejects with the signal's reason when it aborts first. */
  async synced(signal?: AbortSignal): Promise<void> {
    const all = Promise.all([...this.#informers.values()].map((informer) => informer.synced))
    await (signal === undefined ? all : untilAborted(all, signal))
  }

  /** Resolves when all reflectors have ended, after the start signal aborted. */
  async stopped(): Promise<void> {
    await Promise.all(this.#running)
  }

  status(): InformerStatus[] {
    return [...this.#informers].map(([id, informer]) => ({
      resource: id,
      phase: informer.phase,
      hasSynced: informer.hasSynced,
      objects: informer.lister.size,
      handlers: informer.handlerCount,
    }))
  }
}

function informerId(resource: Resource, options: SharedInformerOptions): string {
  const { namespace = '', labelSelector = '', fieldSelector = '' } = options
  const selection = `${namespace}|${labelSelector}|${fieldSelector}`
  const name = `${resource.group}/${resource.version}/${resource.resource}`
  return selection === '||' ? name : `${name}?${selection}`
}

/** Rejects with the signal's reason as soon as it aborts; leaves no listener behind. */
export async function untilAborted<V>(promise: Promise<V>, signal: AbortSignal): Promise<V> {
  signal.throwIfAborted()
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
  }
}
