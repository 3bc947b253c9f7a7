/** Upstream: pkg/apis/scheduling/v1/defaults.go. */
import type { PriorityClass } from '#machinery/api/scheduling/v1/types.gen.ts'

export function setPriorityClassDefaults(priorityClass: PriorityClass): void {
  // No omitempty in Go: zero is printed.
  priorityClass.value ??= 0
  priorityClass.preemptionPolicy ??= 'PreemptLowerPriority'
}
