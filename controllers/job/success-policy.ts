/** Whether enough indexes of an Indexed Job have succeeded by spec.successPolicy. Pure. Upstream: pkg/controller/job/success_policy.go. */
import type { SuccessPolicy, SuccessPolicyRule } from '#machinery/api/batch/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { CompletionIndexes } from './completion-indexes.ts'

/** The message for SuccessCriteriaMet; undefined when no rule is met. */
export function matchSuccessPolicy(
  policy: DeepReadonly<SuccessPolicy> | undefined,
  succeeded: CompletionIndexes,
  completions: number,
): string | undefined {
  const index = policy?.rules.findIndex((rule) => isMet(rule, succeeded, completions)) ?? -1
  return index === -1 ? undefined : `Matched rules at index ${index}`
}

function isMet(rule: DeepReadonly<SuccessPolicyRule>, succeeded: CompletionIndexes, completions: number): boolean {
  if (rule.succeededIndexes === undefined)
    return rule.succeededCount !== undefined && succeeded.total >= rule.succeededCount
  const required = CompletionIndexes.parse(rule.succeededIndexes, completions)
  // A rule that names no index of the Job is never met.
  if (required.total === 0) return false
  return succeeded.countOf(required) >= (rule.succeededCount ?? required.total)
}
