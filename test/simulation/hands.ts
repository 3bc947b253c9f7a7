/** What users do with: single calls on whatever objects there are, which may meet with what a user may be told. */
import { NODES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict, isForbidden, isNotFound, isStatusError, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { NAMESPACE } from './manifests.ts'
import type { World } from './world.ts'

export class Hands {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  chance(chance: number): boolean {
    return this.#world.random() < chance
  }

  below(maxExclusive: number): number {
    return this.#world.below(maxExclusive)
  }

  pick<T>(items: readonly T[]): T | undefined {
    return this.#world.pick(items)
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: DeepReadonly<T>): Promise<void> {
    await this.#world.client.create(resource, object).catch((err: unknown) => {
      // A quota, or a namespace that is going.
      if (!isForbidden(err)) expected(err)
    })
  }

  /** Merges into one at random. */
  async change<T extends KubeObject>(resource: Resource<T>, body: (object: DeepReadonly<T>) => object): Promise<void> {
    const object = await this.any(resource)
    if (object !== undefined) await this.patch(resource, object, body(object))
  }

  async patch<T extends KubeObject>(resource: Resource<T>, object: DeepReadonly<T>, body: object): Promise<void> {
    await this.#world.client.patch(resource, objectKeyOf(object), { type: 'merge', body }).catch(expected)
  }

  /** As `kubectl edit` does, looking again after a conflict: what lists must be written as a whole. */
  async edit<T extends KubeObject>(
    resource: Resource<T>,
    object: DeepReadonly<T>,
    change: (draft: T) => void,
  ): Promise<void> {
    const { client } = this.#world
    let current: DeepReadonly<T> | undefined = object
    while (current !== undefined) {
      const draft = deepCopy<T>(current)
      change(draft)
      try {
        await client.update(resource, draft as unknown as DeepReadonly<T>)
        return
      } catch (err: unknown) {
        expected(err)
        current = await client.get(resource, objectKeyOf(object)).catch(undefinedIfNotFound)
      }
    }
  }

  /** One at random, its dependents one way or another. */
  async delete(resource: Resource): Promise<void> {
    const object = await this.any(resource)
    if (object === undefined) return
    const propagationPolicy = this.pick(['Background', 'Foreground', 'Background', 'Orphan'] as const) ?? 'Background'
    await this.#world.client.delete(resource, objectKeyOf(object), { propagationPolicy }).catch(expected)
  }

  async remove(resource: Resource, object: DeepReadonly<KubeObject>, options: object = {}): Promise<void> {
    await this.#world.client.delete(resource, objectKeyOf(object), options).catch(expected)
  }

  /** One that is not going. */
  async any<T extends KubeObject>(resource: Resource<T>): Promise<DeepReadonly<T> | undefined> {
    return this.pick((await this.all(resource)).filter(({ metadata }) => metadata.deletionTimestamp === undefined))
  }

  async all<T extends KubeObject>(resource: Resource<T>): Promise<readonly DeepReadonly<T>[]> {
    const { items } = await this.#world.client.list(resource, resource.namespaced ? { namespace: NAMESPACE } : {})
    return items
  }

  async editNode(node: DeepReadonly<Node>, change: (draft: Node) => void): Promise<void> {
    await this.edit(NODES, node, change)
  }
}

/** What a user may be told in the middle of all this. */
function expected(err: unknown): void {
  if (isConflict(err) || isNotFound(err)) return
  if (isStatusError(err) && err.status.reason === 'AlreadyExists') return
  throw err
}
