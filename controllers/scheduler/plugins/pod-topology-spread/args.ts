/** Checks PodTopologySpreadArgs of a configuration file. Upstream: pkg/scheduler/apis/config/validation/validation_pluginargs.go. */
import { isObject } from '#machinery/util/json.ts'
import { unknownFields } from '../../framework/args.ts'
import type { PluginArgs } from '../../framework/interfaces.ts'

const ACTIONS = ['DoNotSchedule', 'ScheduleAnyway']

export function checkSpreadArgs(args: PluginArgs, path: string): string[] {
  const { defaultConstraints = [], defaultingType } = args
  const errors = unknownFields(args, path, ['defaultConstraints', 'defaultingType'])
  if (defaultingType !== undefined && defaultingType !== 'System' && defaultingType !== 'List')
    errors.push(
      `${path}.defaultingType: Unsupported value: ${JSON.stringify(defaultingType)}: supported values: "System", "List"`,
    )
  if (!Array.isArray(defaultConstraints))
    return [...errors, `${path}.defaultConstraints: Invalid value: must be a list`]
  if (defaultingType === 'System' && defaultConstraints.length > 0)
    errors.push(
      `${path}.defaultConstraints: Invalid value: when .defaultingType is System, .defaultConstraints must be empty`,
    )
  const seen = new Set<string>()
  defaultConstraints.forEach((constraint: unknown, i) => {
    errors.push(...checkConstraint(constraint, `${path}.defaultConstraints[${i}]`, seen))
  })
  return errors
}

function checkConstraint(constraint: unknown, path: string, seen: Set<string>): string[] {
  if (!isObject(constraint)) return [`${path}: Invalid value: must be an object`]
  const { maxSkew, topologyKey, whenUnsatisfiable, labelSelector } = constraint
  const errors: string[] = []
  if (typeof maxSkew !== 'number' || maxSkew <= 0)
    errors.push(`${path}.maxSkew: Invalid value: ${maxSkew}: not in valid range (0, inf)`)
  if (typeof topologyKey !== 'string' || topologyKey === '')
    errors.push(`${path}.topologyKey: Required value: can not be empty`)
  if (typeof whenUnsatisfiable !== 'string' || !ACTIONS.includes(whenUnsatisfiable))
    errors.push(`${path}.whenUnsatisfiable: Unsupported value: supported values: "DoNotSchedule", "ScheduleAnyway"`)
  if (labelSelector !== undefined)
    errors.push(`${path}.labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod`)
  const pair = `${topologyKey} ${whenUnsatisfiable}`
  if (seen.has(pair)) errors.push(`${path}: Duplicate value: {${topologyKey}, ${whenUnsatisfiable}}`)
  seen.add(pair)
  return errors
}
