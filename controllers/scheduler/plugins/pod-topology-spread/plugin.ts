/**
 * PodTopologySpread: Pods that belong together are spread over zones, hosts or other domains; hard constraints filter,
 * soft ones score. Pods without constraints get the default ones.
 *
 * Reads: services, replicasets, statefulsets, replicationcontrollers from the cache.
 * Upstream: plugins/podtopologyspread, with minDomains, inclusion policies and matchLabelKeys.
 */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { NodeMatcher } from '#machinery/scheduling/node-affinity.ts'
import { requiredNodeMatcher } from '#machinery/scheduling/node-affinity.ts'
import { COMPARISON_GATE } from '#machinery/scheduling/tolerations.ts'
import { changeOf } from '../../framework/change.ts'
import type {
  EventHint,
  FilterPlugin,
  FrozenPod,
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
import type { FrozenConstraint, SpreadConstraint } from './constraints.ts'
import { countedBy, HOSTNAME, hasAllTopologyKeys, isNodeIncluded, parseConstraints, ZONE } from './constraints.ts'
import { checkSpreadArgs } from './args.ts'
import { DefaultSelectors } from './default-selector.ts'
import { nodeChangeMayHelp, podChangeMayHelp } from './hints.ts'
import type { SpreadScores } from './scoring.ts'
import { countForScores, normalizeSpread, spreadScore } from './scoring.ts'
import { SpreadState } from './spread-state.ts'

export interface PodTopologySpreadArgs {
  readonly defaultConstraints?: readonly FrozenConstraint[]
  /** Default: `List` when constraints are given, `System` otherwise. */
  readonly defaultingType?: 'System' | 'List'
}

const MISMATCH = "node(s) didn't match pod topology spread constraints"
const MISSING_LABEL = `${MISMATCH} (missing required label)`

const SYSTEM_DEFAULTS: readonly FrozenConstraint[] = [
  { topologyKey: HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: ZONE, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
]

export const podTopologySpread: PluginDefinition = {
  name: 'PodTopologySpread',
  checkArgs: checkSpreadArgs,
  create: (args, handle) => new PodTopologySpread(args, handle),
}

interface FilterState {
  readonly spread: SpreadState
  readonly required: NodeMatcher
  /** Per constraint: would the Pod itself be counted? */
  readonly selfMatches: readonly boolean[]
}

export class PodTopologySpread implements FilterPlugin<FilterState>, ScorePlugin<SpreadScores> {
  readonly name = 'PodTopologySpread'
  readonly events: readonly EventHint[]
  readonly #counter = new PodCounter()
  /** Hints ask for them at each event; a state of a Pod never changes. */
  readonly #own = new WeakMap<FrozenPod, OwnConstraints>()
  readonly #defaults: readonly FrozenConstraint[]
  readonly #isSystemDefaulted: boolean
  readonly #selectors: DefaultSelectors | undefined
  readonly #comparesNumbers: boolean

  constructor(args: PodTopologySpreadArgs, tools: Pick<PluginHandle, 'informer' | 'lister' | 'isGateEnabled'>) {
    const { defaultConstraints = [], defaultingType = 'System' } = args
    this.#comparesNumbers = tools.isGateEnabled(COMPARISON_GATE)
    this.#isSystemDefaulted = defaultingType !== 'List'
    this.#defaults = this.#isSystemDefaulted ? SYSTEM_DEFAULTS : defaultConstraints
    this.#selectors = this.#defaults.length > 0 ? new DefaultSelectors(tools) : undefined
    const hard = (pod: FrozenPod): readonly SpreadConstraint[] => this.#constraints(pod, 'DoNotSchedule')
    this.events = [
      {
        resource: 'pods',
        actions: ['add', 'update', 'delete'],
        kinds: ['UpdatePodLabel', 'UpdatePodToleration'],
        mayHelp: (pod, event) => podChangeMayHelp(pod, hard(pod), changeOf<Pod>(event)),
      },
      {
        resource: 'nodes',
        actions: ['add', 'update', 'delete'],
        kinds: ['UpdateNodeLabel', 'UpdateNodeTaint'],
        mayHelp: (pod, event) => nodeChangeMayHelp(hard(pod), changeOf<Node>(event)),
      },
    ]
  }

  preFilter({ pod }: PodInfo, snapshot: Snapshot): Verdict | { readonly state: FilterState } {
    const constraints = this.#constraints(pod, 'DoNotSchedule')
    if (constraints.length === 0) return SKIP
    const spread = new SpreadState(constraints)
    const required = requiredNodeMatcher(pod)
    for (const node of snapshot.nodes) {
      this.#eachDomain(constraints, pod, node, required, (constraint, index, domain) =>
        spread.add(index, domain, this.#counter.count(node, constraint.question, constraint.isCounted)),
      )
    }
    const selfMatches = constraints.map(({ selector }) => selector.matches(pod.metadata.labels))
    return { state: { spread, required, selfMatches } }
  }

  filter({ spread, selfMatches }: FilterState, _pod: PodInfo, { node }: NodeInfo): Verdict | undefined {
    for (const [index, { topologyKey, maxSkew }] of spread.constraints.entries()) {
      const domain = node.metadata.labels?.[topologyKey]
      if (domain === undefined) return unresolvable(MISSING_LABEL)
      const own = selfMatches[index] === true ? 1 : 0
      if (spread.count(index, domain) + own - spread.minimum(index) > maxSkew) return unschedulable(MISMATCH)
    }
    return undefined
  }

  cloneState(state: FilterState): FilterState {
    return { ...state, spread: state.spread.clone() }
  }

  addPod(state: FilterState, pod: PodInfo, other: PodInfo, node: NodeInfo): void {
    this.#change(state, pod, other, node, 1)
  }

  removePod(state: FilterState, pod: PodInfo, other: PodInfo, node: NodeInfo): void {
    this.#change(state, pod, other, node, -1)
  }

  preScore(
    { pod }: PodInfo,
    nodes: readonly NodeInfo[],
    snapshot: Snapshot,
  ): Verdict | { readonly state: SpreadScores } {
    const constraints = this.#constraints(pod, 'ScheduleAnyway')
    if (constraints.length === 0) return SKIP
    // The system's own defaults also spread over hosts where nodes have no zone.
    const needsAllKeys = (pod.spec.topologySpreadConstraints ?? []).length > 0 || !this.#isSystemDefaulted
    return { state: countForScores({ pod, constraints, nodes, snapshot, needsAllKeys, counter: this.#counter }) }
  }

  score(state: SpreadScores, _pod: PodInfo, node: NodeInfo): number {
    return spreadScore(state, node, this.#counter)
  }

  normalize(state: SpreadScores, _pod: PodInfo, scores: Float64Array, nodes: readonly NodeInfo[]): void {
    normalizeSpread(state, scores, nodes)
  }

  #change({ spread, required }: FilterState, { pod }: PodInfo, other: PodInfo, node: NodeInfo, delta: number): void {
    this.#eachDomain(spread.constraints, pod, node, required, ({ isCounted }, index, domain) => {
      if (isCounted(other.pod)) spread.change(index, domain, delta)
    })
  }

  /** The domains the node belongs to; none when it lacks any of the keys. */
  #eachDomain(
    constraints: readonly SpreadConstraint[],
    pod: FrozenPod,
    { node }: NodeInfo,
    required: NodeMatcher,
    visit: (constraint: SpreadConstraint, index: number, domain: string) => void,
  ): void {
    if (!hasAllTopologyKeys(node, constraints)) return
    constraints.forEach((constraint, index) => {
      if (isNodeIncluded(constraint, pod, node, required))
        visit(constraint, index, node.metadata.labels?.[constraint.topologyKey] ?? '')
    })
  }

  /** The Pod's own, or the defaults with a selector made for it. */
  #constraints(pod: FrozenPod, action: SpreadAction): readonly SpreadConstraint[] {
    if ((pod.spec.topologySpreadConstraints ?? []).length > 0) return this.#ownConstraints(pod)[action]
    const defaults = parseConstraints(this.#defaults, pod, action, this.#comparesNumbers)
    const selector = defaults.length === 0 ? undefined : this.#selectors?.selectorFor(pod)
    if (selector === undefined || selector.isEmpty) return []
    const counted = countedBy(selector, pod.metadata.namespace ?? '')
    return defaults.map((constraint) => ({ ...constraint, ...counted }))
  }

  #ownConstraints(pod: FrozenPod): OwnConstraints {
    let parsed = this.#own.get(pod)
    if (parsed === undefined) {
      const own = pod.spec.topologySpreadConstraints ?? []
      parsed = {
        DoNotSchedule: parseConstraints(own, pod, 'DoNotSchedule', this.#comparesNumbers),
        ScheduleAnyway: parseConstraints(own, pod, 'ScheduleAnyway', this.#comparesNumbers),
      }
      this.#own.set(pod, parsed)
    }
    return parsed
  }
}

type SpreadAction = 'DoNotSchedule' | 'ScheduleAnyway'
type OwnConstraints = Readonly<Record<SpreadAction, readonly SpreadConstraint[]>>
