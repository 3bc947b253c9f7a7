/**
 * Gives every node its pod network: spec.podCIDRs, one of each family of the cluster network.
 *
 * Reads: nodes from the cache.  Writes: nodes (spec.podCIDR, spec.podCIDRs), events.
 * Upstream: pkg/controller/nodeipam/ipam/range_allocator.go. Differs: a network outside the cluster's, or of another layout, is
 * left alone and logged instead of ending the process; a node waiting for one gets the first that is given back.
 */
import { NODES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { IpPrefix } from '#machinery/meta/ip-address.ts'
import { formatCidr, parseCidr } from '#machinery/meta/ip-address.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController } from '#sdk'
import { NODE_IPAM_CONTROLLER } from '../manager/names.ts'
import { CidrPool } from './cidr-pool.ts'

type FrozenNode = DeepReadonly<Node>

export interface NodeIpamOptions {
  /** One network, or one of each family, with the size of a node's share of it. */
  readonly clusterNetworks: readonly { readonly cidr: IpPrefix; readonly nodeMaskBits: number }[]
  /** Never given to nodes, where they overlap. */
  readonly serviceNetworks: readonly IpPrefix[]
}

export function nodeIpamController(options: NodeIpamOptions) {
  return defineController({
    name: NODE_IPAM_CONTROLLER,
    reconciles: NODES,
    permissions: [{ resource: NODES, verbs: ['get', 'list', 'watch', 'patch'] }],
    // One at a time: who comes first gets the lower network.
    concurrency: 1,
    create: (context) => new NodeIpamReconciler(context, options),
  })
}

interface Held {
  readonly uid: string
  readonly cidrs: readonly IpPrefix[]
}

class NodeIpamReconciler implements Reconciler {
  readonly #client: Client
  readonly #logger: Logger
  readonly #events: EventRecorder
  readonly #nodes: Lister<Node>
  readonly #enqueue: (key: ObjectKey) => void
  readonly #pools: readonly CidrPool[]
  /** What each node has, or is about to be given: a write that failed is repeated with the same networks. */
  readonly #held = new Map<string, Held>()
  readonly #waiting = new Set<string>()
  #isLoaded = false

  constructor({ client, logger, events, lister, enqueue }: ReconcilerContext, options: NodeIpamOptions) {
    this.#client = client
    this.#logger = logger
    this.#events = events
    this.#nodes = lister(NODES)
    this.#enqueue = enqueue
    this.#pools = options.clusterNetworks.map(({ cidr, nodeMaskBits }) => new CidrPool(cidr, nodeMaskBits))
    for (const pool of this.#pools) for (const network of options.serviceNetworks) pool.occupy(network)
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    this.#load()
    const node = this.#nodes.get(key)
    const uid = node?.metadata.uid
    const held = this.#held.get(key.name)
    if (held !== undefined && held.uid !== uid) this.#release(key.name, held)
    if (node === undefined) this.#waiting.delete(key.name)
    else if ((node.spec?.podCIDRs ?? []).length > 0) this.#occupy(node)
    else if (node.metadata.deletionTimestamp === undefined) await this.#assign(node, signal)
    return DONE
  }

  /** What nodes have is taken before anything is given away. */
  #load(): void {
    if (this.#isLoaded) return
    this.#isLoaded = true
    for (const node of this.#nodes.list()) if ((node.spec?.podCIDRs ?? []).length > 0) this.#occupy(node)
  }

  #occupy(node: FrozenNode): void {
    const { name = '', uid = '' } = node.metadata
    const texts = node.spec?.podCIDRs ?? []
    const held = this.#held.get(name)
    if (held !== undefined && held.cidrs.map(formatCidr).join() === texts.join()) return
    if (held !== undefined) this.#release(name, held)
    const cidrs = texts.map(parseCidr).filter((cidr) => cidr !== undefined)
    const foreign = cidrs.filter((cidr, i) => this.#pools[i]?.occupy(cidr) !== true)
    if (foreign.length > 0 || cidrs.length < texts.length)
      this.#logger.warn({ node: name, podCIDRs: texts }, 'a node has networks that are not of the cluster network')
    this.#held.set(name, { uid, cidrs })
    this.#waiting.delete(name)
  }

  async #assign(node: FrozenNode, signal: AbortSignal): Promise<void> {
    const { name = '', uid = '' } = node.metadata
    const held = this.#held.get(name) ?? this.#allocate(name, uid)
    if (held === undefined) {
      // Woken when another node gives one back.
      this.#waiting.add(name)
      const subject = { apiVersion: 'v1', kind: 'Node', metadata: { name, uid } }
      this.#events.record(subject, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`)
      return
    }
    const podCIDRs = held.cidrs.map(formatCidr)
    const body = { metadata: { uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } }
    await this.#client.patch(NODES, { name }, { type: 'merge', body }, { signal })
  }

  #allocate(name: string, uid: string): Held | undefined {
    const cidrs: IpPrefix[] = []
    for (const pool of this.#pools) {
      const cidr = pool.allocate()
      if (cidr === undefined) {
        this.#giveBack(cidrs)
        return undefined
      }
      cidrs.push(cidr)
    }
    const held = { uid, cidrs }
    this.#held.set(name, held)
    this.#waiting.delete(name)
    return held
  }

  #release(name: string, { cidrs }: Held): void {
    this.#held.delete(name)
    this.#giveBack(cidrs)
    for (const waiting of this.#waiting) this.#enqueue({ name: waiting })
  }

  #giveBack(cidrs: readonly IpPrefix[]): void {
    for (const [i, cidr] of cidrs.entries()) this.#pools[i]?.release(cidr)
  }
}
