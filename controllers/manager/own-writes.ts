/**
 * What a controller has written of its children and its cache does not show yet. A decision made without it is made about
 * the past: a Deployment that is scaled right after a new ReplicaSet would grow the old one.
 * Upstream: feature StaleControllerConsistency. Resource versions compare as integers, as the API promises since 1.35.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { keyStringOf, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** A child made and deleted again while the watch was down is never shown. */
const WAIT_MAX_MS = 30_000

interface Written<T extends KubeObject> {
  readonly object: DeepReadonly<T>
  readonly atMs: number
}

export class OwnWrites<T extends KubeObject> {
  readonly #children: Lister<T>
  readonly #clock: Clock
  readonly #byOwner = new Map<string, Map<string, Written<T>>>()

  constructor(children: Lister<T>, clock: Clock) {
    this.#children = children
    this.#clock = clock
  }

  /** `object` is the API server's answer to the write. */
  wrote(ownerUid: string, object: DeepReadonly<T>): void {
    const written = this.#byOwner.get(ownerUid) ?? new Map<string, Written<T>>()
    written.set(keyStringOf(object), { object, atMs: this.#clock.monotonicMs() })
    this.#byOwner.set(ownerUid, written)
  }

  /** Milliseconds after which to look again, when a change of a child does not come first; undefined = all is shown. */
  waitMs(ownerUid: string): number | undefined {
    const written = this.#byOwner.get(ownerUid)
    if (written === undefined) return undefined
    const nowMs = this.#clock.monotonicMs()
    for (const [key, { object, atMs }] of written)
      if (this.#isShown(object) || nowMs - atMs >= WAIT_MAX_MS) written.delete(key)
    const [first] = written.values()
    if (first !== undefined) return first.atMs + WAIT_MAX_MS - nowMs
    this.#byOwner.delete(ownerUid)
    return undefined
  }

  /** The cache has seen the child go. */
  childGone(ownerUid: string | undefined, child: DeepReadonly<T>): void {
    if (ownerUid === undefined) return
    const written = this.#byOwner.get(ownerUid)
    written?.delete(keyStringOf(child))
    if (written?.size === 0) this.#byOwner.delete(ownerUid)
  }

  /** The owner is gone. */
  forget(ownerUid: string): void {
    this.#byOwner.delete(ownerUid)
  }

  #isShown(object: DeepReadonly<T>): boolean {
    const shown = this.#children.get(objectKeyOf(object))
    return shown !== undefined && Number(shown.metadata.resourceVersion) >= Number(object.metadata.resourceVersion)
  }
}
