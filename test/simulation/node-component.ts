/** The cluster's machines, as a component of the simulated process: they crash and come back with it. */
import { SimulatedNodes } from '#agent/simulated/index.ts'
import { SIMULATED_NODES, simulatedNodesPermissions } from '#cli/server/simulated-nodes.ts'
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import { defineComponent } from '#sdk'

const VERSION = 'v1.36.0'
const JOB_DURATION_MS = 3_000

export const NODE_NAMES = ['node-0', 'node-1', 'node-2', 'node-3']

export function simulatedNodes() {
  return defineComponent({
    name: SIMULATED_NODES,
    permissions: simulatedNodesPermissions(false),
    createComponent: ({ client, clock, random, logger, informer }) => {
      const dependencies = { client, clock, random, logger, pods: informer(PODS), nodes: informer(NODES) }
      const nodes = NODE_NAMES.map((name) => ({ name }))
      const simulated = new SimulatedNodes(dependencies, { nodes, version: VERSION, jobDurationMs: JOB_DURATION_MS })
      return { run: (signal, onReady) => simulated.run(signal, onReady) }
    },
  })
}
