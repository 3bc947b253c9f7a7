/**
 * Writes planned changes of EndpointSlices and tells the tracker. Creates come first, so that no endpoint is nowhere.
 * Upstream: finalize in staging/src/k8s.io/endpointslice/reconciler.go.
 */
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import { withContext } from '#machinery/meta/error-context.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey } from '#sdk'
import { isNamespaceTerminating } from '#sdk'
import type { SliceTracker } from './slice-tracker.ts'

export interface SliceChanges {
  readonly create: readonly EndpointSlice[]
  readonly update: readonly EndpointSlice[]
  readonly remove: readonly DeepReadonly<EndpointSlice>[]
}

/** Whose slices they are. */
export interface SliceOwner {
  /** Endpoints: mirrored for the Service of that name. */
  readonly kind: 'Service' | 'Endpoints'
  readonly key: ObjectKey
  readonly uid: string
  /** Its slices are going away: none is created, lest the garbage collector meet new ones. */
  readonly isDeleting: boolean
}

export class SliceWriter {
  readonly #client: Client
  readonly #tracker: SliceTracker

  constructor(client: Client, tracker: SliceTracker) {
    this.#client = client
    this.#tracker = tracker
  }

  async write(owner: SliceOwner, { create, update, remove }: SliceChanges, signal: AbortSignal): Promise<void> {
    const { kind, key, uid } = owner
    const failing =
      (what: string) =>
      (err: unknown): never => {
        signal.throwIfAborted()
        throw withContext(err, `failed to ${what} EndpointSlice for ${kind} ${keyString(key)}`)
      }
    for (const slice of owner.isDeleting ? [] : create) {
      try {
        this.#tracker.wrote(key, uid, await this.#client.create(ENDPOINT_SLICES, slice, { signal }))
      } catch (err: unknown) {
        if (isNamespaceTerminating(err)) return
        failing('create')(err)
      }
    }
    for (const slice of update) {
      const updated = this.#client.update(ENDPOINT_SLICES, slice, { signal })
      this.#tracker.wrote(key, uid, await updated.catch(failing(`update ${slice.metadata.name}`)))
    }
    for (const slice of remove) {
      const deleted = this.#client.delete(ENDPOINT_SLICES, objectKeyOf(slice), { signal })
      await deleted.catch(undefinedIfNotFound).catch(failing(`delete ${slice.metadata.name}`))
      this.#tracker.deleted(key, uid, slice)
    }
  }
}
