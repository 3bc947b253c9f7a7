/**
 * Which taints a Pod bears. Upstream: component-helpers scheduling/corev1/helpers.go, api/core/v1/toleration.go.
 */
import type { Taint, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenTaint = DeepReadonly<Taint>
type FrozenToleration = DeepReadonly<Toleration>

/** What keeps a Pod from being placed: NoSchedule and NoExecute. */
const repels = ({ effect }: FrozenTaint): boolean => effect === 'NoSchedule' || effect === 'NoExecute'

export function tolerates(toleration: FrozenToleration, taint: FrozenTaint): boolean {
  const { effect = '', key = '', operator = '', value = '' } = toleration
  if (effect !== '' && effect !== taint.effect) return false
  if (key !== '' && key !== taint.key) return false
  if (operator === 'Exists') return true
  // Without a key only Exists means anything; a taint always has one.
  return (operator === '' || operator === 'Equal') && key === taint.key && value === (taint.value ?? '')
}

export function isTolerated(taint: FrozenTaint, tolerations: readonly FrozenToleration[] = []): boolean {
  return tolerations.some((toleration) => tolerates(toleration, taint))
}

/** The first taint among those `counts` lets through that nobody tolerates. */
export function findUntoleratedTaint(
  taints: readonly FrozenTaint[] = [],
  tolerations: readonly FrozenToleration[] = [],
  counts: (taint: FrozenTaint) => boolean = repels,
): FrozenTaint | undefined {
  return taints.find((taint) => counts(taint) && !isTolerated(taint, tolerations))
}
