/**
 * The informer's cache with the scheduler's own intentions over it: what it has decided but not yet written or not yet
 * seen. An assumed object counts until the informer tells of any newer state, or it is restored.
 * Upstream: pkg/scheduler/util/assumecache. Differs: resourceVersions are not compared; an informer never goes back.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { keyString, keyStringOf } from '#machinery/informers/key.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export class AssumeCache<T extends KubeObject> {
  readonly #informer: Informer<T>
  /** Never more than there are Pods between Reserve and the informer's echo of their binding. */
  readonly #assumed = new Map<string, DeepReadonly<T>>()

  constructor(informer: Informer<T>) {
    this.#informer = informer
    const forget = (object: DeepReadonly<T>): void => void this.#assumed.delete(keyStringOf(object))
    informer.addHandler({ onUpdate: (_old, object) => forget(object), onDelete: forget })
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    return this.#assumed.get(keyString(key)) ?? this.#informer.lister.get(key)
  }

  /** What the API server said last, whatever is assumed. */
  getActual(key: ObjectKey): DeepReadonly<T> | undefined {
    return this.#informer.lister.get(key)
  }

  *byIndex(name: string, value: string): Iterable<DeepReadonly<T>> {
    for (const object of this.#informer.lister.byIndex(name, value))
      yield this.#assumed.get(keyStringOf(object)) ?? object
  }

  /** `object` was made from what `get` gave. False when that is no longer the current state. */
  assume(object: DeepReadonly<T>): boolean {
    const { namespace, name = '' } = object.metadata
    const current = this.get(namespace === undefined ? { name } : { namespace, name })
    if (current?.metadata.resourceVersion !== object.metadata.resourceVersion) return false
    this.#assumed.set(keyStringOf(object), object)
    return true
  }

  /** Idempotent. */
  restore(object: DeepReadonly<T>): void {
    this.#assumed.delete(keyStringOf(object))
  }
}
