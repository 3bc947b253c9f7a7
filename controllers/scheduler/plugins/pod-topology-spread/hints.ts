/** What may make a Pod schedulable that hard constraints kept out. Upstream: plugins/podtopologyspread/plugin.go. */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Change } from '../../framework/change.ts'
import type { FrozenPod } from '../../framework/interfaces.ts'
import type { SpreadConstraint } from './constraints.ts'
import { hasAllTopologyKeys } from './constraints.ts'

/** A Pod that is counted came, went, or began or ceased to be counted. */
export function podChangeMayHelp(
  pod: FrozenPod,
  constraints: readonly SpreadConstraint[],
  { old, object }: Change<Pod>,
): boolean {
  const { namespace, uid } = pod.metadata
  if ((object ?? old)?.metadata.namespace !== namespace) return false
  // Its own labels decide what it is compared with.
  if (object !== undefined && object.metadata.uid === uid) return true
  return constraints.some(({ selector, isCounted }) => {
    // Gone: whether or not it was still counted at the end.
    if (object === undefined) return selector.matches(old?.metadata.labels)
    return isCounted(object) !== (old !== undefined && isCounted(old))
  })
}

/** A node with all topology keys came, went, or changed its domain. */
export function nodeChangeMayHelp(constraints: readonly SpreadConstraint[], { old, object }: Change<Node>): boolean {
  const wasIn = old !== undefined && hasAllTopologyKeys(old, constraints)
  const isIn = object !== undefined && hasAllTopologyKeys(object, constraints)
  if (!wasIn || !isIn) return wasIn || isIn
  return constraints.some(
    ({ topologyKey, honorsTaints, honorsAffinity }) =>
      old.metadata.labels?.[topologyKey] !== object.metadata.labels?.[topologyKey] ||
      (honorsTaints && old.spec?.taints !== object.spec?.taints) ||
      (honorsAffinity && old.metadata.labels !== object.metadata.labels),
  )
}
