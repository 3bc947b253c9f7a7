/** Checks PodTopologySpreadArgs of a configuration file. Upstream: pkg/scheduler/apis/config/validation/validation_pluginargs.go. */
import { isObject } from '#machinery/util/json.ts'
import {
  checkInteger,
  checkLabelName,
  checkList,
  checkObject,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  unknownFields,
} from '../../framework/args.ts'
import type { PluginArgs } from '../../framework/interfaces.ts'

const ACTIONS = ['DoNotSchedule', 'ScheduleAnyway']
const TYPES = ['System', 'List']
const FIELDS = [
  'maxSkew',
  'topologyKey',
  'whenUnsatisfiable',
  'labelSelector',
  'minDomains',
  'nodeAffinityPolicy',
  'nodeTaintsPolicy',
  'matchLabelKeys',
]

export function checkSpreadArgs(args: PluginArgs, path: string): string[] {
  const { defaultConstraints, defaultingType } = args
  const type = defaultingType === undefined || defaultingType === '' ? 'System' : defaultingType
  const errors = unknownFields(args, path, ['defaultConstraints', 'defaultingType'])
  const hasConstraints = Array.isArray(defaultConstraints) && defaultConstraints.length > 0
  if (!TYPES.includes(String(type))) errors.push(notSupported(`${path}.defaultingType`, type, TYPES))
  else if (type === 'System' && hasConstraints)
    errors.push(invalid(`${path}.defaultingType`, type, 'when .defaultConstraints are not empty'))
  const seen = new Set<string>()
  return [
    ...errors,
    ...checkList(defaultConstraints, `${path}.defaultConstraints`, (constraint, at) => [
      ...checkConstraint(constraint, at),
      ...checkRepeated(constraint, at, seen),
    ]),
  ]
}

function checkConstraint(value: unknown, path: string): string[] {
  return checkObject(value, path, (constraint) => {
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', labelSelector } = constraint
    const isEmpty = 'can not be empty'
    return [
      ...unknownFields(constraint, path, FIELDS),
      ...checkInteger(maxSkew, `${path}.maxSkew`, { min: 1 }, 'not in valid range (0, inf)'),
      ...(topologyKey === ''
        ? [required(`${path}.topologyKey`, isEmpty)]
        : checkLabelName(topologyKey, `${path}.topologyKey`)),
      ...checkAction(whenUnsatisfiable, `${path}.whenUnsatisfiable`, isEmpty),
      ...(labelSelector === undefined
        ? []
        : [forbidden(`${path}.labelSelector`, 'constraint must not define a selector, as they deduced for each pod')]),
    ]
  })
}

function checkAction(action: unknown, path: string, isEmpty: string): string[] {
  if (action === '') return [required(path, isEmpty)]
  return ACTIONS.includes(String(action)) ? [] : [notSupported(path, action, ACTIONS)]
}

function checkRepeated(value: unknown, path: string, seen: Set<string>): string[] {
  if (!isObject(value)) return []
  const pair = `{${String(value['topologyKey'] ?? '')}, ${String(value['whenUnsatisfiable'] ?? '')}}`
  if (seen.has(pair)) return [duplicate(path, pair)]
  seen.add(pair)
  return []
}
