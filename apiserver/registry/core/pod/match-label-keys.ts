/**
 * Writes matchLabelKeys (and mismatchLabelKeys) of affinity terms and spread constraints into their selectors, with the
 * values the new Pod has, so that whoever reads the selector needs to know of nothing else.
 * Upstream: pkg/registry/core/pod/strategy.go mutatePodAffinity, mutateTopologySpreadConstraints (v1.36).
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { LabelSelector } from '#machinery/api/meta/v1.ts'

interface Keyed {
  labelSelector?: LabelSelector
  readonly matchLabelKeys?: readonly string[]
  readonly mismatchLabelKeys?: readonly string[]
}

export function applyMatchLabelKeys({ metadata, spec }: Pod): void {
  const labels = metadata.labels ?? {}
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  for (const affinity of [podAffinity, podAntiAffinity]) {
    const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    for (const term of [...required, ...preferred.map(({ podAffinityTerm }) => podAffinityTerm)])
      applyToSelector(term, labels)
  }
  for (const constraint of spec.topologySpreadConstraints ?? []) applyToSelector(constraint, labels)
}

/** What has no selector matches nothing, with keys as well. A label the Pod does not have asks for nothing. */
function applyToSelector(keyed: Keyed, labels: Readonly<Record<string, string>>): void {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = keyed
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
