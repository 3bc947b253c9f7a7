/**
 * What may make a Pod schedulable that required (anti-)affinity kept out.
 * Upstream: plugins/interpodaffinity/plugin.go (v1.36).
 */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { affinityTermsOf } from '../../framework/affinity-terms.ts'
import type { Change } from '../../framework/change.ts'
import type { FrozenPod } from '../../framework/interfaces.ts'
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
    if (object !== undefined && object.metadata.uid === pod.metadata.uid) return true
    const becameWanted = this.#isWanted(pod, object) && !this.#isWanted(pod, old)
    return becameWanted || (this.#isInTheWay(pod, old) && !this.#isInTheWay(pod, object))
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

/** A node came, or its labels changed: it may be in a domain with the right neighbours, or without the wrong ones. */
export function nodeChangeMayHelp({ old, object }: Change<Node>): boolean {
  if (object === undefined) return false
  if (old === undefined) return true
  const before = old.metadata.labels ?? {}
  const after = object.metadata.labels ?? {}
  return [...Object.keys(before), ...Object.keys(after)].some((key) => before[key] !== after[key])
}
