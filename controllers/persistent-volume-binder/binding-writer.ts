/**
 * The writes of the binder: a binding's two sides and both phases. Each step writes only what differs and uses the
 * resourceVersion it decided on, so a step that lost a race is a Conflict and the next reconcile goes on from there.
 * Upstream: pkg/controller/volume/persistentvolume/pv_controller.go bind, unbindVolume, updateClaimStatus, updateVolumePhase.
 */
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import { BIND_COMPLETED, BOUND_BY_CONTROLLER, boundToClaim } from '#machinery/volume/binding.ts'
import type { EventRecorder } from '#sdk'
import { type ClaimPhase, claimStatus } from './claim-status.ts'
import type { BinderWorld } from './world.ts'

export type VolumePhase = 'Available' | 'Bound' | 'Released' | 'Failed'

/** Told to the user when, and only when, the phase changes. */
export interface PhaseChange {
  readonly reason: string
  readonly message: string
}

export class BindingWriter {
  readonly #client: Client
  readonly #events: EventRecorder
  readonly #world: BinderWorld

  constructor(client: Client, events: EventRecorder, world: BinderWorld) {
    this.#client = client
    this.#events = events
    this.#world = world
  }

  /** The volume's side first: it is the side that can be taken by somebody else. */
  async bind(volume: FrozenVolume, claim: FrozenClaim, signal: AbortSignal): Promise<void> {
    const draft = boundToClaim(volume, claim)
    const taken = draft === undefined ? volume : await this.#updateVolume(draft, signal)
    const bound = await this.setVolumePhase(taken, 'Bound', signal)
    const named = await this.#nameVolume(claim, bound, signal)
    await this.setClaimPhase(named, 'Bound', signal, { volume: bound })
  }

  /** Makes the volume available again: for anybody, or for the claim a user prepared it for. */
  async unbind(volume: FrozenVolume, signal: AbortSignal): Promise<void> {
    const draft = deepCopy<PersistentVolume>(volume)
    const { annotations } = draft.metadata
    if (annotations?.[BOUND_BY_CONTROLLER] !== undefined) {
      delete draft.spec.claimRef
      delete annotations[BOUND_BY_CONTROLLER]
    } else if (draft.spec.claimRef !== undefined) delete draft.spec.claimRef.uid
    await this.setVolumePhase(await this.#updateVolume(draft, signal), 'Available', signal)
  }

  async setVolumePhase(
    volume: FrozenVolume,
    phase: VolumePhase,
    signal: AbortSignal,
    warning?: PhaseChange,
  ): Promise<FrozenVolume> {
    if (volume.status?.phase === phase) return volume
    const draft = deepCopy<PersistentVolume>(volume)
    const { message: _old, ...status } = draft.status ?? {}
    draft.status = { ...status, phase, ...(warning === undefined ? {} : { message: warning.message }) }
    const written = await this.#client.update(PERSISTENT_VOLUMES, draft, { subresource: 'status', signal })
    if (warning !== undefined) this.#events.record(written, 'Warning', warning.reason, warning.message)
    return this.#world.volumes.remember(written)
  }

  async setClaimPhase(
    claim: FrozenClaim,
    phase: ClaimPhase,
    signal: AbortSignal,
    { volume, warning }: { readonly volume?: FrozenVolume; readonly warning?: PhaseChange } = {},
  ): Promise<void> {
    const status = claimStatus(claim, phase, volume)
    if (deepEqual(status, claim.status ?? {})) return
    const draft = deepCopy<PersistentVolumeClaim>({ ...claim, status })
    const written = await this.#client.update(PERSISTENT_VOLUME_CLAIMS, draft, { subresource: 'status', signal })
    this.#world.claims.remember(written)
    if (warning !== undefined && claim.status?.phase !== phase)
      this.#events.record(written, 'Warning', warning.reason, warning.message)
  }

  async updateClaim(draft: PersistentVolumeClaim, signal: AbortSignal): Promise<FrozenClaim> {
    return this.#world.claims.remember(await this.#client.update(PERSISTENT_VOLUME_CLAIMS, draft, { signal }))
  }

  async #updateVolume(draft: PersistentVolume, signal: AbortSignal): Promise<FrozenVolume> {
    return this.#world.volumes.remember(await this.#client.update(PERSISTENT_VOLUMES, draft, { signal }))
  }

  #nameVolume(claim: FrozenClaim, volume: FrozenVolume, signal: AbortSignal): FrozenClaim | Promise<FrozenClaim> {
    const { name = '' } = volume.metadata
    const isNamed = claim.spec.volumeName === name
    const annotations = { ...claim.metadata.annotations }
    if (!isNamed) annotations[BOUND_BY_CONTROLLER] ??= 'yes'
    annotations[BIND_COMPLETED] ??= 'yes'
    if (isNamed && deepEqual(annotations, claim.metadata.annotations ?? {})) return claim
    const draft = deepCopy<PersistentVolumeClaim>(claim)
    draft.spec.volumeName = name
    draft.metadata.annotations = annotations
    return this.updateClaim(draft, signal)
  }
}
