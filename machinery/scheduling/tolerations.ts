/**
 * Which taints a Pod bears. Upstream: component-helpers scheduling/corev1/helpers.go, api/core/v1/toleration.go (v1.36).
 *
 * `comparesNumbers`: feature gate TaintTolerationComparisonOperators. Without it a toleration with Lt or Gt bears nothing.
 */
import type { Taint, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenTaint = DeepReadonly<Taint>
type FrozenToleration = DeepReadonly<Toleration>

export const COMPARISON_GATE = 'TaintTolerationComparisonOperators'

/** What keeps a Pod from being placed: NoSchedule and NoExecute. */
export const repels = ({ effect }: FrozenTaint): boolean => effect === 'NoSchedule' || effect === 'NoExecute'

export function tolerates(toleration: FrozenToleration, taint: FrozenTaint, comparesNumbers = false): boolean {
  const { effect = '', key = '', operator = '', value = '' } = toleration
  if (effect !== '' && effect !== taint.effect) return false
  if (key !== '' && key !== taint.key) return false
  if (operator === 'Exists') return true
  // Without a key only Exists means anything; a taint always has one.
  if (key !== taint.key) return false
  if (operator === '' || operator === 'Equal') return value === (taint.value ?? '')
  return comparesNumbers && isWithin(taint.value ?? '', operator, value)
}

const INTEGER = /^(?:0|-?[1-9][0-9]*)$/
const INT_64_MAX = 2n ** 63n - 1n

/** `Lt`: the taint's value is below the toleration's; `Gt`: above. What is no 64-bit integer is neither. */
function isWithin(value: string, operator: string, bound: string): boolean {
  const [tainted, borne] = [parseInt64(value), parseInt64(bound)]
  if (tainted === undefined || borne === undefined) return false
  if (operator === 'Lt') return tainted < borne
  return operator === 'Gt' && tainted > borne
}

function parseInt64(text: string): bigint | undefined {
  if (!INTEGER.test(text) || text.length > 20) return undefined
  const parsed = BigInt(text)
  return parsed > INT_64_MAX || parsed < -INT_64_MAX - 1n ? undefined : parsed
}

export function isTolerated(
  taint: FrozenTaint,
  tolerations: readonly FrozenToleration[] = [],
  comparesNumbers = false,
): boolean {
  return tolerations.some((toleration) => tolerates(toleration, taint, comparesNumbers))
}

/** The first taint among those `counts` lets through that nobody tolerates. */
export function findUntoleratedTaint(
  taints: readonly FrozenTaint[] = [],
  tolerations: readonly FrozenToleration[] = [],
  counts: (taint: FrozenTaint) => boolean = repels,
  comparesNumbers = false,
): FrozenTaint | undefined {
  return taints.find((taint) => counts(taint) && !isTolerated(taint, tolerations, comparesNumbers))
}
