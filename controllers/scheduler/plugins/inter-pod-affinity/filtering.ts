/**
 * Required (anti-)affinity: of the incoming Pod towards those that run, and of those towards it.
 * Upstream: plugins/interpodaffinity/filtering.go.
 */
import type { AffinityTerm, FrozenNode, FrozenPod, PodInfo, Snapshot } from '../../framework/interfaces.ts'
import type { PodCounter } from '../../framework/pod-counter.ts'
import { TopologyCounts } from './topology-counts.ts'

export type NamespaceLabels = Parameters<AffinityTerm['matches']>[1]

export interface AffinityState {
  /** Domains kept free of the incoming Pod by Pods that run there. */
  readonly existingAntiAffinity: TopologyCounts
  /** Pods that match all of the incoming Pod's affinity terms, per term. */
  readonly affinity: TopologyCounts
  /** Pods that match any of its anti-affinity terms, per term. */
  readonly antiAffinity: TopologyCounts
}

export const cloneAffinityState = (state: AffinityState): AffinityState => ({
  existingAntiAffinity: state.existingAntiAffinity.clone(),
  affinity: state.affinity.clone(),
  antiAffinity: state.antiAffinity.clone(),
})

/** Looks at the Pods with anti-affinity, and at all Pods of changed nodes when the incoming one has terms of its own. */
export function countAffinity(
  info: PodInfo,
  snapshot: Snapshot,
  labelsOf: NamespaceLabels,
  counter: PodCounter,
): AffinityState {
  const existingAntiAffinity = new TopologyCounts()
  for (const { node, podsWithRequiredAntiAffinity } of snapshot.withRequiredAntiAffinity)
    for (const other of podsWithRequiredAntiAffinity) addExisting(existingAntiAffinity, info, other, node, labelsOf, 1)
  const { requiredAffinity, requiredAntiAffinity } = info
  const affinity = new TopologyCounts()
  if (requiredAffinity.length > 0) {
    const question = jointQuestion(requiredAffinity)
    const matches = (pod: FrozenPod): boolean => matchesAllTerms(requiredAffinity, pod, labelsOf)
    for (const node of snapshot.nodes) {
      const count = counter.count(node, question, matches)
      for (const { topologyKey } of requiredAffinity) affinity.add(node.node, topologyKey, count)
    }
  }
  const antiAffinity = new TopologyCounts()
  for (const term of requiredAntiAffinity) {
    const matches = (pod: FrozenPod): boolean => term.matches(pod, labelsOf)
    for (const node of snapshot.nodes)
      antiAffinity.add(node.node, term.topologyKey, counter.count(node, term.question, matches))
  }
  return { existingAntiAffinity, affinity, antiAffinity }
}

function jointQuestion(terms: readonly AffinityTerm[]): string | undefined {
  const questions = terms.map(({ question }) => question)
  return questions.includes(undefined) ? undefined : questions.join(' & ')
}

/** As if `other` had come to the node (1) or left it (-1). */
export function changeAffinity(
  state: AffinityState,
  info: PodInfo,
  other: PodInfo,
  node: FrozenNode,
  labelsOf: NamespaceLabels,
  delta: 1 | -1,
): void {
  addExisting(state.existingAntiAffinity, info, other, node, labelsOf, delta)
  addIncoming(state, info, other, node, labelsOf, delta)
}

function addExisting(
  counts: TopologyCounts,
  { pod }: PodInfo,
  other: PodInfo,
  node: FrozenNode,
  labelsOf: NamespaceLabels,
  delta: number,
): void {
  for (const term of other.requiredAntiAffinity)
    if (term.matches(pod, labelsOf)) counts.add(node, term.topologyKey, delta)
}

function addIncoming(
  { affinity, antiAffinity }: AffinityState,
  { requiredAffinity, requiredAntiAffinity }: PodInfo,
  other: PodInfo,
  node: FrozenNode,
  labelsOf: NamespaceLabels,
  delta: number,
): void {
  if (matchesAllTerms(requiredAffinity, other.pod, labelsOf))
    for (const { topologyKey } of requiredAffinity) affinity.add(node, topologyKey, delta)
  for (const term of requiredAntiAffinity)
    if (term.matches(other.pod, labelsOf)) antiAffinity.add(node, term.topologyKey, delta)
}

/** No terms match nothing. */
export function matchesAllTerms(terms: readonly AffinityTerm[], pod: FrozenPod, labelsOf: NamespaceLabels): boolean {
  return terms.length > 0 && terms.every((term) => term.matches(pod, labelsOf))
}

/** The node has every topology key, and in each domain runs a Pod that matches; or the Pod is the first of its series. */
export function satisfiesAffinity(
  { affinity }: AffinityState,
  { pod, requiredAffinity }: PodInfo,
  node: FrozenNode,
  labelsOf: NamespaceLabels,
): boolean {
  const labels = node.metadata.labels ?? {}
  if (!requiredAffinity.every(({ topologyKey }) => labels[topologyKey] !== undefined)) return false
  if (requiredAffinity.every(({ topologyKey }) => affinity.count(node, topologyKey) > 0)) return true
  // Nobody matches anywhere: a Pod that matches its own terms may begin, or no Pod of the series ever could.
  return affinity.isEmpty && matchesAllTerms(requiredAffinity, pod, labelsOf)
}

export function satisfiesAntiAffinity(
  { antiAffinity }: AffinityState,
  { requiredAntiAffinity }: PodInfo,
  node: FrozenNode,
): boolean {
  return (
    antiAffinity.isEmpty || requiredAntiAffinity.every(({ topologyKey }) => antiAffinity.count(node, topologyKey) <= 0)
  )
}

export function satisfiesExistingAntiAffinity({ existingAntiAffinity }: AffinityState, node: FrozenNode): boolean {
  for (const key of existingAntiAffinity.keys()) if (existingAntiAffinity.count(node, key) > 0) return false
  return true
}
