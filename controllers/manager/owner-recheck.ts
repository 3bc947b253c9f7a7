/**
 * Keeps a controller whose cache is behind from making children, over and over, for an owner that is gone or going: the
 * garbage collector deletes them as fast as they are made, and each deletion wakes the controller to make the next.
 * Upstream has this race too; there the time that calls take is all that slows it down.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyStringOf, objectKeyOf } from '#machinery/informers/key.ts'
import { newNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** By a live read: that very object, and nobody has begun to delete it. */
export async function isStillThere(
  client: Client,
  resource: Resource,
  owner: DeepReadonly<KubeObject>,
  signal: AbortSignal,
): Promise<boolean> {
  const live = await client.get(resource, objectKeyOf(owner), { signal }).catch(undefinedIfNotFound)
  return live !== undefined && live.metadata.uid === owner.metadata.uid && live.metadata.deletionTimestamp === undefined
}

export class OwnerRecheck {
  readonly #client: Client
  readonly #resource: Resource
  /** The version of an owner, by its key, for which children were made last. */
  readonly #madeFor = new Map<string, string>()

  constructor(client: Client, resource: Resource) {
    this.#client = client
    this.#resource = resource
  }

  /**
   * Call before children are made. The first time for a version of the owner costs nothing; the second time what was made
   * is gone again, and the owner is read live. Throws NotFound of the owner when its end has begun: the runner then leaves it
   * alone until the cache shows another version.
   */
  async beforeCreating(owner: DeepReadonly<KubeObject>, signal: AbortSignal): Promise<void> {
    const key = keyStringOf(owner)
    const { name = '', resourceVersion = '' } = owner.metadata
    if (this.#madeFor.get(key) === resourceVersion) {
      if (!(await isStillThere(this.#client, this.#resource, owner, signal))) throw newNotFound(this.#resource, name)
    }
    this.#madeFor.set(key, resourceVersion)
  }

  /** The cache has seen the owner go. */
  forget(key: string): void {
    this.#madeFor.delete(key)
  }
}
