/**
 * What may make a Pod schedulable that required (anti-)affinity kept out.
 * Upstream: plugins/interpodaffinity/plugin.go (v1.36).
 */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { affinityTermsOf } from '../../framework/affinity-terms.ts'
import { type Change, isSamePod } from '../../framework/change.ts'
import type { AffinityTerm, FrozenPod } from '../../framework/interfaces.ts'
import { matchesAllTerms, type NamespaceLabels } from './filtering.ts'

type Terms = ReturnType<typeof affinityTermsOf>

export class AffinityHints {
  readonly #labelsOf: NamespaceLabels
  /** Asked again at each event; a state of a Pod never changes. */
  readonly #terms = new WeakMap<FrozenPod, Terms>()

  constructor(labelsOf: NamespaceLabels) {
    this.#labelsOf = labelsOf
  }

  /** A Pod that is wanted near came, or one that is in the way went. */
  podChangeMayHelp(pod: FrozenPod, { old, object }: Change<Pod>): boolean {
    // Those that run may mind its labels no longer.
    if (isSamePod(pod, object)) return true
    const becameWanted = this.#isWanted(pod, object) && !this.#isWanted(pod, old)
    return becameWanted || (this.#isInTheWay(pod, old) && !this.#isInTheWay(pod, object))
  }

  /**
   * The node joined a domain where the right neighbours may be, or left one with the wrong ones. A Pod without terms was
   * kept out by those of others, of which any domain may be free now; upstream lets it wait.
   */
  nodeChangeMayHelp(pod: FrozenPod, { old, object }: Change<Node>): boolean {
    if (object === undefined) return false
    const { requiredAffinity, requiredAntiAffinity } = this.#termsOf(pod)
    if (requiredAffinity.length + requiredAntiAffinity.length === 0) return true
    const hasJoined = ({ topologyKey: key }: AffinityTerm): boolean => {
      const domain = object.metadata.labels?.[key]
      return domain !== undefined && domain !== old?.metadata.labels?.[key]
    }
    const hasLeft = ({ topologyKey: key }: AffinityTerm): boolean => {
      const domain = old?.metadata.labels?.[key]
      return old === undefined || (domain !== undefined && domain !== object.metadata.labels?.[key])
    }
    return requiredAffinity.some(hasJoined) || requiredAntiAffinity.some(hasLeft)
  }

  #isWanted(pod: FrozenPod, other: FrozenPod | undefined): boolean {
    return other !== undefined && matchesAllTerms(this.#termsOf(pod).requiredAffinity, other, this.#labelsOf)
  }

  /** One does not want the other. */
  #isInTheWay(pod: FrozenPod, other: FrozenPod | undefined): boolean {
    if (other === undefined) return false
    const refuses = (a: FrozenPod, b: FrozenPod): boolean =>
      this.#termsOf(a).requiredAntiAffinity.some((term) => term.matches(b, this.#labelsOf))
    return refuses(pod, other) || refuses(other, pod)
  }

  #termsOf(pod: FrozenPod): Terms {
    let terms = this.#terms.get(pod)
    if (terms === undefined) {
      terms = affinityTermsOf(pod)
      this.#terms.set(pod, terms)
    }
    return terms
  }
}
