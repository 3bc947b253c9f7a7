/** Upstream: pkg/api/job/warnings.go. */
import type { JobSpec } from '#machinery/api/batch/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { podTemplateWarnings } from '../core/pod/warnings.ts'

const COMPLETIONS_MAX = 100_000
const PARALLELISM_MAX = 10_000
const TOO_MANY_INDEXES =
  'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail'

export function jobSpecWarnings(field: string, spec: DeepReadonly<JobSpec> | undefined): string[] {
  const { completionMode, completions = 0, parallelism = 0, template } = spec ?? {}
  const isHuge = completionMode === 'Indexed' && completions > COMPLETIONS_MAX && parallelism > PARALLELISM_MAX
  return [...(isHuge ? [`${field}: ${TOO_MANY_INDEXES}`] : []), ...podTemplateWarnings(`${field}.template`, template)]
}
