/**
 * Which nodes a NodeSelector, and a Pod's nodeSelector with its required node affinity, let in. Parsed once, matched many
 * times. Upstream: component-helpers scheduling/corev1/nodeaffinity/nodeaffinity.go.
 */
import type {
  Node,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
} from '#machinery/api/core/v1/types.gen.ts'
import type { LabelOperator, LabelRequirement } from '#machinery/selectors/label-requirement.ts'
import { newLabelRequirement, requirementMatches } from '#machinery/selectors/label-requirement.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenNode = DeepReadonly<Node>

export interface NodeMatcher {
  matches(node: FrozenNode): boolean
}

export interface WeightedNodeMatcher extends NodeMatcher {
  readonly weight: number
}

const OPERATORS = new Map<string, LabelOperator>([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
  ['Gt', 'gt'],
  ['Lt', 'lt'],
])

const EVERY_NODE: NodeMatcher = { matches: () => true }

/** Terms are alternatives; an empty term and a term that cannot be parsed match nothing. */
export function nodeSelectorMatcher(selector: DeepReadonly<NodeSelector>): NodeMatcher {
  const terms = selector.nodeSelectorTerms.map(nodeSelectorTermMatcher)
  return { matches: (node) => terms.some((term) => term.matches(node)) }
}

export function nodeSelectorTermMatcher(term: DeepReadonly<NodeSelectorTerm>): NodeMatcher {
  const { matchExpressions = [], matchFields = [] } = term
  if (matchExpressions.length + matchFields.length === 0) return { matches: () => false }
  try {
    const labels = matchExpressions.map(parseRequirement)
    const fields = matchFields.map(parseRequirement)
    return {
      matches: ({ metadata }) =>
        labels.every((requirement) => requirementMatches(requirement, metadata.labels)) &&
        fields.every((requirement) => requirementMatches(requirement, { [NAME_FIELD]: metadata.name ?? '' })),
    }
  } catch {
    return { matches: () => false }
  }
}

const NAME_FIELD = 'metadata.name'

function parseRequirement({ key, operator, values = [] }: DeepReadonly<NodeSelectorRequirement>): LabelRequirement {
  const known = OPERATORS.get(operator)
  if (known === undefined) throw new Error(`"${operator}" is not a valid label selector operator`)
  return newLabelRequirement(key, known, values)
}

/** `spec.nodeSelector` and `spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`. */
export function requiredNodeMatcher({ spec }: DeepReadonly<Pod>): NodeMatcher {
  const labels = Object.entries(spec.nodeSelector ?? {})
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (labels.length === 0 && required === undefined) return EVERY_NODE
  const selector = required === undefined ? EVERY_NODE : nodeSelectorMatcher(required)
  return {
    matches: (node) => labels.every(([key, value]) => node.metadata.labels?.[key] === value) && selector.matches(node),
  }
}

/** The preferred terms; those that are empty match nothing. */
export function preferredNodeMatchers({ spec }: DeepReadonly<Pod>): WeightedNodeMatcher[] {
  const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return preferred.map(({ weight, preference }) => ({ weight, ...nodeSelectorTermMatcher(preference) }))
}
