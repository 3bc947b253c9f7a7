/**
 * One volume: its phase follows from the claim it names, and what happens to it once that claim is gone.
 * Upstream: pkg/controller/volume/persistentvolume/pv_controller.go syncVolume, reclaimVolume.
 * Differs: nothing is recycled, and volumes without an external provisioner are not deleted: both end as Failed, saying so.
 */
import { PERSISTENT_VOLUME_CLAIMS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { assert } from '#machinery/util/assert.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import { sameVolumeMode } from '#machinery/volume/match.ts'
import type { EventRecorder } from '#sdk'
import type { BindingWriter, PhaseChange } from './binding-writer.ts'
import type { BinderParts } from './claim-sync.ts'
import { type BinderWorld, refKeyOf } from './world.ts'

const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'
const MIGRATED_TO = 'pv.kubernetes.io/migrated-to'

export class VolumeSync {
  readonly #client: Client
  readonly #world: BinderWorld
  readonly #writer: BindingWriter
  readonly #events: EventRecorder

  constructor(client: Client, { world, writer, events }: BinderParts) {
    this.#client = client
    this.#world = world
    this.#writer = writer
    this.#events = events
  }

  async sync(volume: FrozenVolume, signal: AbortSignal): Promise<void> {
    const { claimRef } = volume.spec
    if ((claimRef?.uid ?? '') === '') {
      // Free, or prepared for a claim that takes it when it comes.
      await this.#writer.setVolumePhase(volume, 'Available', signal)
      return
    }
    const claim = await this.#claimOf(volume, signal)
    if (claim === undefined) return this.#release(volume, signal)
    const { volumeName = '' } = claim.spec
    if (volumeName === '') return this.#tellMismatch(volume, claim)
    if (volumeName === volume.metadata.name) {
      await this.#writer.setVolumePhase(volume, 'Bound', signal)
      return
    }
    // The claim was served by another volume. What was made for it alone is of no use to anybody else.
    const isProvisioned = volume.metadata.annotations?.[PROVISIONED_BY] !== undefined
    if (isProvisioned && volume.spec.persistentVolumeReclaimPolicy === 'Delete') return this.#release(volume, signal)
    await this.#writer.unbind(volume, signal)
  }

  /** Undefined: gone, or another of its name. Before a volume is released the server is asked: the cache may be behind. */
  async #claimOf(volume: FrozenVolume, signal: AbortSignal): Promise<FrozenClaim | undefined> {
    const { claimRef } = volume.spec
    assert(claimRef !== undefined, 'only claimed volumes are asked about')
    const key = refKeyOf(claimRef)
    let claim = this.#world.claims.get(key)
    if (claim?.metadata.uid !== claimRef.uid && !isReleased(volume))
      claim = await this.#client.get(PERSISTENT_VOLUME_CLAIMS, key, { signal }).catch(undefinedIfNotFound)
    return claim?.metadata.uid === claimRef.uid ? claim : undefined
  }

  async #release(volume: FrozenVolume, signal: AbortSignal): Promise<void> {
    const released = isReleased(volume) ? volume : await this.#writer.setVolumePhase(volume, 'Released', signal)
    const failure = reclaimFailure(released)
    if (failure !== undefined) await this.#writer.setVolumePhase(released, 'Failed', signal, failure)
  }

  /** The claim's own reconcile binds it; unless it cannot. */
  #tellMismatch(volume: FrozenVolume, claim: FrozenClaim): void {
    if (sameVolumeMode(volume, claim)) return
    const why = 'due to incompatible volumeMode.'
    const { name: claimName = '' } = claim.metadata
    const { name: volumeName = '' } = volume.metadata
    const toVolume = `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${claimName}" ${why}`
    const toClaim = `Cannot bind PersistentVolume "${volumeName}" to requested PersistentVolumeClaim ${why}`
    this.#events.record(volume, 'Warning', 'VolumeMismatch', toVolume)
    this.#events.record(claim, 'Warning', 'VolumeMismatch', toClaim)
  }
}

/** Failed stays visible while the reclaim is tried again. */
const isReleased = ({ status }: FrozenVolume): boolean => status?.phase === 'Released' || status?.phase === 'Failed'

/** Undefined: nothing to do here, because it is kept, or deleted by its provisioner. */
export function reclaimFailure({ metadata, spec }: FrozenVolume): PhaseChange | undefined {
  if ((metadata.annotations?.[MIGRATED_TO] ?? '') !== '') return undefined
  switch (spec.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return undefined
    case 'Recycle':
      return { reason: 'VolumeFailedRecycle', message: 'No recycler plugin found for the volume!' }
    case 'Delete': {
      if (metadata.deletionTimestamp !== undefined) return undefined
      const provisioner = metadata.annotations?.[PROVISIONED_BY] ?? ''
      // A CSI volume made by hand stays Released: its driver may still take it, and its finalizer.
      if (provisioner === '' ? spec.csi !== undefined : !provisioner.startsWith('kubernetes.io/')) return undefined
      return { reason: 'VolumeFailedDelete', message: whyNotDeleted({ metadata, spec }, provisioner) }
    }
    default:
      return {
        reason: 'VolumeUnknownReclaimPolicy',
        message: 'Volume has unrecognized PersistentVolumeReclaimPolicy',
      }
  }
}

/** A volume nobody provisioned has nobody who deletes it. */
function whyNotDeleted({ metadata, spec }: Pick<FrozenVolume, 'metadata' | 'spec'>, provisioner: string): string {
  if (provisioner !== '') return `no volume plugin matched name: ${provisioner}`
  const { path } = spec.hostPath ?? {}
  if (path !== undefined && !/\/tmp\/.+/.test(path))
    return `host_path deleter only supports /tmp/.+ but received provided ${path}`
  // Upstream's controller has plugins for these two alone.
  const kind = spec.hostPath === undefined && spec.nfs === undefined ? 'volume' : 'deletable volume'
  return `error getting deleter volume plugin for volume "${metadata.name ?? ''}": no ${kind} plugin matched`
}
