/**
 * What may make a Pod schedulable that required (anti-)affinity kept out.
 * Upstream: plugins/interpodaffinity/plugin.go. Differs: also woken when a Pod leaves whose own anti-affinity shut it out.
 */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { affinityTermsOf } from '../../framework/affinity-terms.ts'
import type { Change } from '../../framework/change.ts'
import type { AffinityTerm, FrozenPod } from '../../framework/interfaces.ts'
import { matchesAllTerms, type NamespaceLabels } from './filtering.ts'

export function podChangeMayHelp(pod: FrozenPod, { old, object }: Change<Pod>, labelsOf: NamespaceLabels): boolean {
  if (object !== undefined && object.metadata.uid === pod.metadata.uid) return true
  const { requiredAffinity, requiredAntiAffinity } = affinityTermsOf(pod)
  const isWanted = (state: FrozenPod | undefined): boolean =>
    state !== undefined && matchesAllTerms(requiredAffinity, state, labelsOf)
  const isInTheWay = (state: FrozenPod | undefined): boolean => {
    if (state === undefined) return false
    const matches = (terms: readonly AffinityTerm[], other: FrozenPod): boolean =>
      terms.some((term) => term.matches(other, labelsOf))
    return matches(requiredAntiAffinity, state) || matches(affinityTermsOf(state).requiredAntiAffinity, pod)
  }
  return (isWanted(object) && !isWanted(old)) || (isInTheWay(old) && !isInTheWay(object))
}

/** A node came, or its labels changed: it may be in a domain with the right neighbours, or without the wrong ones. */
export function nodeChangeMayHelp({ old, object }: Change<Node>): boolean {
  if (object === undefined) return false
  if (old === undefined) return true
  const before = old.metadata.labels ?? {}
  const after = object.metadata.labels ?? {}
  return [...Object.keys(before), ...Object.keys(after)].some((key) => before[key] !== after[key])
}
