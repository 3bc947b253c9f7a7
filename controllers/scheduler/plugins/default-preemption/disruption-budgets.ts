/**
 * Which victims a PodDisruptionBudget still lets go, in the order they are asked about.
 * Upstream: plugins/defaultpreemption filterPodsWithPDBViolation.
 */
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenPod, PodInfo } from '../../framework/interfaces.ts'

interface Budget {
  readonly selector: LabelSelectorMatcher
  readonly allowed: number
  /** Names of Pods whose eviction the API server has already counted. */
  readonly disrupted: Readonly<Record<string, string>>
}

/** The budgets as they are at one moment: made anew for each preemption, parsed once in it. */
export class DisruptionBudgets {
  readonly #lister: Lister<PodDisruptionBudget>
  readonly #byNamespace = new Map<string, readonly Budget[]>()

  constructor(lister: Lister<PodDisruptionBudget>) {
    this.#lister = lister
  }

  /** Keeps the order. `violating`: going would exceed a budget, counting those before it. */
  divide(victims: readonly PodInfo[]): { readonly violating: PodInfo[]; readonly others: PodInfo[] } {
    const left = new Map<Budget, number>()
    const violating: PodInfo[] = []
    const others: PodInfo[] = []
    for (const victim of victims) {
      let isViolated = false
      for (const budget of this.#budgetsOf(victim.pod)) {
        const rest = (left.get(budget) ?? budget.allowed) - 1
        left.set(budget, rest)
        if (rest < 0) isViolated = true
      }
      if (isViolated) violating.push(victim)
      else others.push(victim)
    }
    return { violating, others }
  }

  /** An empty selector matches nothing here. */
  #budgetsOf({ metadata }: FrozenPod): Budget[] {
    const { namespace = '', name = '', labels = {} } = metadata
    if (Object.keys(labels).length === 0) return []
    let budgets = this.#byNamespace.get(namespace)
    if (budgets === undefined) {
      budgets = this.#lister.byIndex('namespace', namespace).flatMap(parseBudget)
      this.#byNamespace.set(namespace, budgets)
    }
    return budgets.filter(({ selector, disrupted }) => selector.matches(labels) && disrupted[name] === undefined)
  }
}

function parseBudget({ spec, status }: DeepReadonly<PodDisruptionBudget>): Budget[] {
  try {
    const selector = labelSelectorAsMatcher(spec.selector)
    if (selector.isEmpty) return []
    return [{ selector, allowed: status?.disruptionsAllowed ?? 0, disrupted: status?.disruptedPods ?? {} }]
  } catch {
    return []
  }
}
