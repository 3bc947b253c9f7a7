/** Which autoscalers select the same Pods: two that do would work against each other. Upstream: pkg/controller/util/selectors. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export class TargetSelectors {
  readonly #byNamespace = new Map<string, Map<string, LabelSelectorMatcher>>()

  set({ namespace = '', name }: ObjectKey, selector: LabelSelectorMatcher): void {
    const selectors = this.#byNamespace.get(namespace) ?? new Map<string, LabelSelectorMatcher>()
    this.#byNamespace.set(namespace, selectors.set(name, selector))
  }

  delete({ namespace = '', name }: ObjectKey): void {
    const selectors = this.#byNamespace.get(namespace)
    selectors?.delete(name)
    if (selectors?.size === 0) this.#byNamespace.delete(namespace)
  }

  /** Names of the autoscalers of the namespace that select any of these Pods. */
  selecting(namespace: string, pods: readonly DeepReadonly<Pod>[]): readonly string[] {
    const selectors = [...(this.#byNamespace.get(namespace) ?? [])]
    const selectsOne = (selector: LabelSelectorMatcher): boolean =>
      pods.some(({ metadata }) => selector.matches(metadata.labels))
    return selectors.filter(([, selector]) => selectsOne(selector)).map(([name]) => name)
  }
}
