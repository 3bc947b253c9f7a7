/** Upstream: pkg/apis/scheduling/validation/validation.go. */
import type { PriorityClass } from '#machinery/api/scheduling/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkImmutable, checkOneOf } from '../validation.ts'

/** The two classes that may lie above what users may ask for. */
const SYSTEM_PRIORITIES: ReadonlyMap<string, number> = new Map([
  ['system-node-critical', 2_000_001_000],
  ['system-cluster-critical', 2_000_000_000],
])
const HIGHEST_USER_PRIORITY = 1_000_000_000

export function validatePriorityClass(priorityClass: DeepReadonly<PriorityClass>): FieldError[] {
  const errors: FieldError[] = []
  const name = priorityClass.metadata.name ?? ''
  const value = priorityClass.value ?? 0
  if (name.startsWith('system-')) {
    const problem = systemClassProblem(name, value, priorityClass.globalDefault ?? false)
    if (problem !== undefined) {
      const detail = `priority class names with 'system-' prefix are reserved for system use only. error: ${problem}`
      errors.push(fieldForbidden('metadata.name', detail))
    }
  } else if (value > HIGHEST_USER_PRIORITY) {
    const detail = `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`
    errors.push(fieldForbidden('value', detail))
  }
  const policies = ['PreemptLowerPriority', 'Never']
  if (priorityClass.preemptionPolicy !== undefined) {
    checkOneOf(errors, 'preemptionPolicy', priorityClass.preemptionPolicy, policies)
  }
  return errors
}

function systemClassProblem(name: string, value: number, isGlobalDefault: boolean): string | undefined {
  const fixed = SYSTEM_PRIORITIES.get(name)
  if (fixed === undefined) return `${name} is not a known system priority class`
  if (fixed !== value) return `value of ${name} PriorityClass must be ${fixed}`
  return isGlobalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

export function validatePriorityClassUpdate(
  next: DeepReadonly<PriorityClass>,
  old: DeepReadonly<PriorityClass>,
): FieldError[] {
  const errors: FieldError[] = []
  if ((next.value ?? 0) !== (old.value ?? 0)) errors.push(fieldForbidden('value', 'may not be changed in an update.'))
  checkImmutable(errors, 'preemptionPolicy', next.preemptionPolicy, old.preemptionPolicy)
  return errors
}
