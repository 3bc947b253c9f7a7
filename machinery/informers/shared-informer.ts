/**
 * One cache of one resource, shared by everyone who asks: a reflector fills the store, then the handlers are told. The
 * store changes first, so a handler (or the reconcile it causes) never reads something older than what it was told.
 * Upstream: client-go tools/cache/shared_informer.go. Differs: handlers run synchronously and must only note keys;
 * there is no queue between the reflector and them that could grow.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { groupResourceString } from '#machinery/meta/resource.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { keyStringOf } from './key.ts'
import type { Lister } from './lister.ts'
import type { ReflectorDependencies, Selection } from './reflector.ts'
import { Reflector } from './reflector.ts'
import type { IndexFunction } from './store.ts'
import { Store } from './store.ts'

/**
 * Told after the store changed, in order, synchronously: must return quickly and must not throw (a throw is logged).
 * After a reconnect several changes may arrive as one onUpdate, and a delete+create under one name as an onUpdate whose
 * UIDs differ.
 */
export interface InformerHandler<T extends KubeObject = KubeObject> {
  onAdd?(object: DeepReadonly<T>, isInInitialList: boolean): void
  /** Also called by resync, with the same object twice. */
  onUpdate?(old: DeepReadonly<T>, object: DeepReadonly<T>): void
  /** `isFinalStateUnknown`: the delete itself was missed; `object` is the last state seen (a tombstone). */
  onDelete?(object: DeepReadonly<T>, isFinalStateUnknown: boolean): void
}

export interface Informer<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>
  readonly lister: Lister<T>
  /** Resolves when the first list is in the store and the handlers have been told of it. Never rejects. */
  readonly synced: Promise<void>
  readonly hasSynced: boolean
  /** Objects already in the store are announced at once. Returns the function that removes the handler. */
  addHandler(handler: InformerHandler<T>): () => void
  addIndex(name: string, values: IndexFunction<T>): void
}

export interface SharedInformerOptions extends Selection {
  /** Tells every handler of every object again, this often. Absent: never. */
  readonly resyncPeriodMs?: number
}

export class SharedInformer<T extends KubeObject = KubeObject> implements Informer<T> {
  readonly resource: Resource<T>
  readonly synced: Promise<void>
  readonly #store = new Store<T>()
  readonly #reflector: Reflector<T>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #resyncPeriodMs: number | undefined
  #handlers: readonly InformerHandler<T>[] = []
  #hasSynced = false
  #markSynced: () => void = () => undefined

  constructor(resource: Resource<T>, options: SharedInformerOptions, dependencies: ReflectorDependencies) {
    const { resyncPeriodMs, ...selection } = options
    this.resource = resource
    this.#resyncPeriodMs = resyncPeriodMs
    this.#clock = dependencies.clock
    this.#logger = dependencies.logger.child({ informer: groupResourceString(resource) })
    this.#reflector = new Reflector(resource, selection, this.#sink(), dependencies)
    this.synced = new Promise((resolve) => {
      this.#markSynced = resolve
    })
  }

  get lister(): Lister<T> {
    return this.#store
  }

  get hasSynced(): boolean {
    return this.#hasSynced
  }

  get handlerCount(): number {
    return this.#handlers.length
  }

  get phase(): string {
    return this.#reflector.phase
  }

  addIndex(name: string, values: IndexFunction<T>): void {
    this.#store.addIndex(name, values)
  }

  addHandler(handler: InformerHandler<T>): () => void {
    this.#handlers = [...this.#handlers, handler]
    const isInInitialList = !this.#hasSynced
    for (const object of this.#store.values()) this.#guard(() => handler.onAdd?.(object, isInInitialList))
    return () => {
      this.#handlers = this.#handlers.filter((other) => other !== handler)
    }
  }

  /** Runs until the signal aborts; called once, by the factory. */
  async run(signal: AbortSignal): Promise<void> {
    const resync =
      this.#resyncPeriodMs === undefined
        ? undefined
        : this.#clock.setInterval(() => this.#resync(), this.#resyncPeriodMs)
    try {
      await this.#reflector.run(signal)
    } finally {
      resync?.cancel()
    }
  }

  #sink(): {
    replace(objects: readonly DeepReadonly<T>[]): void
    upsert(o: DeepReadonly<T>): void
    delete(o: DeepReadonly<T>): void
  } {
    return {
      replace: (objects) => this.#replace(objects),
      upsert: (object) => this.#upsert(object),
      delete: (object) => this.#delete(object),
    }
  }

  #replace(objects: readonly DeepReadonly<T>[]): void {
    const gone = new Set(this.#store.keys())
    for (const object of objects) {
      gone.delete(keyStringOf(object))
      this.#upsert(object)
    }
    for (const key of gone) {
      const last = this.#store.delete(key)
      if (last !== undefined) this.#tell((handler) => handler.onDelete?.(last, true))
    }
    if (this.#hasSynced) return
    this.#hasSynced = true
    this.#markSynced()
  }

  #upsert(object: DeepReadonly<T>): void {
    const old = this.#store.set(object)
    if (old === undefined) this.#tell((handler) => handler.onAdd?.(object, !this.#hasSynced))
    // A relist repeats what has not changed; nobody needs to hear of it.
    else if (old.metadata.resourceVersion !== object.metadata.resourceVersion)
      this.#tell((handler) => handler.onUpdate?.(old, object))
  }

  #delete(object: DeepReadonly<T>): void {
    if (this.#store.delete(keyStringOf(object)) === undefined) return
    this.#tell((handler) => handler.onDelete?.(object, false))
  }

  #resync(): void {
    for (const object of [...this.#store.values()]) this.#tell((handler) => handler.onUpdate?.(object, object))
  }

  #tell(call: (handler: InformerHandler<T>) => void): void {
    for (const handler of this.#handlers) this.#guard(() => call(handler))
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (err: unknown) {
      this.#logger.error({ err: toError(err) }, 'an informer handler threw')
    }
  }
}
