/** The cluster's machines, as a component of the simulated process: they crash and come back with it. */
import { SimulatedNodes } from '#agent/simulated/index.ts'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import { defineComponent } from '#sdk'

const VERSION = 'v1.36.0'
const JOB_DURATION_MS = 3_000

export const NODE_NAMES = ['node-0', 'node-1', 'node-2', 'node-3']

export function simulatedNodes() {
  return defineComponent({
    name: 'simulated-nodes',
    permissions: [
      { resource: NODES, verbs: ['create', 'get', 'update', 'patch'] },
      { resource: NODES, subresource: 'status', verbs: ['update', 'patch'] },
      { resource: LEASES, verbs: ['create', 'get', 'update', 'patch'] },
      { resource: PODS, verbs: ['delete', 'get'] },
      { resource: PODS, subresource: 'status', verbs: ['update', 'patch'] },
    ],
    createComponent: ({ client, clock, random, logger, informer }) => {
      const dependencies = { client, clock, random, logger, pods: informer(PODS), nodes: informer(NODES) }
      const nodes = NODE_NAMES.map((name) => ({ name }))
      const simulated = new SimulatedNodes(dependencies, { nodes, version: VERSION, jobDurationMs: JOB_DURATION_MS })
      return { run: (signal, onReady) => simulated.run(signal, onReady) }
    },
  })
}
