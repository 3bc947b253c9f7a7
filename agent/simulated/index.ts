/** Simulated nodes: for `knarr server --node=simulated`, `knarr simulate` and tests. */
export type {
  SimulatedEvents,
  SimulatedNodeSpec,
  SimulatedNodesDependencies,
  SimulatedNodesOptions,
} from './interfaces.ts'
export { SimulatedNodes } from './simulated-nodes.ts'
export { parseStages } from './stages/parse-stages.ts'
export type { Stage } from './stages/stage.ts'
export type { StageRenderer } from './stages/template.ts'
export { TEMPLATE_FUNCTION_NAMES } from './stages/template.ts'
