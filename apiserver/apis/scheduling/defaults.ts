/** Upstream: pkg/apis/scheduling/v1/defaults.go. */
import type { PriorityClass } from '#machinery/api/scheduling/v1/types.gen.ts'

export function setPriorityClassDefaults(priorityClass: PriorityClass): void {
  priorityClass.preemptionPolicy ??= 'PreemptLowerPriority'
}
