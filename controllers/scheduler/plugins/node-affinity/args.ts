/**
 * NodeAffinityArgs. Upstream: scheduler apis/config/validation/validation_pluginargs.go, component-helpers
 * scheduling/corev1/nodeaffinity/nodeaffinity.go, apimachinery labels.NewRequirement.
 */
import { isLabelValue, isQualifiedName } from '#machinery/meta/validation.ts'
import { checkList, checkObject, invalid, notSupported, unknownFields } from '../../framework/args.ts'
import type { PluginArgs } from '../../framework/interfaces.ts'

const OPERATORS = ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn']
const FIELD_OPERATORS = ['In', 'NotIn']
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'

export function checkNodeAffinityArgs(args: PluginArgs, path: string): string[] {
  const errors = unknownFields(args, path, ['addedAffinity'])
  const { addedAffinity } = args
  if (addedAffinity === undefined || addedAffinity === null) return errors
  const at = `${path}.addedAffinity`
  return [
    ...errors,
    ...checkObject(addedAffinity, at, (affinity) => {
      const required = affinity[REQUIRED]
      const found = unknownFields(affinity, at, [REQUIRED, PREFERRED])
      if (required !== undefined) found.push(...checkRequired(required, `${at}.${REQUIRED}`))
      found.push(...checkList(affinity[PREFERRED], `${at}.${PREFERRED}`, checkPreferred))
      return found
    }),
  ]
}

function checkRequired(value: unknown, path: string): string[] {
  return checkObject(value, path, (selector) => [
    ...unknownFields(selector, path, ['nodeSelectorTerms']),
    ...checkList(selector['nodeSelectorTerms'], `${path}.nodeSelectorTerms`, checkTerm),
  ])
}

/** One without weight says nothing, whatever it names. */
function checkPreferred(value: unknown, path: string): string[] {
  return checkObject(value, path, (term) => [
    ...unknownFields(term, path, ['weight', 'preference']),
    ...((term['weight'] ?? 0) === 0 ? [] : checkTerm(term['preference'] ?? {}, path)),
  ])
}

function checkTerm(value: unknown, path: string): string[] {
  return checkObject(value, path, (term) => [
    ...unknownFields(term, path, ['matchExpressions', 'matchFields']),
    ...checkList(term['matchExpressions'], `${path}.matchExpressions`, checkExpression),
    ...checkList(term['matchFields'], `${path}.matchFields`, checkField),
  ])
}

function checkExpression(value: unknown, path: string): string[] {
  return checkObject(value, path, ({ key, operator, values = [] }) => {
    if (!OPERATORS.includes(String(operator))) return [notSupported(`${path}.operator`, operator ?? '', OPERATORS)]
    const list = Array.isArray(values) ? values.map(String) : []
    const keyProblems = isQualifiedName(String(key ?? ''))
    return [
      ...(keyProblems.length === 0 ? [] : [invalid(`${path}.key`, key ?? '', keyProblems.join('; '))]),
      ...checkCount(String(operator), list, `${path}.values`),
      ...list.flatMap((text, i) => checkValue(String(operator), text, `${path}.values[${i}]`)),
    ]
  })
}

function checkCount(operator: string, values: readonly string[], path: string): string[] {
  const problem = (isWrong: boolean, detail: string): string[] => (isWrong ? [invalid(path, values, detail)] : [])
  switch (operator) {
    case 'In':
    case 'NotIn':
      return problem(values.length === 0, "for 'in', 'notin' operators, values set can't be empty")
    case 'Gt':
    case 'Lt':
      return problem(values.length !== 1, "for 'Gt', 'Lt' operators, exactly one value is required")
    default:
      return problem(values.length > 0, 'values set must be empty for exists and does not exist')
  }
}

function checkValue(operator: string, text: string, path: string): string[] {
  const isComparison = operator === 'Gt' || operator === 'Lt'
  const isNumber = /^[+-]?\d+$/.test(text)
  const labelProblems = isLabelValue(text)
  return [
    ...(isComparison && !isNumber
      ? [invalid(path, text, "for 'Gt', 'Lt' operators, the value must be an integer")]
      : []),
    ...(labelProblems.length === 0 ? [] : [invalid(path, text, labelProblems.join('; '))]),
  ]
}

function checkField(value: unknown, path: string): string[] {
  return checkObject(value, path, ({ operator, values }) => {
    if (!FIELD_OPERATORS.includes(String(operator)))
      return [notSupported(`${path}.operator`, operator ?? '', FIELD_OPERATORS)]
    const hasOne = Array.isArray(values) && values.length === 1
    return hasOne ? [] : [invalid(`${path}.values`, values ?? [], 'must have one element')]
  })
}
