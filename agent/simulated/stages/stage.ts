/** A Stage as it is played, and the choice among several. Upstream: kwok pkg/utils/lifecycle/lifecycle.go. */
import { isObject } from '#machinery/util/json.ts'
import type { Random } from '#machinery/util/random.ts'

/** One thing a stage does; in order. */
export type StageStep =
  | { readonly type: 'event'; readonly event: { type: 'Normal' | 'Warning'; reason: string; message: string } }
  | {
      readonly type: 'finalizers'
      readonly add: readonly string[]
      readonly remove: readonly string[]
      readonly empty: boolean
    }
  | { readonly type: 'delete' }
  | {
      readonly type: 'patch'
      readonly patchType: 'json' | 'merge' | 'strategic'
      readonly subresource: string
      /** The member the rendered document becomes; '' = the whole patch. */
      readonly root: string
      readonly template: string
    }

export interface Stage {
  readonly name: string
  readonly kind: 'Pod' | 'Node'
  matches(object: unknown): boolean
  /** Undefined: no opinion. */
  weight(object: unknown): number | undefined
  /** Milliseconds, the dice thrown. */
  delayMs(object: unknown, nowMs: number, random: Random): number
  readonly steps: readonly StageStep[]
}

/** Weighted among those that match; all alike when none has a weight. */
export function chooseStage(stages: readonly Stage[], object: unknown, random: Random): Stage | undefined {
  const matching = stages.filter((stage) => stage.matches(object))
  if (matching.length <= 1) return matching[0]
  const weights = matching.map((stage) => stage.weight(object))
  const total = weights.reduce<number>((sum, weight) => sum + (weight ?? 0), 0)
  if (total <= 0) {
    const weighed = matching.filter((_, i) => weights[i] !== undefined)
    const candidates = weighed.length === 0 ? matching : weighed
    return candidates[random.int(candidates.length)]
  }
  let offset = random.int(total)
  return matching.find((_, i) => {
    offset -= weights[i] ?? 0
    return offset < 0
  })
}

export function labelsMatch(wanted: unknown, actual: unknown): boolean {
  if (!isObject(wanted)) return true
  return Object.entries(wanted).every(([key, value]) => isObject(actual) && actual[key] === value)
}
