/** ResourceSlices by node and by pool, and the pools that follow from them. Upstream: plugins/dynamicresources dra_manager.go. */
import type { ResourceSlice } from '#machinery/api/resource/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import type { FrozenNode } from '../../framework/interfaces.ts'
import type { FrozenSlice, Pool } from './allocator/interfaces.ts'
import { poolIdOf, poolsOfNode } from './allocator/pools.ts'

const BY_NODE = 'device-node'
const BY_POOL = 'device-pool'
/** Slices that are not one node's alone. */
const ANY_NODE = ''

export class SliceIndex {
  readonly #slices: Lister<ResourceSlice>

  constructor(informer: Informer<ResourceSlice>) {
    informer.addIndex(BY_NODE, ({ spec }) => [spec.nodeName ?? ANY_NODE])
    informer.addIndex(BY_POOL, (slice) => [poolIdOf(slice)])
    this.#slices = informer.lister
  }

  /** For one cycle: what is not one node's alone is looked up once. */
  snapshot(): (node: FrozenNode) => readonly Pool[] {
    let shared: readonly FrozenSlice[] | undefined
    return (node) => {
      shared ??= this.#slices.byIndex(BY_NODE, ANY_NODE)
      const own = this.#slices.byIndex(BY_NODE, node.metadata.name ?? '')
      if (own.length + shared.length === 0) return NO_POOLS
      return poolsOfNode(node, [...own, ...shared], (poolId) => this.#slices.byIndex(BY_POOL, poolId))
    }
  }
}

const NO_POOLS: readonly Pool[] = []
