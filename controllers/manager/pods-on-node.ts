/** The index by which controllers find the Pods of a node in the shared Pod cache. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const NODE_INDEX = 'node-name'
const NO_NODE: readonly string[] = Object.freeze([])

export interface PodsOnNode {
  readonly pods: Lister<Pod>
  on(nodeName: string): DeepReadonly<Pod>[]
  /** Every node a Pod names, whether it exists or not; not to be kept over an await. */
  nodeNames(): Iterable<string>
}

/** Adds the index to the informer; every caller shares it. */
export function podsOnNode(pods: Informer<Pod>): PodsOnNode {
  pods.addIndex(NODE_INDEX, ({ spec: { nodeName = '' } }) => (nodeName === '' ? NO_NODE : [nodeName]))
  const { lister } = pods
  return {
    pods: lister,
    on: (nodeName) => lister.byIndex(NODE_INDEX, nodeName),
    nodeNames: () => lister.indexValues(NODE_INDEX),
  }
}
