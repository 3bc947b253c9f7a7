/** NodeAffinityArgs. Upstream: scheduler apis/config/validation/validation_pluginargs.go. */

import { checkList, checkObject, unknownFields } from '../../framework/args.ts'
import type { PluginArgs } from '../../framework/interfaces.ts'

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']

export function checkNodeAffinityArgs(args: PluginArgs, path: string): string[] {
  const errors = unknownFields(args, path, ['addedAffinity'])
  const { addedAffinity } = args
  if (addedAffinity === undefined || addedAffinity === null) return errors
  const at = `${path}.addedAffinity`
  return [
    ...errors,
    ...checkObject(addedAffinity, at, (affinity) => {
      const requiredName = 'requiredDuringSchedulingIgnoredDuringExecution'
      const preferredName = 'preferredDuringSchedulingIgnoredDuringExecution'
      const required = affinity[requiredName]
      const found = unknownFields(affinity, at, [requiredName, preferredName])
      if (required !== undefined) found.push(...checkRequired(required, `${at}.${requiredName}`))
      found.push(...checkList(affinity[preferredName], `${at}.${preferredName}`, checkPreferred))
      return found
    }),
  ]
}

function checkRequired(value: unknown, path: string): string[] {
  return checkObject(value, path, ({ nodeSelectorTerms }) => {
    const at = `${path}.nodeSelectorTerms`
    if (!Array.isArray(nodeSelectorTerms) || nodeSelectorTerms.length === 0)
      return [`${at}: Required value: must have at least one node selector term`]
    return checkList(nodeSelectorTerms, at, checkTerm)
  })
}

function checkPreferred(value: unknown, path: string): string[] {
  return checkObject(value, path, ({ weight, preference }) => {
    const isWeight = typeof weight === 'number' && weight >= 1 && weight <= 100
    const errors = isWeight
      ? []
      : [`${path}.weight: Invalid value: ${JSON.stringify(weight)}: must be in the range 1-100`]
    return [...errors, ...checkTerm(preference, `${path}.preference`)]
  })
}

function checkTerm(value: unknown, path: string): string[] {
  return checkObject(value, path, (term) => [
    ...unknownFields(term, path, ['matchExpressions', 'matchFields']),
    ...checkList(term['matchExpressions'], `${path}.matchExpressions`, checkRequirement),
    ...checkList(term['matchFields'], `${path}.matchFields`, checkRequirement),
  ])
}

function checkRequirement(value: unknown, path: string): string[] {
  return checkObject(value, path, ({ key, operator }) => {
    const errors: string[] = []
    if (typeof key !== 'string' || key === '') errors.push(`${path}.key: Required value`)
    if (!OPERATORS.includes(String(operator)))
      errors.push(`${path}.operator: Invalid value: ${JSON.stringify(operator)}: not a valid selector operator`)
    return errors
  })
}
