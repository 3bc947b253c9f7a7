/** Simulated nodes: for `knarr server --node=simulated`, `knarr simulate` and tests. */
export type {
  SimulatedEvents,
  SimulatedNodeSpec,
  SimulatedNodesDependencies,
  SimulatedNodesOptions,
} from './interfaces.ts'
export { SimulatedNodes } from './simulated-nodes.ts'
