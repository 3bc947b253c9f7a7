/**
 * What the binder itself wrote last, until the cache shows it: without this the reconcile that follows a write would act
 * on the object before it. Holds only objects the cache has not caught up with. Upstream: the binder's own stores
 * (pv_controller_base.go storeObjectUpdate).
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { keyStringOf, objectKeyOf } from '#machinery/informers/key.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import { compareResourceVersions } from '#machinery/meta/resource-version.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export class Latest<T extends KubeObject> {
  readonly #informer: Informer<T>
  readonly #written = new Map<string, DeepReadonly<T>>()

  constructor(informer: Informer<T>) {
    this.#informer = informer
    const settle = (object: DeepReadonly<T>): void => {
      this.#newerThan(object)
    }
    informer.addHandler({
      onUpdate: (_old, object) => settle(object),
      onAdd: settle,
      onDelete: (object) => this.#written.delete(keyStringOf(object)),
    })
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    const cached = this.#informer.lister.get(key)
    return cached === undefined ? undefined : this.of(cached)
  }

  /** The newest known state of a cached object. */
  of(cached: DeepReadonly<T>): DeepReadonly<T> {
    return this.#newerThan(cached) ?? cached
  }

  remember(object: DeepReadonly<T>): DeepReadonly<T> {
    const cached = this.#informer.lister.get(objectKeyOf(object))
    // What was changed had been in the cache: it is deleted by now.
    if (cached === undefined) return object
    this.#written.set(keyStringOf(object), object)
    this.#newerThan(cached)
    return object
  }

  /** Everything the cache has not caught up with; indexes of the cache do not know these states. */
  pending(): DeepReadonly<T>[] {
    return [...this.#written.values()]
  }

  #newerThan(cached: DeepReadonly<T>): DeepReadonly<T> | undefined {
    const key = keyStringOf(cached)
    const written = this.#written.get(key)
    if (written === undefined) return undefined
    const order = compareResourceVersions(cached.metadata.resourceVersion, written.metadata.resourceVersion)
    if (written.metadata.uid === cached.metadata.uid && order !== undefined && order < 0) return written
    this.#written.delete(key)
    return undefined
  }
}
