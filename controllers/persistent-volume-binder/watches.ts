/**
 * Which claims and volumes a change concerns. Upstream hears of less and looks at everything again every 15 s; here every
 * change wakes exactly those whose outcome it may alter.
 */
import type { PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import { volumeClass } from '#machinery/volume/binding.ts'
import type { ObjectKey } from '#sdk'
import { claimKeysOf } from '../manager/pod-claims.ts'
import { isDefaultClass } from './provisioning.ts'
import { type BinderWorld, isWaiting, refKeyOf } from './world.ts'

/** Many volumes made in one go wake the claims that wait for one of them once. */
const BATCH_MS = 50

export function watchBinderWorld(world: BinderWorld, enqueue: (key: ObjectKey, afterMs?: number) => void): void {
  const wake = (claims: readonly FrozenClaim[], afterMs = 0): void => {
    for (const claim of claims) enqueue(objectKeyOf(claim), afterMs)
  }
  const volumeChanged = (volume: FrozenVolume): void => {
    const { name = '' } = volume.metadata
    enqueue({ name })
    wake(world.claimsNaming(name))
    if (volume.spec.claimRef !== undefined) enqueue(refKeyOf(volume.spec.claimRef))
    else wake(world.claimsWaitingFor(volumeClass(volume)), BATCH_MS)
  }
  world.volumeInformer.addHandler({
    onAdd: volumeChanged,
    onUpdate(old, volume) {
      volumeChanged(volume)
      if (old.spec.claimRef !== undefined) enqueue(refKeyOf(old.spec.claimRef))
    },
    onDelete: volumeChanged,
  })

  const claimChanged = (claim: DeepReadonly<PersistentVolumeClaim>): void => {
    const { volumeName = '' } = claim.spec
    if (volumeName !== '') enqueue({ name: volumeName })
    for (const volume of world.volumesNaming(objectKeyOf(claim))) enqueue(objectKeyOf(volume))
  }
  world.claimInformer.addHandler({
    onAdd: claimChanged,
    onUpdate(old, claim) {
      claimChanged(claim)
      if (old.spec.volumeName !== claim.spec.volumeName) claimChanged(old)
    },
    onDelete: claimChanged,
  })

  const classChanged = (storageClass: DeepReadonly<StorageClass>): void => {
    wake(world.claimsWaitingFor(storageClass.metadata.name ?? ''))
    if (isDefaultClass(storageClass)) wake(world.claimsWaitingFor(''))
  }
  world.classInformer.addHandler({
    onAdd: classChanged,
    onUpdate: (_old, storageClass) => classChanged(storageClass),
  })

  const podChanged = (pod: DeepReadonly<Pod>): void => {
    for (const key of claimKeysOf(pod)) {
      const claim = world.claimInformer.lister.get(key)
      if (claim !== undefined && isWaiting(claim)) enqueue(key)
    }
  }
  world.podInformer.addHandler({
    onAdd: podChanged,
    onUpdate(old, pod) {
      if (old.metadata.uid !== pod.metadata.uid) podChanged(pod)
    },
    onDelete: podChanged,
  })
}
