/**
 * Simulated nodes in one process: each registers, heartbeats and runs the Pods bound to it by declared behaviour. Nothing is
 * executed and nothing listens. Takes any API server's client.
 */
import { setMaxListeners } from 'node:events'
import { untilAborted } from '#machinery/informers/factory.ts'
import type { SimulatedNodesDependencies, SimulatedNodesOptions } from './interfaces.ts'
import { NodeAgent } from './node-agent.ts'
import { NodeUsage } from './node-usage.ts'
import { AddressRange, OWN_POD_NETWORK } from './pod-addresses.ts'
import { PodWorker } from './pod-worker.ts'
import { SimulatedNode } from './simulated-node.ts'

/** Nodes without an address of their own get one of these (RFC 2544: networks for tests). */
const NODE_NETWORK = '198.18.0.0/15'

export interface SimulatedNodesDebug {
  readonly nodes: number
  readonly alive: number
  readonly pods: number
}

export class SimulatedNodes {
  readonly #dependencies: SimulatedNodesDependencies
  readonly #nodes: ReadonlyMap<string, SimulatedNode>
  readonly #worker: PodWorker
  readonly #agent: NodeAgent

  constructor(dependencies: SimulatedNodesDependencies, options: SimulatedNodesOptions) {
    this.#dependencies = dependencies
    this.#nodes = newNodes(options)
    this.#worker = new PodWorker(dependencies, this.#nodes, options.jobDurationMs ?? 0)
    this.#agent = new NodeAgent(dependencies, options.version, this.#nodes, (node) => this.#worker.wake(node))
  }

  /** Works until the signal aborts; `onReady` is called once, when every node is registered. */
  async run(signal: AbortSignal, onReady: () => void): Promise<void> {
    const { pods, nodes, logger } = this.#dependencies
    setMaxListeners(0, signal)
    try {
      const working = [this.#agent.run(signal), this.#worker.run(signal)]
      await untilAborted(Promise.all([pods.synced, nodes.synced]), signal)
      await this.#agent.register(signal)
      if (!signal.aborted) {
        logger.warn({ nodes: this.#nodes.size }, 'simulated nodes are registered: pods on them run nothing')
        onReady()
      }
      await Promise.all(working)
    } catch (err: unknown) {
      if (!signal.aborted) throw err
    }
  }

  debug(): SimulatedNodesDebug {
    const alive = [...this.#nodes.values()].filter((node) => node.isAlive).length
    return { nodes: this.#nodes.size, alive, pods: this.#worker.podCount }
  }
}

function newNodes({ nodes }: SimulatedNodesOptions): ReadonlyMap<string, SimulatedNode> {
  const pods = AddressRange.parse(OWN_POD_NETWORK)
  const addresses = AddressRange.parse(NODE_NETWORK)
  if (pods === undefined || addresses === undefined) throw new Error('the built-in networks are networks')
  return new Map(
    nodes.map((spec) => {
      const address = spec.address ?? addresses.take() ?? '0.0.0.0'
      return [spec.name, new SimulatedNode(spec, address, pods, new NodeUsage())]
    }),
  )
}
