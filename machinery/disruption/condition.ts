/** The DisruptionAllowed condition of a PodDisruptionBudget, which controller and eviction keep. Pure. Upstream: component-helpers apps/poddisruptionbudget. */
import type { Condition } from '#machinery/api/meta/v1.ts'
import type { PodDisruptionBudgetStatus } from '#machinery/api/policy/v1/types.gen.ts'
import type { DeepReadonly } from '../util/types.ts'
import { formatTime } from '../util/clock.ts'

const TYPE = 'DisruptionAllowed'

export interface DisruptionVerdict {
  readonly status: 'True' | 'False'
  readonly reason: 'SufficientPods' | 'InsufficientPods' | 'SyncFailed'
  readonly message: string
}

/** What status.disruptionsAllowed says. */
export function disruptionVerdict({
  disruptionsAllowed = 0,
}: DeepReadonly<PodDisruptionBudgetStatus>): DisruptionVerdict {
  return disruptionsAllowed > 0
    ? { status: 'True', reason: 'SufficientPods', message: '' }
    : { status: 'False', reason: 'InsufficientPods', message: '' }
}

/** The conditions with this one in it; its transition time changes with its status only. */
export function withDisruptionAllowed(
  status: DeepReadonly<PodDisruptionBudgetStatus>,
  verdict: DisruptionVerdict,
  now: Date,
): Condition[] {
  const { conditions = [], observedGeneration } = status
  const before = conditions.find(({ type }) => type === TYPE)
  const condition: Condition = {
    type: TYPE,
    ...verdict,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    lastTransitionTime: before?.status === verdict.status ? before.lastTransitionTime : formatTime(now),
  }
  if (before === undefined) return [...conditions, condition]
  return conditions.map((other) => (other === before ? condition : { ...other }))
}
