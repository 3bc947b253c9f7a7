/**
 * Has CSI volumes attached to the nodes whose Pods need them, and detached when no Pod does: by VolumeAttachment objects
 * that the drivers' external attachers carry out. State is in those objects, so nothing has to be adopted after a restart.
 *
 * Reads: nodes, pods, claims, volumes, CSIDrivers and attachments from the cache; a node live before a detach.
 * Writes: attachments (create, delete); status.volumesAttached of nodes; events.
 * Upstream: pkg/controller/volume/attachdetach. Differs: CSI only; no in-tree attachers, no CSI migration.
 */
import { NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { CSI_DRIVERS, VOLUME_ATTACHMENTS } from '#machinery/api/storage/v1/resources.gen.ts'
import type { VolumeAttachment } from '#machinery/api/storage/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isAlreadyExists, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, requeueAfter } from '#sdk'
import { PERSISTENT_VOLUME_ATTACH_DETACH_CONTROLLER } from '../manager/names.ts'
import type { WantedVolume } from './attachment.ts'
import {
  attachmentName,
  isAttached,
  MANAGED_ANNOTATION,
  mayForceDetach,
  newAttachment,
  uniqueVolumeName,
} from './attachment.ts'
import { AttachReports } from './reports.ts'
import { AttachWorld } from './world.ts'

/** How long a node that is not ready may keep a volume mounted that nobody needs. */
const UNMOUNT_WAIT_MS = 6 * 60_000
const UNMOUNT_CHECK_MS = 30_000
/** A created attachment that is not in the cache by then never will be. */
const CREATION_MAX_MS = 60_000
const CREATION_CHECK_MS = 1_000

type FrozenAttachment = DeepReadonly<VolumeAttachment>
type FrozenNode = DeepReadonly<Node>

export const attachDetachController = defineController({
  name: PERSISTENT_VOLUME_ATTACH_DETACH_CONTROLLER,
  reconciles: NODES,
  permissions: [
    { resource: NODES, verbs: ['get', 'list', 'watch'] },
    { resource: NODES, subresource: 'status', verbs: ['patch', 'update'] },
    { resource: PODS, verbs: ['list', 'watch'] },
    { resource: PERSISTENT_VOLUME_CLAIMS, verbs: ['list', 'watch'] },
    { resource: PERSISTENT_VOLUMES, verbs: ['list', 'watch'] },
    { resource: CSI_DRIVERS, verbs: ['get', 'list', 'watch'] },
    { resource: VOLUME_ATTACHMENTS, verbs: ['get', 'list', 'watch', 'create', 'delete'] },
  ],
  concurrency: 10,
  create: (context) => new AttachDetachReconciler(context),
})

class AttachDetachReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #nodes: Lister<Node>
  readonly #world: AttachWorld
  readonly #reports: AttachReports
  /** Volumes whose attachment was created and is not in the cache yet: another node must not take them meanwhile. */
  readonly #creating = new Map<string, { readonly nodeName: string; readonly sinceMs: number }>()
  /** Since when an attachment is not needed. */
  readonly #unneededSinceMs = new Map<string, number>()

  constructor(context: ReconcilerContext) {
    const { client, clock, events, enqueue } = context
    this.#client = client
    this.#clock = clock
    this.#nodes = context.lister(NODES)
    this.#world = new AttachWorld(context)
    this.#reports = new AttachReports(events)
    this.#world.watch(
      (nodeName) => {
        if (nodeName !== undefined) enqueue({ name: nodeName })
        else for (const node of this.#nodes.list()) enqueue(objectKeyOf(node))
      },
      (attachment, isGone) => this.#attachmentSeen(attachment, isGone),
    )
  }

  async reconcile({ name }: ObjectKey, signal: AbortSignal): Promise<Result> {
    const node = this.#nodes.get({ name })
    if (node !== undefined && node.metadata.annotations?.[MANAGED_ANNOTATION] !== 'true') return DONE
    const wanted = node === undefined ? new Map<string, WantedVolume>() : this.#world.wantedOn(name)
    const present = this.#world.attachmentsOn(name)
    const leaving = present.filter((attachment) => this.#isOurs(attachment) && !wanted.has(volumeNameOf(attachment)))
    const isMounted = await this.#detachAll(node, leaving, signal)
    this.#reports.retain(name, wanted)
    let isBlocked = false
    for (const volume of wanted.values()) isBlocked = (await this.#attach(volume, name, signal)) || isBlocked
    if (node !== undefined) await this.#reportAttached(node, wanted, leaving.filter(isMounted), signal)
    if (isBlocked) return requeueAfter(CREATION_CHECK_MS)
    return leaving.some(isMounted) ? requeueAfter(UNMOUNT_CHECK_MS) : DONE
  }

  #attachmentSeen({ metadata, spec }: FrozenAttachment, isGone: boolean): void {
    const volumeName = spec.source.persistentVolumeName ?? ''
    if (this.#creating.get(volumeName)?.nodeName === spec.nodeName) this.#creating.delete(volumeName)
    if (!isGone) return
    this.#unneededSinceMs.delete(metadata.name ?? '')
    this.#reports.forget(metadata.name ?? '')
  }

  /** Another node is about to have the volume, which the cache does not show yet. */
  #isBeingTaken(volumeName: string, nodeName: string): boolean {
    const creation = this.#creating.get(volumeName)
    if (creation === undefined || creation.nodeName === nodeName) return false
    return this.#clock.monotonicMs() - creation.sinceMs < CREATION_MAX_MS
  }

  /** Of a CSI volume that exists, under the name it gets here: what others made by hand is theirs. */
  #isOurs(attachment: FrozenAttachment): boolean {
    const csi = this.#world.volume(volumeNameOf(attachment))?.spec.csi
    return csi !== undefined && attachment.metadata.name === attachmentName(csi, attachment.spec.nodeName)
  }

  /** Detaches what may be; returns which of them must stay because the node has them mounted. */
  async #detachAll(
    node: FrozenNode | undefined,
    leaving: readonly FrozenAttachment[],
    signal: AbortSignal,
  ): Promise<(attachment: FrozenAttachment) => boolean> {
    const remaining = leaving.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    if (remaining.length === 0) return () => false
    // A node mounts only what it has reported as in use before: its latest word decides.
    const live =
      node === undefined
        ? undefined
        : await this.#client.get(NODES, objectKeyOf(node), { signal }).catch(undefinedIfNotFound)
    const isMounted = (attachment: FrozenAttachment): boolean => live !== undefined && this.#mustWait(attachment, live)
    const going = remaining.filter((attachment) => !isMounted(attachment))
    if (live !== undefined && going.length > 0) await this.#forgetAttached(live, going, signal)
    for (const attachment of going) {
      this.#unneededSinceMs.delete(attachment.metadata.name ?? '')
      await this.#client.delete(VOLUME_ATTACHMENTS, objectKeyOf(attachment), { signal }).catch(undefinedIfNotFound)
    }
    return (attachment) => remaining.includes(attachment) && !going.includes(attachment)
  }

  #mustWait(attachment: FrozenAttachment, node: FrozenNode): boolean {
    const { name = '' } = attachment.metadata
    const nowMs = this.#clock.monotonicMs()
    const sinceMs = this.#unneededSinceMs.get(name) ?? nowMs
    this.#unneededSinceMs.set(name, sinceMs)
    const isInUse = node.status?.volumesInUse?.includes(this.#uniqueNameOf(attachment)) ?? false
    return isInUse && !mayForceDetach(node, nowMs - sinceMs, UNMOUNT_WAIT_MS)
  }

  /** True: to be tried again soon, with nothing to wake the node before. */
  async #attach(volume: WantedVolume, nodeName: string, signal: AbortSignal): Promise<boolean> {
    const present = this.#world.attachmentsOf(volume.name)
    const here = present.find(({ spec }) => spec.nodeName === nodeName)
    if (here !== undefined) {
      this.#unneededSinceMs.delete(here.metadata.name ?? '')
      this.#reports.progress(here, volume)
      return false // One that is being deleted brings the node back when it is gone.
    }
    if (!volume.isMultiAttachAllowed) {
      if (present.length > 0) {
        const holders = new Set(present.map(({ spec }) => spec.nodeName))
        const pods = this.#world.podsUsing(volume.name).filter(({ spec }) => holders.has(spec.nodeName ?? ''))
        this.#reports.multiAttach(volume, nodeName, pods)
        return false
      }
      if (this.#isBeingTaken(volume.name, nodeName)) return true
    }
    await this.#createAttachment(volume, nodeName, signal)
    return false
  }

  async #createAttachment(volume: WantedVolume, nodeName: string, signal: AbortSignal): Promise<void> {
    this.#creating.set(volume.name, { nodeName, sinceMs: this.#clock.monotonicMs() })
    const attachment = newAttachment(volume, nodeName)
    this.#reports.started(attachment.metadata.name ?? '')
    try {
      await this.#client.create(VOLUME_ATTACHMENTS, attachment, { signal })
    } catch (err: unknown) {
      if (isAlreadyExists(err)) return
      this.#creating.delete(volume.name)
      throw err
    }
  }

  /** The node must not mount what is about to be detached: it is told first. */
  async #forgetAttached(node: FrozenNode, going: readonly FrozenAttachment[], signal: AbortSignal): Promise<void> {
    const gone = new Set(going.map((attachment) => this.#uniqueNameOf(attachment)))
    const before = node.status?.volumesAttached ?? []
    const after = before.filter(({ name }) => !gone.has(name))
    if (after.length < before.length) await this.#writeAttached(node, after, signal)
  }

  async #reportAttached(
    node: FrozenNode,
    wanted: ReadonlyMap<string, WantedVolume>,
    mounted: readonly FrozenAttachment[],
    signal: AbortSignal,
  ): Promise<void> {
    const { name = '' } = node.metadata
    const attached = this.#world.attachmentsOn(name).filter((attachment) => {
      const isKept = wanted.has(volumeNameOf(attachment)) || mounted.includes(attachment)
      return isKept && isAttached(attachment) && this.#isOurs(attachment)
    })
    const names = attached.map((attachment) => this.#uniqueNameOf(attachment)).sort()
    const before = (node.status?.volumesAttached ?? []).map((volume) => volume.name).sort()
    if (!deepEqual(names, before))
      await this.#writeAttached(
        node,
        names.map((name) => ({ name, devicePath: '' })),
        signal,
      )
  }

  async #writeAttached(
    node: FrozenNode,
    volumesAttached: readonly { readonly name: string; readonly devicePath: string }[],
    signal: AbortSignal,
  ): Promise<void> {
    const body = { status: { volumesAttached: volumesAttached.length === 0 ? null : volumesAttached } }
    const options = { subresource: 'status', signal }
    await this.#client.patch(NODES, objectKeyOf(node), { type: 'merge', body }, options).catch(undefinedIfNotFound)
  }

  #uniqueNameOf(attachment: FrozenAttachment): string {
    const csi = this.#world.volume(volumeNameOf(attachment))?.spec.csi
    return csi === undefined ? '' : uniqueVolumeName(csi)
  }
}

const volumeNameOf = ({ spec }: FrozenAttachment): string => spec.source.persistentVolumeName ?? ''
