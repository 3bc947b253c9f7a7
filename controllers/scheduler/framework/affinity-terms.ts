/** (Anti-)affinity terms of a Pod, parsed once. Upstream: kube-scheduler framework/types.go AffinityTerm. */
import type { PodAffinityTerm } from '#machinery/api/core/v1/types.gen.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AffinityTerm, FrozenPod, PodInfo, WeightedAffinityTerm } from './interfaces.ts'

type FrozenTerm = DeepReadonly<PodAffinityTerm>
type Terms = Pick<PodInfo, 'requiredAffinity' | 'requiredAntiAffinity' | 'preferredAffinity' | 'preferredAntiAffinity'>

const NO_TERMS: Terms = {
  requiredAffinity: [],
  requiredAntiAffinity: [],
  preferredAffinity: [],
  preferredAntiAffinity: [],
}

export function affinityTermsOf(pod: FrozenPod): Terms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  if (podAffinity === undefined && podAntiAffinity === undefined) return NO_TERMS
  const required = (terms: readonly FrozenTerm[] = []): AffinityTerm[] =>
    terms.map((term) => new ParsedAffinityTerm(term, pod))
  const preferred = (
    terms: readonly { readonly weight: number; readonly podAffinityTerm: FrozenTerm }[] = [],
  ): WeightedAffinityTerm[] =>
    terms.map(({ weight, podAffinityTerm }) => ({ weight, term: new ParsedAffinityTerm(podAffinityTerm, pod) }))
  return {
    requiredAffinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  }
}

class ParsedAffinityTerm implements AffinityTerm {
  readonly topologyKey: string
  readonly question: string | undefined
  readonly #namespaces: ReadonlySet<string>
  readonly #namespaceSelector: LabelSelectorMatcher | undefined
  readonly #selector: LabelSelectorMatcher | undefined

  constructor(term: FrozenTerm, owner: FrozenPod) {
    const { namespaces = [], namespaceSelector, labelSelector, topologyKey } = term
    this.topologyKey = topologyKey
    // Neither names nor a selector: the Pod's own namespace.
    const isOwnOnly = namespaces.length === 0 && namespaceSelector === undefined
    this.#namespaces = new Set(isOwnOnly ? [owner.metadata.namespace ?? ''] : namespaces)
    this.#namespaceSelector = tryParse(namespaceSelector)
    this.#selector = tryParse(labelSelector)
    const isByName = this.#namespaceSelector === undefined || this.#namespaceSelector.isEmpty
    const scope = this.#namespaceSelector === undefined ? [...this.#namespaces].sort().join() : '*'
    this.question = isByName ? `${scope} ${this.#selector}` : undefined
  }

  matches(pod: FrozenPod, namespaceLabels: Parameters<AffinityTerm['matches']>[1]): boolean {
    const { namespace = '', labels } = pod.metadata
    if (this.#selector === undefined || !this.#selector.matches(labels)) return false
    if (this.#namespaces.has(namespace)) return true
    if (this.#namespaceSelector === undefined) return false
    return this.#namespaceSelector.isEmpty || this.#namespaceSelector.matches(namespaceLabels(namespace) ?? {})
  }
}

/** The API lets no broken selector in; one that came past it matches nothing, as an absent one. */
function tryParse(selector: FrozenTerm['labelSelector']): LabelSelectorMatcher | undefined {
  if (selector === undefined) return undefined
  try {
    return labelSelectorAsMatcher(selector)
  } catch {
    return undefined
  }
}
