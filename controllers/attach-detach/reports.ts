/** What Pods are told of the attachments they wait for: each thing once. Upstream: attachdetach/reconciler reportMultiAttachError. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { VolumeAttachment } from '#machinery/api/storage/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder } from '#sdk'
import { isAttached, multiAttachMessage, type WantedVolume } from './attachment.ts'

export class AttachReports {
  readonly #events: EventRecorder
  /** Attachments begun by this process and not attached yet -> the last error told. */
  readonly #awaited = new Map<string, string>()
  /** Multi-attach errors told: node -> volumes. */
  readonly #refused = new Map<string, Set<string>>()

  constructor(events: EventRecorder) {
    this.#events = events
  }

  started(attachmentName: string): void {
    if (!this.#awaited.has(attachmentName)) this.#awaited.set(attachmentName, '')
  }

  /** It is gone: whoever needs it begins anew. */
  forget(attachmentName: string): void {
    this.#awaited.delete(attachmentName)
  }

  /** What nobody on the node needs any more may be told again. */
  retain(nodeName: string, wanted: ReadonlyMap<string, WantedVolume>): void {
    const told = this.#refused.get(nodeName)
    for (const name of told ?? []) if (!wanted.has(name)) told?.delete(name)
    if (told?.size === 0) this.#refused.delete(nodeName)
  }

  /** The attachment as it is now. Those that were attached before this process began are no news. */
  progress(attachment: DeepReadonly<VolumeAttachment>, volume: WantedVolume): void {
    const { name = '' } = attachment.metadata
    this.#refused.get(attachment.spec.nodeName)?.delete(volume.name)
    if (isAttached(attachment)) {
      if (this.#awaited.delete(name)) {
        const message = `AttachVolume.Attach succeeded for volume "${volume.name}" `
        this.#tell(volume, 'Normal', 'SuccessfulAttachVolume', message)
      }
      return
    }
    this.started(name)
    const { attachError } = attachment.status ?? {}
    if (attachError === undefined) return
    const told = `${attachError.time ?? ''} ${attachError.message ?? ''}`
    if (this.#awaited.get(name) === told) return
    this.#awaited.set(name, told)
    const message = `AttachVolume.Attach failed for volume "${volume.name}" : ${attachError.message ?? ''}`
    this.#tell(volume, 'Warning', 'FailedAttachVolume', message)
  }

  multiAttach(volume: WantedVolume, nodeName: string, podsElsewhere: readonly DeepReadonly<Pod>[]): void {
    const told = this.#refused.get(nodeName) ?? new Set()
    if (told.has(volume.name)) return
    this.#refused.set(nodeName, told.add(volume.name))
    this.#tell(volume, 'Warning', 'FailedAttachVolume', multiAttachMessage(volume.name, podsElsewhere))
  }

  #tell({ pods }: WantedVolume, type: 'Normal' | 'Warning', reason: string, message: string): void {
    for (const pod of pods) this.#events.record(pod, type, reason, message)
  }
}
