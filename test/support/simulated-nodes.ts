/** Simulated nodes for tests of controllers and the scheduler: real nodes and pods to the API, immediate unless annotated. */

import type { SimulatedNodeSpec, SimulatedNodesOptions } from '#agent/simulated/index.ts'
import { SimulatedNodes } from '#agent/simulated/index.ts'
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { SharedInformerFactory } from '#machinery/informers/factory.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { systemClock } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import { systemRandom } from '#machinery/util/random.ts'

export interface TestNodesOptions {
  /** How many (`node-0`, `node-1` …), or which. Default 1. */
  readonly nodes?: number | readonly SimulatedNodeSpec[]
  readonly clock?: Clock
  readonly random?: Random
  readonly logger?: Logger
  /** How long containers of Job Pods run. Default 0. */
  readonly jobDurationMs?: number
  readonly stages?: NonNullable<SimulatedNodesOptions['stages']>
}

export interface TestNodes {
  readonly names: readonly string[]
  /** How many heartbeat now: not deleted, not told to stop. */
  alive(): number
  /** As when the machine loses power: Nodes and Pods stay as they are. */
  stop(): Promise<void>
}

/** Resolves when the nodes are registered and Ready. */
export async function startSimulatedNodes(client: Client, options: TestNodesOptions = {}): Promise<TestNodes> {
  const { clock = systemClock, random = systemRandom, logger = discardLogger, nodes = 1, jobDurationMs = 0 } = options
  const specs = typeof nodes === 'number' ? Array.from({ length: nodes }, (_, i) => ({ name: `node-${i}` })) : nodes
  const stop = new AbortController()
  const informers = new SharedInformerFactory({ client, clock, random, logger })
  const simulated = new SimulatedNodes(
    { client, clock, random, logger, pods: informers.informer(PODS), nodes: informers.informer(NODES) },
    {
      nodes: specs,
      version: 'v1.36.0',
      jobDurationMs,
      ...(options.stages === undefined ? {} : { stages: options.stages }),
    },
  )
  informers.start(stop.signal)
  let ended: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    ended = simulated.run(stop.signal, resolve)
    ended.catch(reject)
  })
  return {
    names: specs.map(({ name }) => name),
    alive: () => simulated.debug().alive,
    async stop() {
      stop.abort(new Error('the simulated nodes are switched off'))
      await Promise.all([ended, informers.stopped()])
    },
  }
}
