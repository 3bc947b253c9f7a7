/**
 * Simulated nodes in one process: each registers, heartbeats and runs the Pods bound to it by declared behaviour. Nothing is
 * executed and nothing listens. Takes any API server's client.
 */
import { setMaxListeners } from 'node:events'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { untilAborted } from '#machinery/informers/factory.ts'
import type { SimulatedNodesDependencies, SimulatedNodesOptions } from './interfaces.ts'
import { NodeAgent } from './node-agent.ts'
import { NodeUsage } from './node-usage.ts'
import { AddressRange, OWN_POD_NETWORK } from './pod-addresses.ts'
import { PodWorker } from './pod-worker.ts'
import { SimulatedNode } from './simulated-node.ts'
import { stagedNodes, stagedPods } from './staged-objects.ts'
import type { StagePlayer } from './stages/stage-player.ts'

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
  readonly #worker: PodWorker | undefined
  readonly #stagedPods: StagePlayer<Pod> | undefined
  readonly #stagedNodes: StagePlayer<Node> | undefined
  readonly #agent: NodeAgent

  constructor(dependencies: SimulatedNodesDependencies, options: SimulatedNodesOptions) {
    this.#dependencies = dependencies
    this.#nodes = newNodes(options)
    this.#stagedPods = stagedPods(dependencies, options, this.#nodes)
    this.#stagedNodes = stagedNodes(dependencies, options, this.#nodes)
    if (this.#stagedPods === undefined) this.#worker = new PodWorker(dependencies, this.#nodes, options)
    this.#agent = new NodeAgent(dependencies, options.version, this.#nodes, (node) => this.#wake(node))
  }

  /** Works until the signal aborts; `onReady` is called once, when every node is registered. */
  async run(signal: AbortSignal, onReady: () => void): Promise<void> {
    const { pods, nodes, logger } = this.#dependencies
    setMaxListeners(0, signal)
    try {
      const parts = [this.#agent, this.#worker, this.#stagedPods, this.#stagedNodes]
      const working = parts.map((part) => part?.run(signal))
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

  #wake(node: SimulatedNode): void {
    this.#worker?.wake(node)
    this.#stagedPods?.wakeAll(({ spec }) => spec.nodeName === node.name)
    this.#stagedNodes?.wakeAll(({ metadata }) => metadata.name === node.name)
  }

  debug(): SimulatedNodesDebug {
    const alive = [...this.#nodes.values()].filter((node) => node.isAlive).length
    return { nodes: this.#nodes.size, alive, pods: this.#worker?.podCount ?? this.#stagedPods?.objectCount ?? 0 }
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
