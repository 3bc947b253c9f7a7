/**
 * Removes released volumes of policy Delete: the directory on its node, then the PersistentVolume. Where the node is gone
 * the data stays on its disk, as upstream. Upstream: sig-storage-lib-external-provisioner controller.go deleteVolumeOperation.
 */
import { NODES, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenVolume } from '#machinery/volume/binding.ts'
import type { ReconcilerContext } from '#sdk'
import type { NodeDirectories } from './interfaces.ts'
import type { LiveConfig } from './live-config.ts'
import { directoryOf, PROVISIONED_BY, PROVISIONER } from './placement.ts'

const HOSTNAME_INDEX = 'hostname'

export class Reclaimer {
  readonly #context: ReconcilerContext
  readonly #config: LiveConfig
  readonly #directories: NodeDirectories

  constructor(context: ReconcilerContext, config: LiveConfig, directories: NodeDirectories) {
    this.#context = context
    this.#config = config
    this.#directories = directories
    context.informer(NODES).addIndex(HOSTNAME_INDEX, ({ metadata }) => {
      const hostname = metadata.labels?.['kubernetes.io/hostname']
      return hostname === undefined ? [] : [hostname]
    })
  }

  async reclaim(volume: FrozenVolume, signal: AbortSignal): Promise<void> {
    if (!isToBeRemoved(volume)) return
    const { client, events } = this.#context
    try {
      await this.#removeDirectory(volume, signal)
    } catch (err: unknown) {
      if (!signal.aborted) events.record(volume, 'Warning', 'VolumeFailedDelete', errorMessage(err))
      throw err
    }
    const { uid = '' } = volume.metadata
    await client
      .delete(PERSISTENT_VOLUMES, objectKeyOf(volume), { preconditions: { uid }, signal })
      .catch(undefinedIfNotFound)
  }

  async #removeDirectory(volume: FrozenVolume, signal: AbortSignal): Promise<void> {
    const { path, nodeName, hostname } = directoryOf(volume, this.#config.last)
    const isShared = nodeName === '' && volume.spec.nodeAffinity === undefined
    const node = isShared ? this.#anyServedNode() : await this.#nodeOf(nodeName, hostname, signal)
    if (node === undefined && !isShared) {
      const about = { volume: { name: volume.metadata.name ?? '' }, node: nodeName || hostname, path }
      this.#context.logger.warn(about, 'the node of a volume is gone, its directory is left on its disk')
      return
    }
    if (node === undefined || !this.#directories.serves(node))
      throw new Error(
        `there is no agent on ${node === undefined ? 'any node' : `node ${node.metadata.name ?? ''}`} to remove ${path}`,
      )
    await this.#directories.remove(node, path, signal)
  }

  /** Undefined: the node is gone, by the server's word. */
  async #nodeOf(
    name: string,
    hostname: string | undefined,
    signal: AbortSignal,
  ): Promise<DeepReadonly<Node> | undefined> {
    const { lister, client } = this.#context
    const nodes = lister(NODES)
    if (name !== '') {
      const node = nodes.get({ name })
      return node ?? (await client.get(NODES, { name }, { signal }).catch(undefinedIfNotFound))
    }
    // Volumes of older provisioners only say the host's name.
    return hostname === undefined ? undefined : nodes.byIndex(HOSTNAME_INDEX, hostname)[0]
  }

  #anyServedNode(): DeepReadonly<Node> | undefined {
    return this.#context.lister(NODES).list(undefined, (node) => this.#directories.serves(node))[0]
  }
}

function isToBeRemoved({ metadata, spec, status }: FrozenVolume): boolean {
  if (metadata.annotations?.[PROVISIONED_BY] !== PROVISIONER || metadata.deletionTimestamp !== undefined) return false
  return spec.persistentVolumeReclaimPolicy === 'Delete' && (status?.phase === 'Released' || status?.phase === 'Failed')
}
