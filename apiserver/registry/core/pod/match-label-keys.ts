/**
 * Writes matchLabelKeys and mismatchLabelKeys of affinity terms into their selectors, with the values the new Pod has, so
 * that whoever reads the selector needs to know of nothing else.
 * Upstream: pkg/registry/core/pod/strategy.go applyMatchLabelKeysAndMismatchLabelKeys.
 */
import type { Pod, PodAffinityTerm } from '#machinery/api/core/v1/types.gen.ts'

export function applyMatchLabelKeys({ metadata, spec }: Pod): void {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  for (const affinity of [podAffinity, podAntiAffinity]) {
    const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    for (const term of [...required, ...preferred.map(({ podAffinityTerm }) => podAffinityTerm)])
      applyToTerm(term, metadata.labels ?? {})
  }
}

/** A term without selector matches nothing, with keys as well. A label the Pod does not have asks for nothing. */
function applyToTerm(term: PodAffinityTerm, labels: Readonly<Record<string, string>>): void {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term
  if (labelSelector === undefined) return
  const added = [
    ...matchLabelKeys.map((key) => ({ key, operator: 'In' })),
    ...mismatchLabelKeys.map((key) => ({ key, operator: 'NotIn' })),
  ].flatMap(({ key, operator }) => {
    const value = labels[key]
    return value === undefined ? [] : [{ key, operator, values: [value] }]
  })
  if (added.length > 0) labelSelector.matchExpressions = [...(labelSelector.matchExpressions ?? []), ...added]
}
