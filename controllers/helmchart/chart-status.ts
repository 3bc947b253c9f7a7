/** What a HelmChart says about its release: Ready and Failed with the true reason, revision and versions. */
import type { HelmChart, HelmChartCondition, HelmChartStatus } from '#machinery/api/helm/v1/types.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type ChartOutcome =
  | {
      readonly ok: true
      readonly message: string
      readonly revision: number
      readonly chartVersion: string
      readonly appVersion: string
      readonly configHash: string
    }
  | { readonly ok: false; readonly reason: string; readonly message: string }

export function nextChartStatus(chart: DeepReadonly<HelmChart>, outcome: ChartOutcome, now: Date): HelmChartStatus {
  const status = deepCopy<HelmChartStatus>(chart.status ?? {})
  const reason = outcome.ok ? 'Deployed' : outcome.reason
  const generation = chart.metadata.generation ?? 0
  const next = (type: string, isTrue: boolean): HelmChartCondition => {
    const value = isTrue ? 'True' : 'False'
    const previous = status.conditions?.find((condition) => condition.type === type)
    const lastTransitionTime =
      previous?.status === value && previous.lastTransitionTime !== undefined
        ? previous.lastTransitionTime
        : formatTime(now)
    return { type, status: value, reason, message: outcome.message, lastTransitionTime, observedGeneration: generation }
  }
  const conditions = [next('Ready', outcome.ok), next('Failed', !outcome.ok)]
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'Ready' && type !== 'Failed')
  const common = { ...status, conditions: [...others, ...conditions], observedGeneration: generation }
  if (!outcome.ok) return common
  const { revision, chartVersion, appVersion, configHash } = outcome
  return { ...common, revision, chartVersion, appVersion, configHash }
}
