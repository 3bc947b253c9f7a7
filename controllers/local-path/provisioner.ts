/**
 * Makes the volume a claim asks for: the directory first, then the PersistentVolume, so that a volume that can be seen can
 * be used. Upstream: sig-storage-lib-external-provisioner controller.go provisionClaimOperation (events, volume's frame).
 */
import { NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isAlreadyExists, isForbidden, isInvalid } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim } from '#machinery/volume/binding.ts'
import { claimClass, SELECTED_NODE } from '#machinery/volume/binding.ts'
import { requestedStorage } from '#machinery/volume/match.ts'
import type { ReconcilerContext } from '#sdk'
import { configOf } from './config.ts'
import type { NodeDirectories } from './interfaces.ts'
import type { LiveConfig } from './live-config.ts'
import type { PlacementRequest } from './placement.ts'
import { directoryFor, NodeRefusedError, newLocalVolume, PROVISIONER, volumeNameFor } from './placement.ts'

const PROVISIONER_ANNOTATIONS = [
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
]
const DIRECTORY_MODE = 0o777

/** A claim that was handed to this provisioner and has no volume yet. */
export function isForLocalPath({ metadata, spec }: FrozenClaim): boolean {
  const { annotations, deletionTimestamp } = metadata
  const isHanded = PROVISIONER_ANNOTATIONS.some((name) => annotations?.[name] === PROVISIONER)
  return isHanded && deletionTimestamp === undefined && (spec.volumeName ?? '') === ''
}

export class Provisioner {
  readonly #context: ReconcilerContext
  readonly #config: LiveConfig
  readonly #directories: NodeDirectories

  constructor(context: ReconcilerContext, config: LiveConfig, directories: NodeDirectories) {
    this.#context = context
    this.#config = config
    this.#directories = directories
  }

  async provision(claim: FrozenClaim, signal: AbortSignal): Promise<void> {
    const { events, lister } = this.#context
    const storageClass = lister(STORAGE_CLASSES).get({ name: claimClass(claim) })
    if (storageClass?.provisioner !== PROVISIONER) return
    const isDelayed = storageClass.volumeBindingMode === 'WaitForFirstConsumer'
    const nodeName = claim.metadata.annotations?.[SELECTED_NODE] ?? ''
    if (isDelayed && nodeName === '') return
    if (lister(PERSISTENT_VOLUMES).get({ name: volumeNameFor(claim) }) !== undefined) return
    const { namespace, name } = claim.metadata
    const doing = `External provisioner is provisioning volume for claim "${namespace ?? ''}/${name ?? ''}"`
    events.record(claim, 'Normal', 'Provisioning', doing)
    try {
      await this.#make(claim, storageClass, nodeName, signal)
    } catch (err: unknown) {
      if (signal.aborted) throw err
      const failed = `failed to provision volume with StorageClass "${claimClass(claim)}": ${errorMessage(err)}`
      events.record(claim, 'Warning', 'ProvisioningFailed', failed)
      if (!isDelayed || !(err instanceof NodeRefusedError)) throw err
      await this.#askForAnotherNode(claim, signal)
    }
  }

  async #make(
    claim: FrozenClaim,
    storageClass: DeepReadonly<StorageClass>,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, events, random } = this.#context
    const config = configOf(this.#config.get(), claimClass(claim))
    const node = this.#nodeFor(nodeName)
    const choose = (count: number): number => random.int(count)
    const request: PlacementRequest = { claim, storageClass, config, node, choose }
    const path = directoryFor(request)
    const volume = newLocalVolume(request, path)
    const host = config.sharedPath === undefined ? node : (node ?? this.#anyServedNode())
    if (host === undefined || !this.#directories.serves(host)) {
      const whom = host === undefined ? 'any node' : `node ${host.metadata.name ?? ''}`
      throw new Error(`there is no agent on ${whom} to make ${path}`)
    }
    const sizeBytes = requestedStorage(claim).value()
    const note = await this.#directories.make(host, path, { mode: DIRECTORY_MODE, sizeBytes }, signal)
    try {
      await client.create(PERSISTENT_VOLUMES, volume, { signal })
    } catch (err: unknown) {
      // Refused for good: nothing would ever refer to the directory.
      if (isInvalid(err) || isForbidden(err)) await this.#directories.remove(host, path, signal)
      if (!isAlreadyExists(err)) throw err
    }
    if (note !== undefined) events.record(claim, 'Normal', 'ProvisioningNote', note)
    const done = `Successfully provisioned volume ${volume.metadata.name ?? ''}`
    events.record(claim, 'Normal', 'ProvisioningSucceeded', done)
  }

  /** The scheduler's choice; without one, the node of a cluster that has just one. */
  #nodeFor(name: string): DeepReadonly<Node> | undefined {
    const nodes = this.#context.lister(NODES)
    if (name === '') return nodes.size === 1 ? nodes.list()[0] : undefined
    const node = nodes.get({ name })
    if (node === undefined) throw new NodeRefusedError(`failed to get target node: node "${name}" not found`)
    return node
  }

  #anyServedNode(): DeepReadonly<Node> | undefined {
    return this.#context.lister(NODES).list(undefined, (node) => this.#directories.serves(node))[0]
  }

  async #askForAnotherNode(claim: FrozenClaim, signal: AbortSignal): Promise<void> {
    const { resourceVersion } = claim.metadata
    const body = { metadata: { resourceVersion, annotations: { [SELECTED_NODE]: null } } }
    await this.#context.client.patch(PERSISTENT_VOLUME_CLAIMS, objectKeyOf(claim), { type: 'merge', body }, { signal })
  }
}
