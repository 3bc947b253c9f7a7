/**
 * Binds PersistentVolumeClaims and PersistentVolumes to each other and keeps the phases of both. A binding is two
 * references, written volume first; whatever happened in between, the next reconcile of either side finishes or undoes it.
 *
 * Reads: claims, volumes, classes and pods from the cache; a claim live before its volume is released.
 * Writes: claims and volumes, their statuses; events.
 * Upstream: pkg/controller/volume/persistentvolume. Differs: several claims at a time, each holding the volume it chose;
 * no look at everything every 15 s.
 */
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController } from '#sdk'
import { PERSISTENT_VOLUME_BINDER_CONTROLLER } from '../manager/names.ts'
import { BindingWriter } from './binding-writer.ts'
import { ClaimSync } from './claim-sync.ts'
import { VolumeSync } from './volume-sync.ts'
import { watchBinderWorld } from './watches.ts'
import { BinderWorld } from './world.ts'

export const persistentVolumeBinderController = defineController({
  name: PERSISTENT_VOLUME_BINDER_CONTROLLER,
  reconciles: PERSISTENT_VOLUME_CLAIMS, // The queue holds keys of volumes as well: they have no namespace.
  permissions: [
    { resource: PERSISTENT_VOLUME_CLAIMS, verbs: ['get', 'list', 'watch', 'update'] },
    { resource: PERSISTENT_VOLUME_CLAIMS, subresource: 'status', verbs: ['update'] },
    { resource: PERSISTENT_VOLUMES, verbs: ['list', 'watch', 'update'] },
    { resource: PERSISTENT_VOLUMES, subresource: 'status', verbs: ['update'] },
    { resource: STORAGE_CLASSES, verbs: ['list', 'watch'] },
    { resource: PODS, verbs: ['list', 'watch'] },
  ],
  concurrency: 5,
  backoff: { baseMs: 20, maxMs: 60_000 },
  create: (context) => new BinderReconciler(context),
})

class BinderReconciler implements Reconciler {
  readonly #world: BinderWorld
  readonly #claimSync: ClaimSync
  readonly #volumeSync: VolumeSync

  constructor(context: ReconcilerContext) {
    const { client, events } = context
    this.#world = new BinderWorld(context)
    const writer = new BindingWriter(client, events, this.#world)
    const parts = { world: this.#world, writer, events }
    this.#claimSync = new ClaimSync(parts)
    this.#volumeSync = new VolumeSync(client, parts)
    watchBinderWorld(this.#world, context.enqueue)
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    if (key.namespace !== undefined) {
      const claim = this.#world.claims.get(key)
      return claim === undefined ? DONE : this.#claimSync.sync(claim, signal)
    }
    const volume = this.#world.volumes.get(key)
    if (volume !== undefined) await this.#volumeSync.sync(volume, signal)
    return DONE
  }
}
