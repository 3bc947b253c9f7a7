/** Nodes that say of themselves that they have no containers (agent/simulated): nobody answers at their pods' addresses. */
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const SIMULATED_RUNTIME = 'simulated://'

export function isSimulatedNode(node: DeepReadonly<Node> | undefined): boolean {
  return node?.status?.nodeInfo?.containerRuntimeVersion?.startsWith(SIMULATED_RUNTIME) === true
}

/** Begins a sentence of why something on this node is refused. */
export function nothingRunsOn(nodeName: string): string {
  return `node ${JSON.stringify(nodeName)} is simulated and runs nothing`
}
