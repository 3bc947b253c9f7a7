/**
 * Which CSI volumes Pods use, each under a name that is the same for all its users.
 * Upstream: plugins/nodevolumelimits/csi.go filterAttachableVolumes. Differs: in-tree volumes are not counted for the CSI
 * driver that has replaced them.
 */
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume, PersistentVolumeClaim, Volume } from '#machinery/api/core/v1/types.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { claimClass, claimNameOf, type FrozenClaim } from '#machinery/volume/binding.ts'
import type { FrozenPod, PluginHandle } from '../../framework/interfaces.ts'
import { ownershipProblem } from '../volume-binding/pod-claims.ts'

export class DriverVolumes {
  readonly #claims: Lister<PersistentVolumeClaim>
  readonly #volumes: Lister<PersistentVolume>
  readonly #classes: Lister<StorageClass>

  constructor({ lister }: Pick<PluginHandle, 'lister'>) {
    this.#claims = lister(PERSISTENT_VOLUME_CLAIMS)
    this.#volumes = lister(PERSISTENT_VOLUMES)
    this.#classes = lister(STORAGE_CLASSES)
  }

  /** Volume -> driver. A claim that is missing or not the Pod's is left out, or goes to `onProblem` with a sentence. */
  of(pod: FrozenPod, onProblem?: (problem: string) => void): Map<string, string> {
    const found = new Map<string, string>()
    const { namespace = '' } = pod.metadata
    for (const volume of pod.spec.volumes ?? []) {
      const name = claimNameOf(pod, volume)
      if (name === undefined) continue
      const claim = this.#claims.get({ namespace, name })
      const problem = claim === undefined ? missing(namespace, name) : problemOf(pod, volume, claim)
      if (problem !== undefined) onProblem?.(problem)
      else if (claim !== undefined) this.#add(found, claim)
    }
    return found
  }

  #add(found: Map<string, string>, claim: FrozenClaim): void {
    const volume = this.#volumes.get({ name: claim.spec.volumeName ?? '' })
    if (volume === undefined) {
      // Not made yet: it will be one of the class's driver.
      const driver = this.#classes.get({ name: claimClass(claim) })?.provisioner
      if (driver !== undefined)
        found.set(`${driver}/pending-${claim.metadata.namespace}/${claim.metadata.name}`, driver)
      return
    }
    const { csi } = volume.spec
    if (csi !== undefined) found.set(volumeId(csi.driver, csi.volumeHandle), csi.driver)
  }

  /** Of a PersistentVolume that is attached; undefined when it is not a CSI volume. */
  attached(volumeName: string): { readonly id: string; readonly driver: string } | undefined {
    const csi = this.#volumes.get({ name: volumeName })?.spec.csi
    return csi === undefined ? undefined : { id: volumeId(csi.driver, csi.volumeHandle), driver: csi.driver }
  }
}

const volumeId = (driver: string, handle: string): string => `${driver}/${handle}`

const missing = (namespace: string, name: string): string =>
  `looking up PVC ${namespace}/${name}: persistentvolumeclaim "${name}" not found`

const problemOf = (pod: FrozenPod, { ephemeral }: DeepReadonly<Volume>, claim: FrozenClaim): string | undefined =>
  ephemeral === undefined ? undefined : ownershipProblem(pod, claim)
