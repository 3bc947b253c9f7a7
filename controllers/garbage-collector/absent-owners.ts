/** Owners that were looked for and are gone: a UID never comes back, so one look is enough for all dependents. Bounded. Upstream: uid_cache.go. */
import type { OwnerReference } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const ENTRIES_MAX = 500

type Identity = DeepReadonly<Pick<OwnerReference, 'apiVersion' | 'kind' | 'name' | 'uid'>>

export class AbsentOwners {
  /** In order of use, oldest first. */
  readonly #entries = new Set<string>()

  /** The namespace belongs to the identity: the same UID under a wrong namespace proves nothing about the right one. */
  add(owner: Identity, namespace: string): void {
    const id = idOf(owner, namespace)
    this.#entries.delete(id)
    this.#entries.add(id)
    if (this.#entries.size <= ENTRIES_MAX) return
    for (const oldest of this.#entries) {
      this.#entries.delete(oldest)
      return
    }
  }

  has(owner: Identity, namespace: string): boolean {
    return this.#entries.has(idOf(owner, namespace))
  }
}

function idOf({ apiVersion, kind, name, uid }: Identity, namespace: string): string {
  return `${apiVersion}/${kind}/${namespace}/${name}/${uid}`
}
