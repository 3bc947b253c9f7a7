/**
 * What the binder knows: volumes, claims, classes and Pods, with its own writes before the cache shows them, found by
 * index. Nothing here decides or writes.
 */
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ObjectReference, PersistentVolume, PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { keyString, keyStringOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import { BIND_COMPLETED, claimClass, isVolumeBoundToClaim, volumeClass } from '#machinery/volume/binding.ts'
import type { ObjectKey, ReconcilerContext } from '#sdk'
import { POD_CLAIM_INDEX, podClaimIndexOf } from '../manager/pod-claims.ts'
import { Latest } from './latest.ts'

/** Volumes nobody claims, by class. */
const FREE_INDEX = 'unclaimed-class'
/** Volumes by the claim they name. */
const CLAIM_REF_INDEX = 'claim-ref'
/** Claims without a volume, by class. */
const WAITING_INDEX = 'waiting-class'
/** Claims by the volume they name. */
const VOLUME_NAME_INDEX = 'volume-name'

export class BinderWorld {
  readonly volumeInformer: Informer<PersistentVolume>
  readonly claimInformer: Informer<PersistentVolumeClaim>
  readonly podInformer: Informer<Pod>
  readonly classInformer: Informer<StorageClass>
  readonly volumes: Latest<PersistentVolume>
  readonly claims: Latest<PersistentVolumeClaim>
  readonly classes: Lister<StorageClass>
  /** Volumes another reconcile is about to bind: name -> UID of the claim. */
  readonly #reserved = new Map<string, string>()

  constructor({ informer }: ReconcilerContext) {
    this.volumeInformer = informer(PERSISTENT_VOLUMES)
    this.claimInformer = informer(PERSISTENT_VOLUME_CLAIMS)
    this.podInformer = informer(PODS)
    this.classInformer = informer(STORAGE_CLASSES)
    this.classes = this.classInformer.lister
    this.volumeInformer.addIndex(FREE_INDEX, (volume) =>
      volume.spec.claimRef === undefined ? [volumeClass(volume)] : [],
    )
    this.volumeInformer.addIndex(CLAIM_REF_INDEX, ({ spec }) => (spec.claimRef ? [refKeyString(spec.claimRef)] : []))
    this.claimInformer.addIndex(WAITING_INDEX, (claim) => (isWaiting(claim) ? [claimClass(claim)] : []))
    this.claimInformer.addIndex(VOLUME_NAME_INDEX, ({ spec }) => (spec.volumeName ? [spec.volumeName] : []))
    this.podInformer.addIndex(POD_CLAIM_INDEX, podClaimIndexOf)
    this.volumes = new Latest(this.volumeInformer)
    this.claims = new Latest(this.claimInformer)
  }

  /** Volumes the claim could be bound to: prepared for it, or free ones of its class. */
  candidatesFor(claim: FrozenClaim): FrozenVolume[] {
    const { lister } = this.volumeInformer
    const cached = [
      ...lister.byIndex(CLAIM_REF_INDEX, keyStringOf(claim)),
      ...lister.byIndex(FREE_INDEX, claimClass(claim)),
    ]
    const byName = new Map(cached.map((volume) => [volume.metadata.name ?? '', this.volumes.of(volume)]))
    for (const volume of this.volumes.pending()) {
      if (isVolumeBoundToClaim(volume, claim)) byName.set(volume.metadata.name ?? '', volume)
    }
    const uid = claim.metadata.uid ?? ''
    return [...byName].filter(([name]) => (this.#reserved.get(name) ?? uid) === uid).map(([, volume]) => volume)
  }

  /** Keeps the volume from every other claim while `bind` runs. */
  async reserving(volume: FrozenVolume, claim: FrozenClaim, bind: () => Promise<void>): Promise<void> {
    const name = volume.metadata.name ?? ''
    this.#reserved.set(name, claim.metadata.uid ?? '')
    try {
      await bind()
    } finally {
      this.#reserved.delete(name)
    }
  }

  isReservedForOther(volume: FrozenVolume, claim: FrozenClaim): boolean {
    const holder = this.#reserved.get(volume.metadata.name ?? '')
    return holder !== undefined && holder !== claim.metadata.uid
  }

  volumesNaming(claim: ObjectKey): FrozenVolume[] {
    return this.volumeInformer.lister.byIndex(CLAIM_REF_INDEX, keyString(claim))
  }

  claimsNaming(volumeName: string): FrozenClaim[] {
    return this.claimInformer.lister.byIndex(VOLUME_NAME_INDEX, volumeName)
  }

  claimsWaitingFor(className: string): FrozenClaim[] {
    return this.claimInformer.lister.byIndex(WAITING_INDEX, className)
  }

  podsUsing(claim: FrozenClaim): DeepReadonly<Pod>[] {
    return this.podInformer.lister.byIndex(POD_CLAIM_INDEX, keyStringOf(claim))
  }
}

export const isWaiting = ({ metadata, spec }: FrozenClaim): boolean =>
  (spec.volumeName ?? '') === '' && metadata.annotations?.[BIND_COMPLETED] === undefined

export const refKeyOf = ({ namespace = '', name = '' }: DeepReadonly<ObjectReference>): ObjectKey => ({
  namespace,
  name,
})

const refKeyString = (reference: DeepReadonly<ObjectReference>): string => keyString(refKeyOf(reference))
