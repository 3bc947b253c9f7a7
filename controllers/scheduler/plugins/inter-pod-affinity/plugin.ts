/**
 * InterPodAffinity: which Pods a Pod must, must not, would and would rather not share a topology domain with, and the
 * same seen from the Pods that run.
 *
 * Reads: labels of namespaces, for namespaceSelector. Upstream: plugins/interpodaffinity; the API server has
 * merged matchLabelKeys and mismatchLabelKeys into the selectors.
 */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { checkInteger, unknownFields } from '../../framework/args.ts'
import { changeOf } from '../../framework/change.ts'
import type {
  EventHint,
  FilterPlugin,
  NodeInfo,
  PluginDefinition,
  PluginHandle,
  PodInfo,
  ScorePlugin,
  Snapshot,
  Verdict,
} from '../../framework/interfaces.ts'
import { PodCounter } from '../../framework/pod-counter.ts'
import { SKIP, unresolvable, unschedulable } from '../../framework/verdicts.ts'
import type { AffinityState, NamespaceLabels } from './filtering.ts'
import {
  changeAffinity,
  cloneAffinityState,
  countAffinity,
  satisfiesAffinity,
  satisfiesAntiAffinity,
  satisfiesExistingAntiAffinity,
} from './filtering.ts'
import { AffinityHints } from './hints.ts'
import { hasPreferences, scoreTopologies, stretch, type TopologyScores, topologyScore } from './scoring.ts'

export interface InterPodAffinityArgs {
  /** What required affinity of a running Pod is worth in scores of Pods it matches: 0 to 100. Default 1. */
  readonly hardPodAffinityWeight?: number
  /** Pods without preferences of their own are not scored by those of others. Default false. */
  readonly ignorePreferredTermsOfExistingPods?: boolean
}

const WEIGHT_MAX = 100

export const interPodAffinity: PluginDefinition = {
  name: 'InterPodAffinity',
  checkArgs: (args, path) => [
    ...unknownFields(args, path, ['hardPodAffinityWeight', 'ignorePreferredTermsOfExistingPods']),
    ...checkInteger(
      args['hardPodAffinityWeight'] ?? 1,
      `${path}.hardPodAffinityWeight`,
      { min: 0, max: WEIGHT_MAX },
      `not in valid range [0, ${WEIGHT_MAX}]`,
    ),
  ],
  create: (args, handle) => new InterPodAffinity(args, handle),
}

export class InterPodAffinity implements FilterPlugin<AffinityState>, ScorePlugin<TopologyScores> {
  readonly name = 'InterPodAffinity'
  readonly events: readonly EventHint[]
  readonly #hardPodAffinityWeight: number
  readonly #ignoresOthers: boolean
  readonly #labelsOf: NamespaceLabels
  readonly #counter = new PodCounter()

  constructor(args: InterPodAffinityArgs, { namespaceLabels }: Pick<PluginHandle, 'namespaceLabels'>) {
    this.#hardPodAffinityWeight = args.hardPodAffinityWeight ?? 1
    this.#ignoresOthers = args.ignorePreferredTermsOfExistingPods ?? false
    this.#labelsOf = namespaceLabels
    const hints = new AffinityHints(namespaceLabels)
    this.events = [
      {
        resource: 'pods',
        actions: ['add', 'update', 'delete'],
        kinds: ['UpdatePodLabel'],
        mayHelp: (pod, event) => hints.podChangeMayHelp(pod, changeOf<Pod>(event)),
      },
      {
        resource: 'nodes',
        actions: ['add', 'update'],
        kinds: ['UpdateNodeLabel'],
        mayHelp: (pod, event) => hints.nodeChangeMayHelp(pod, changeOf<Node>(event)),
      },
    ]
  }

  preFilter(pod: PodInfo, snapshot: Snapshot): Verdict | { readonly state: AffinityState } {
    const state = countAffinity(pod, snapshot, this.#labelsOf, this.#counter)
    const asksForNothing = pod.requiredAffinity.length + pod.requiredAntiAffinity.length === 0
    return asksForNothing && state.existingAntiAffinity.isEmpty ? SKIP : { state }
  }

  filter(state: AffinityState, pod: PodInfo, { node }: NodeInfo): Verdict | undefined {
    if (!satisfiesAffinity(state, pod, node, this.#labelsOf))
      return unresolvable("node(s) didn't match pod affinity rules")
    if (!satisfiesAntiAffinity(state, pod, node)) return unschedulable("node(s) didn't match pod anti-affinity rules")
    if (!satisfiesExistingAntiAffinity(state, node))
      return unschedulable("node(s) didn't satisfy existing pods anti-affinity rules")
    return undefined
  }

  cloneState(state: AffinityState): AffinityState {
    return cloneAffinityState(state)
  }

  addPod(state: AffinityState, pod: PodInfo, other: PodInfo, { node }: NodeInfo): void {
    changeAffinity(state, pod, other, node, this.#labelsOf, 1)
  }

  removePod(state: AffinityState, pod: PodInfo, other: PodInfo, { node }: NodeInfo): void {
    changeAffinity(state, pod, other, node, this.#labelsOf, -1)
  }

  preScore(
    pod: PodInfo,
    _nodes: readonly NodeInfo[],
    snapshot: Snapshot,
  ): Verdict | { readonly state: TopologyScores } {
    if (this.#ignoresOthers && !hasPreferences(pod)) return SKIP
    const state = scoreTopologies(pod, {
      snapshot,
      labelsOf: this.#labelsOf,
      counter: this.#counter,
      hardPodAffinityWeight: this.#hardPodAffinityWeight,
    })
    return state.size === 0 ? SKIP : { state }
  }

  score(state: TopologyScores, _pod: PodInfo, node: NodeInfo): number {
    return topologyScore(state, node)
  }

  normalize(_state: TopologyScores, _pod: PodInfo, scores: Float64Array): void {
    stretch(scores)
  }
}
