/**
 * What the attach-detach controller sees: which CSI volumes the Pods of a node need, which are attached where, and which
 * nodes a change concerns. Upstream: pkg/controller/volume/attachdetach/cache, populator.
 */
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '#machinery/api/core/v1/types.gen.ts'
import { CSI_DRIVERS, VOLUME_ATTACHMENTS } from '#machinery/api/storage/v1/resources.gen.ts'
import type { CSIDriver, VolumeAttachment } from '#machinery/api/storage/v1/types.gen.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import { claimNameOf, isClaimFullyBound } from '#machinery/volume/binding.ts'
import { isControlledBy, type ReconcilerContext } from '#sdk'
import { claimKeysOf, POD_CLAIM_INDEX, podClaimIndexOf } from '../manager/pod-claims.ts'
import { isMultiAttachAllowed, isPodDone, type WantedVolume } from './attachment.ts'

/** Pods with claims by node. */
const POD_NODE_INDEX = 'node-of-pod-with-claims'
const NODE_INDEX = 'attached-to-node'
const VOLUME_INDEX = 'attached-volume'

type FrozenAttachment = DeepReadonly<VolumeAttachment>

export class AttachWorld {
  readonly #pods: Informer<Pod>
  readonly #claims: Informer<PersistentVolumeClaim>
  readonly #volumes: Informer<PersistentVolume>
  readonly #drivers: Informer<CSIDriver>
  readonly #attachments: Informer<VolumeAttachment>

  constructor({ informer }: ReconcilerContext) {
    this.#pods = informer(PODS)
    this.#claims = informer(PERSISTENT_VOLUME_CLAIMS)
    this.#volumes = informer(PERSISTENT_VOLUMES)
    this.#drivers = informer(CSI_DRIVERS)
    this.#attachments = informer(VOLUME_ATTACHMENTS)
    this.#pods.addIndex(POD_CLAIM_INDEX, podClaimIndexOf)
    this.#pods.addIndex(POD_NODE_INDEX, nodeOfPodWithClaims)
    this.#attachments.addIndex(NODE_INDEX, ({ spec }) => [spec.nodeName])
    this.#attachments.addIndex(VOLUME_INDEX, ({ spec }) => {
      const { persistentVolumeName } = spec.source
      return persistentVolumeName === undefined ? [] : [persistentVolumeName]
    })
  }

  /** By volume name. Finished Pods need nothing. */
  wantedOn(nodeName: string): Map<string, WantedVolume> {
    const wanted = new Map<string, WantedVolume>()
    for (const pod of this.#pods.lister.byIndex(POD_NODE_INDEX, nodeName)) {
      if (isPodDone(pod)) continue
      for (const podVolume of pod.spec.volumes ?? []) {
        const volume = this.#volumeOf(pod, podVolume)
        const csi = volume?.spec.csi
        if (volume === undefined || csi === undefined || !this.#isAttachRequired(csi.driver)) continue
        const name = volume.metadata.name ?? ''
        const known = wanted.get(name) ?? { name, csi, isMultiAttachAllowed: isMultiAttachAllowed(volume), pods: [] }
        known.pods.push(pod)
        wanted.set(name, known)
      }
    }
    return wanted
  }

  attachmentsOn(nodeName: string): FrozenAttachment[] {
    return this.#attachments.lister.byIndex(NODE_INDEX, nodeName)
  }

  attachmentsOf(volumeName: string): FrozenAttachment[] {
    return this.#attachments.lister.byIndex(VOLUME_INDEX, volumeName)
  }

  volume(name: string): FrozenVolume | undefined {
    return this.#volumes.lister.get({ name })
  }

  /** Placed and not finished. */
  podsUsing(volumeName: string): DeepReadonly<Pod>[] {
    const { namespace = '', name = '' } = this.volume(volumeName)?.spec.claimRef ?? {}
    return this.#podsOfClaim(namespace, name).filter((pod) => !isPodDone(pod))
  }

  /** `changed` gets the node whose attachments may have to change; undefined: all nodes. */
  watch(
    changed: (nodeName: string | undefined) => void,
    attachmentSeen: (attachment: FrozenAttachment, isGone: boolean) => void,
  ): void {
    const wakePods = (pods: readonly DeepReadonly<Pod>[]): void => {
      for (const pod of pods) for (const nodeName of nodeOfPodWithClaims(pod)) changed(nodeName)
    }
    const onPod = (pod: DeepReadonly<Pod>): void => wakePods([pod])
    this.#pods.addHandler({ onAdd: onPod, onUpdate: (_old, pod) => onPod(pod), onDelete: onPod })
    const onClaim = ({ metadata }: FrozenClaim): void =>
      wakePods(this.#podsOfClaim(metadata.namespace ?? '', metadata.name ?? ''))
    this.#claims.addHandler({ onAdd: onClaim, onUpdate: (_old, claim) => onClaim(claim) })
    const onVolume = ({ metadata }: FrozenVolume): void => wakePods(this.podsUsing(metadata.name ?? ''))
    this.#volumes.addHandler({ onAdd: onVolume, onUpdate: (_old, volume) => onVolume(volume) })
    const onDriver = (): void => changed(undefined)
    this.#drivers.addHandler({ onAdd: onDriver, onUpdate: onDriver, onDelete: onDriver })
    const onAttachment = (attachment: FrozenAttachment, isGone = false): void => {
      attachmentSeen(attachment, isGone)
      changed(attachment.spec.nodeName)
    }
    this.#attachments.addHandler({
      onAdd: (attachment) => onAttachment(attachment),
      onUpdate: (_old, attachment) => onAttachment(attachment),
      onDelete: (attachment) => {
        onAttachment(attachment, true)
        // Pods on other nodes may have waited for it.
        wakePods(this.podsUsing(attachment.spec.source.persistentVolumeName ?? ''))
      },
    })
  }

  #podsOfClaim(namespace: string, name: string): DeepReadonly<Pod>[] {
    return this.#pods.lister.byIndex(POD_CLAIM_INDEX, `${namespace}/${name}`)
  }

  #volumeOf(pod: DeepReadonly<Pod>, podVolume: DeepReadonly<Volume>): FrozenVolume | undefined {
    const name = claimNameOf(pod, podVolume)
    if (name === undefined) return undefined
    const claim = this.#claims.lister.get({ namespace: pod.metadata.namespace ?? '', name })
    if (claim === undefined || !isClaimFullyBound(claim)) return undefined
    if (podVolume.ephemeral !== undefined && !isControlledBy(claim, pod)) return undefined
    const volume = this.volume(claim.spec.volumeName ?? '')
    return volume?.spec.claimRef?.uid === claim.metadata.uid ? volume : undefined
  }

  #isAttachRequired(driver: string): boolean {
    return this.#drivers.lister.get({ name: driver })?.spec.attachRequired !== false
  }
}

function nodeOfPodWithClaims(pod: DeepReadonly<Pod>): readonly string[] {
  const { nodeName = '' } = pod.spec
  return nodeName === '' || claimKeysOf(pod).length === 0 ? [] : [nodeName]
}
