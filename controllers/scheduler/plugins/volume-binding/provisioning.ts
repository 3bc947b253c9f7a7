/**
 * May a volume be made for a claim on this node: a provisioner, an allowed topology, room by CSIStorageCapacity.
 * Upstream: plugins/volumebinding/binder.go checkVolumeProvisions, hasEnoughCapacity.
 */
import type { CSIDriver, CSIStorageCapacity, StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { CSI_DRIVERS, CSI_STORAGE_CAPACITIES, STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { type Quantity, tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { claimClass, type FrozenClaim, NO_PROVISIONER } from '#machinery/volume/binding.ts'
import { requestedStorage } from '#machinery/volume/match.ts'
import type { FrozenNode, PluginHandle } from '../../framework/interfaces.ts'

const CLASS_INDEX = 'storage-class-name'

type Class = DeepReadonly<StorageClass>

export class Provisioning {
  readonly #classes: Lister<StorageClass>
  readonly #drivers: Lister<CSIDriver>
  readonly #capacities: Lister<CSIStorageCapacity>

  constructor({ informer, lister }: Pick<PluginHandle, 'informer' | 'lister'>) {
    this.#classes = lister(STORAGE_CLASSES)
    this.#drivers = lister(CSI_DRIVERS)
    const capacities = informer(CSI_STORAGE_CAPACITIES)
    capacities.addIndex(CLASS_INDEX, ({ storageClassName }) => [storageClassName])
    this.#capacities = capacities.lister
  }

  classOf(name: string): Class | undefined {
    return this.#classes.get({ name })
  }

  /** 'no-volume': not here, or not at all. Throws an Error when the claim has no class that exists. */
  check(claim: FrozenClaim, node: FrozenNode): 'ok' | 'no-volume' | 'no-space' {
    const name = claimClass(claim)
    if (name === '') throw new Error(`no class for claim "${claim.metadata.namespace}/${claim.metadata.name}"`)
    const storageClass = this.classOf(name)
    if (storageClass === undefined) throw new Error(`failed to find storage class "${name}"`)
    const { provisioner } = storageClass
    if (provisioner === '' || provisioner === NO_PROVISIONER) return 'no-volume'
    if (!isTopologyAllowed(storageClass, node)) return 'no-volume'
    return this.#hasCapacity(claim, storageClass, node) ? 'ok' : 'no-space'
  }

  /** Only drivers that publish their capacity are held to it. */
  #hasCapacity(claim: FrozenClaim, { metadata, provisioner }: Class, node: FrozenNode): boolean {
    if (claim.spec.resources?.requests?.['storage'] === undefined) return true
    if (this.#drivers.get({ name: provisioner })?.spec.storageCapacity !== true) return true
    const wanted = requestedStorage(claim)
    return this.#capacities
      .byIndex(CLASS_INDEX, metadata.name ?? '')
      .some((capacity) => (volumeLimit(capacity)?.compare(wanted) ?? -1) >= 0 && hasAccess(node, capacity))
  }
}

/** Without terms: everywhere. Terms are alternatives; one without expressions allows nothing. */
function isTopologyAllowed({ allowedTopologies = [] }: Class, node: FrozenNode): boolean {
  const labels = node.metadata.labels ?? {}
  if (allowedTopologies.length === 0) return true
  return allowedTopologies.some(({ matchLabelExpressions = [] }) => {
    const isMet = matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
    return matchLabelExpressions.length > 0 && isMet
  })
}

/** The size of the largest volume; the more precise figure when there is one. */
export function volumeLimit({ capacity, maximumVolumeSize }: DeepReadonly<CSIStorageCapacity>): Quantity | undefined {
  const limit = maximumVolumeSize ?? capacity
  return limit === undefined ? undefined : tryParseQuantity(limit)
}

function hasAccess(node: FrozenNode, { nodeTopology }: DeepReadonly<CSIStorageCapacity>): boolean {
  return nodeTopology !== undefined && labelSelectorAsMatcher(nodeTopology).matches(node.metadata.labels)
}
