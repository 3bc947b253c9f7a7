/**
 * One claim: found a volume, handed to a provisioner, told why it waits, or found lost.
 * Upstream: pkg/controller/volume/persistentvolume/pv_controller.go syncClaim, syncUnboundClaim, syncBoundClaim.
 */

import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { keyStringOf } from '#machinery/informers/key.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  claimClass,
  isDelayedBinding,
  isVolumeBoundToClaim,
  SELECTED_NODE,
  volumeClass,
} from '#machinery/volume/binding.ts'
import {
  findVolumeForClaim,
  hasAccessModes,
  requestedStorage,
  sameVolumeMode,
  volumeCapacity,
} from '#machinery/volume/match.ts'
import type { EventRecorder, Result } from '#sdk'
import { DONE, requeueAfter } from '#sdk'
import type { BindingWriter } from './binding-writer.ts'
import { handToProvisioner, withDefaultClass } from './provisioning.ts'
import type { BinderWorld } from './world.ts'

/** Events last an hour: who looks later shall still see why the claim waits. */
const RETELL_MS = 15 * 60_000
/** Another claim is just binding the volume this one names. */
const RESERVED_RETRY_MS = 100

export interface BinderParts {
  readonly world: BinderWorld
  readonly writer: BindingWriter
  readonly events: EventRecorder
}

export class ClaimSync {
  readonly #world: BinderWorld
  readonly #writer: BindingWriter
  readonly #events: EventRecorder

  constructor({ world, writer, events }: BinderParts) {
    this.#world = world
    this.#writer = writer
    this.#events = events
  }

  sync(claim: FrozenClaim, signal: AbortSignal): Promise<Result> {
    if (claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) return this.#syncBound(claim, signal)
    const { volumeName = '' } = claim.spec
    return volumeName === '' ? this.#findVolume(claim, signal) : this.#bindNamed(claim, volumeName, signal)
  }

  async #findVolume(claim: FrozenClaim, signal: AbortSignal): Promise<Result> {
    const isDelayed = isDelayedBinding(claim, (name) => this.#world.classes.get({ name }))
    // From here to the reservation nothing is awaited: no two claims choose one volume.
    const found = findVolumeForClaim(claim, this.#world.candidatesFor(claim), { preparedOnly: isDelayed })
    if (found !== undefined) return this.#bind(found, claim, signal)
    const withClass = withDefaultClass(claim, this.#world.classes.list())
    if (withClass !== undefined) {
      await this.#writer.updateClaim(withClass, signal)
      return DONE // Its own change brings the claim back.
    }
    if (isDelayed && claim.metadata.annotations?.[SELECTED_NODE] === undefined) this.#tellWhatDelays(claim)
    else if (claimClass(claim) !== '') {
      const parts = { writer: this.#writer, events: this.#events }
      await handToProvisioner(claim, this.#world.classes.get({ name: claimClass(claim) }), parts, signal)
      return requeueAfter(RETELL_MS)
    } else {
      const message = 'no persistent volumes available for this claim and no storage class is set'
      this.#events.record(claim, 'Normal', 'FailedBinding', message)
    }
    return this.#leavePending(claim, signal)
  }

  #tellWhatDelays(claim: FrozenClaim): void {
    const waiting = this.#world.podsUsing(claim).filter(isUnscheduled)
    const names = waiting.map(({ metadata }) => metadata.name ?? '').sort()
    if (names.length === 0) {
      const message = 'waiting for first consumer to be created before binding'
      this.#events.record(claim, 'Normal', 'WaitForFirstConsumer', message)
      return
    }
    const message = `waiting for pod${names.length > 1 ? 's' : ''} ${names.join(',')} to be scheduled`
    this.#events.record(claim, 'Normal', 'WaitForPodScheduled', message)
  }

  async #bindNamed(claim: FrozenClaim, name: string, signal: AbortSignal): Promise<Result> {
    const volume = this.#world.volumes.get({ name })
    if (volume === undefined) return this.#leavePending(claim, signal)
    if (volume.spec.claimRef === undefined) {
      const mismatch = whyUnsuitable(volume, claim)
      if (mismatch === undefined) return this.#bind(volume, claim, signal)
      const message = `Cannot bind to requested volume "${name}": ${mismatch}`
      this.#events.record(claim, 'Warning', 'VolumeMismatch', message)
    } else if (isVolumeBoundToClaim(volume, claim)) return this.#bind(volume, claim, signal)
    else {
      this.#events.record(claim, 'Warning', 'FailedBinding', `volume "${name}" already bound to a different claim.`)
      // Somebody took away the mark that the binding was complete: what the claim says of itself may still be true.
      if (claim.metadata.annotations?.[BOUND_BY_CONTROLLER] !== undefined)
        throw new Error(`invalid binding of claim "${keyStringOf(claim)}" to volume "${name}"`)
    }
    return this.#leavePending(claim, signal)
  }

  async #syncBound(claim: FrozenClaim, signal: AbortSignal): Promise<Result> {
    const { volumeName = '' } = claim.spec
    const volume = volumeName === '' ? undefined : this.#world.volumes.get({ name: volumeName })
    if (volume === undefined) {
      const what = volumeName === '' ? 'reference to PersistentVolume' : 'its PersistentVolume'
      const message = `Bound claim has lost ${what}. Data on the volume is lost!`
      await this.#writer.setClaimPhase(claim, 'Lost', signal, { warning: { reason: 'ClaimLost', message } })
      return DONE
    }
    const { claimRef } = volume.spec
    if (claimRef === undefined || claimRef.uid === claim.metadata.uid) return this.#bind(volume, claim, signal)
    const message = 'Two claims are bound to the same volume, this one is bound incorrectly'
    await this.#writer.setClaimPhase(claim, 'Lost', signal, { warning: { reason: 'ClaimMisbound', message } })
    return DONE
  }

  async #bind(volume: FrozenVolume, claim: FrozenClaim, signal: AbortSignal): Promise<Result> {
    if (this.#world.isReservedForOther(volume, claim)) return requeueAfter(RESERVED_RETRY_MS)
    await this.#world.reserving(volume, claim, () => this.#writer.bind(volume, claim, signal))
    return DONE
  }

  async #leavePending(claim: FrozenClaim, signal: AbortSignal): Promise<Result> {
    await this.#writer.setClaimPhase(claim, 'Pending', signal)
    return requeueAfter(RETELL_MS)
  }
}

const isUnscheduled = ({ spec, status }: DeepReadonly<Pod>): boolean =>
  (spec.nodeName ?? '') === '' && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

/** Why a volume the claim asks for by name cannot be its volume; undefined when it can. */
export function whyUnsuitable(volume: FrozenVolume, claim: FrozenClaim): string | undefined {
  const { deletionTimestamp, name = '' } = volume.metadata
  if (deletionTimestamp !== undefined) return `the volume is marked for deletion "${name}"`
  if (volumeCapacity(volume).compare(requestedStorage(claim)) < 0) return 'requested PV is too small'
  if (volumeClass(volume) !== claimClass(claim)) return 'storageClassName does not match'
  if ((volume.spec.volumeAttributesClassName ?? '') !== (claim.spec.volumeAttributesClassName ?? ''))
    return 'volumeAttributesClassName does not match'
  if (!sameVolumeMode(volume, claim)) return 'incompatible volumeMode'
  return hasAccessModes(volume, claim) ? undefined : 'incompatible accessMode'
}
