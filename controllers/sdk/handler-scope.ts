/**
 * The handlers one run of a controller adds to shared informers. The informers outlive the run; its handlers must not:
 * they would keep all of it alive and be called for ever.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'

export class HandlerScope {
  readonly #removals = new Set<() => void>()

  /** A view of the shared informer whose handlers are of this scope. Whoever adds one may also remove it earlier. */
  of<T extends KubeObject>(informer: Informer<T>): Informer<T> {
    return {
      resource: informer.resource,
      lister: informer.lister,
      synced: informer.synced,
      get hasSynced() {
        return informer.hasSynced
      },
      addIndex: (name, values) => informer.addIndex(name, values),
      addHandler: (handler) => this.#added(informer.addHandler(handler)),
    }
  }

  /** May be called more than once. */
  removeAll(): void {
    for (const remove of this.#removals) remove()
    this.#removals.clear()
  }

  #added(remove: () => void): () => void {
    this.#removals.add(remove)
    return () => {
      this.#removals.delete(remove)
      remove()
    }
  }
}
