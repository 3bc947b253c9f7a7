/** Upstream: pkg/apis/node/validation/validation.go. */
import type { RuntimeClass } from '#machinery/api/node/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate } from '#machinery/meta/field-error.ts'
import { isDns1123Label } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { deprecatedNodeLabel } from '../core/node-labels.ts'
import { validateResourceRequirements } from '../core/pod/resources-validation.ts'
import { DEFAULT_POD_RULES } from '../core/pod/rules.ts'
import { validateTolerations } from '../core/pod/scheduling-validation.ts'
import { checkImmutable, checkLabels, checkName } from '../validation.ts'

type FrozenClass = DeepReadonly<RuntimeClass>

export function validateRuntimeClass({ handler = '', overhead, scheduling }: FrozenClass): FieldError[] {
  const errors: FieldError[] = []
  checkName(errors, 'handler', handler, isDns1123Label)
  // Upstream asks the rules of containers, and shows their member.
  if (overhead !== undefined) validateResourceRequirements(errors, 'overhead', { limits: overhead.podFixed ?? {} })
  if (scheduling === undefined) return errors
  checkLabels(errors, 'scheduling.nodeSelector', scheduling.nodeSelector)
  const { tolerations = [] } = scheduling
  validateTolerations(errors, 'scheduling.tolerations', tolerations, DEFAULT_POD_RULES)
  const seen = new Set<string>()
  tolerations.forEach((toleration, i) => {
    const { key = '', operator = '', value = '', effect = '' } = toleration
    const listKey = JSON.stringify([key, operator, value, effect])
    if (seen.has(listKey)) errors.push(fieldDuplicate(`scheduling.tolerations[${i}]`, toleration))
    seen.add(listKey)
  })
  return errors
}

export function validateRuntimeClassUpdate(next: FrozenClass, old: FrozenClass): FieldError[] {
  const errors = validateRuntimeClass(next)
  checkImmutable(errors, 'handler', next.handler, old.handler)
  return errors
}

/** Upstream: pkg/api/node/util.go. */
export function runtimeClassWarnings({ scheduling }: DeepReadonly<RuntimeClass>): string[] {
  const details = Object.keys(scheduling?.nodeSelector ?? {}).map(deprecatedNodeLabel)
  return details.flatMap((detail) => (detail === undefined ? [] : [`scheduling.nodeSelector: ${detail}`]))
}
