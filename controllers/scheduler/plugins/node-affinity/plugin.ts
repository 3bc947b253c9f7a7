/** nodeSelector and node affinity, and what the configuration adds to them. Upstream: scheduler plugins/nodeaffinity. */
import type { Node, NodeAffinity } from '#machinery/api/core/v1/types.gen.ts'
import type { NodeMatcher, WeightedNodeMatcher } from '#machinery/scheduling/node-affinity.ts'
import {
  nodeSelectorMatcher,
  nodeSelectorTermMatcher,
  preferredNodeMatchers,
  requiredNodeMatcher,
} from '#machinery/scheduling/node-affinity.ts'
import { type Change, changeOf } from '../../framework/change.ts'
import type { FilterPlugin, FrozenPod, PluginDefinition, ScorePlugin } from '../../framework/interfaces.ts'
import { normalizeByHighest } from '../../framework/normalize.ts'
import { SKIP, unresolvable } from '../../framework/verdicts.ts'
import { checkNodeAffinityArgs } from './args.ts'

const NAME = 'NodeAffinity'
const POD_MISMATCH = unresolvable("node(s) didn't match Pod's node affinity/selector")
const ENFORCED_MISMATCH = unresolvable("node(s) didn't match scheduler-enforced node affinity")
const CONFLICT = unresolvable('pod affinity terms conflict')

interface AddedAffinity {
  readonly required: NodeMatcher | undefined
  readonly preferred: readonly WeightedNodeMatcher[]
}

export const nodeAffinityPlugin: PluginDefinition = {
  name: NAME,
  checkArgs: checkNodeAffinityArgs,
  create: ({ addedAffinity }) => createNodeAffinity(addedAffinityOf(addedAffinity as NodeAffinity | undefined)),
}

function createNodeAffinity(
  added: AddedAffinity,
): FilterPlugin<NodeMatcher> & ScorePlugin<readonly WeightedNodeMatcher[]> {
  return {
    name: NAME,
    events: [
      {
        resource: 'nodes',
        actions: ['add', 'update'],
        kinds: ['UpdateNodeLabel'],
        mayHelp: (pod, event) => matchesNow(pod, changeOf<Node>(event), added.required),
      },
    ],

    preFilter({ pod }) {
      const { nodeSelector, affinity } = pod.spec
      const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      if (nodeSelector === undefined && required === undefined && added.required === undefined) return SKIP
      const nodes = namedNodes(pod)
      if (nodes?.size === 0) return CONFLICT
      const state = requiredNodeMatcher(pod)
      return nodes === undefined ? { state } : { state, nodes }
    },

    filter(matcher, _pod, { node }) {
      if (added.required !== undefined && !added.required.matches(node)) return ENFORCED_MISMATCH
      return matcher.matches(node) ? undefined : POD_MISMATCH
    },

    preScore({ pod }) {
      const preferred = [...preferredNodeMatchers(pod), ...added.preferred]
      return preferred.length === 0 ? SKIP : { state: preferred }
    },

    score(preferred, _pod, { node }) {
      let sum = 0
      for (const term of preferred) if (term.matches(node)) sum += term.weight
      return sum
    },

    normalize: (_state, _pod, scores) => normalizeByHighest(scores),
  }
}

/** A node that came matches, or one that did not match does now. */
function matchesNow(pod: FrozenPod, { old, object }: Change<Node>, added: NodeMatcher | undefined): boolean {
  if (object === undefined || added?.matches(object) === false) return false
  const own = requiredNodeMatcher(pod)
  return own.matches(object) && (old === undefined || !own.matches(old))
}

/** When every term names nodes (as DaemonSets do), only those need a look. */
function namedNodes({ spec }: FrozenPod): ReadonlySet<string> | undefined {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (terms === undefined || terms.length === 0) return undefined
  const nodes = new Set<string>()
  for (const { matchFields = [] } of terms) {
    const lists = matchFields
      .filter(({ key, operator }) => key === 'metadata.name' && operator === 'In')
      .map(({ values = [] }) => values)
    const [first, ...others] = lists
    if (first === undefined) return undefined
    for (const name of first) if (others.every((values) => values.includes(name))) nodes.add(name)
  }
  return nodes
}

function addedAffinityOf(affinity: NodeAffinity | undefined): AddedAffinity {
  const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution
  const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return {
    required: required === undefined ? undefined : nodeSelectorMatcher(required),
    preferred: preferred.map(({ weight, preference }) => ({ weight, ...nodeSelectorTermMatcher(preference) })),
  }
}
