/** NodeResourcesFitArgs, NodeResourcesBalancedAllocationArgs. Upstream: apis/config/validation/validation_pluginargs.go. */
import { checkInteger, checkList, checkObject, unknownFields } from '../../framework/args.ts'
import type { PluginArgs } from '../../framework/interfaces.ts'
import type { ShapePoint } from './strategies.ts'

const STRATEGIES = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'] as const

export interface FitArgs extends PluginArgs {
  readonly ignoredResources?: readonly string[]
  readonly ignoredResourceGroups?: readonly string[]
  readonly scoringStrategy?: {
    readonly type?: (typeof STRATEGIES)[number]
    readonly resources?: readonly { readonly name: string; readonly weight?: number }[]
    readonly requestedToCapacityRatio?: { readonly shape: readonly ShapePoint[] }
  }
}

export function checkFitArgs(args: PluginArgs, path: string): string[] {
  return [
    ...unknownFields(args, path, ['ignoredResources', 'ignoredResourceGroups', 'scoringStrategy']),
    ...checkList(args['ignoredResources'], `${path}.ignoredResources`, checkName),
    ...checkList(args['ignoredResourceGroups'], `${path}.ignoredResourceGroups`, (value, at) =>
      String(value).includes('/')
        ? [`${at}: Invalid value: ${JSON.stringify(value)}: resource group name can't contain '/'`]
        : checkName(value, at),
    ),
    ...(args['scoringStrategy'] === undefined ? [] : checkStrategy(args['scoringStrategy'], `${path}.scoringStrategy`)),
  ]
}

export function checkBalancedAllocationArgs(args: PluginArgs, path: string): string[] {
  return [
    ...unknownFields(args, path, ['resources']),
    ...checkList(args['resources'], `${path}.resources`, (value, at) => checkResource(value, at, 1)),
  ]
}

function checkStrategy(value: unknown, path: string): string[] {
  return checkObject(value, path, (strategy) => {
    const { type = 'LeastAllocated', resources, requestedToCapacityRatio } = strategy
    const errors = unknownFields(strategy, path, ['type', 'resources', 'requestedToCapacityRatio'])
    if (!STRATEGIES.some((name) => name === type))
      errors.push(`${path}.type: Unsupported value: ${JSON.stringify(type)}: supported values: ${list(STRATEGIES)}`)
    errors.push(...checkList(resources, `${path}.resources`, (item, at) => checkResource(item, at, 100)))
    if (type === 'RequestedToCapacityRatio')
      errors.push(...checkRatio(requestedToCapacityRatio, `${path}.requestedToCapacityRatio`))
    return errors
  })
}

function checkResource(value: unknown, path: string, weightMax: number): string[] {
  return checkObject(value, path, (resource) => [
    ...unknownFields(resource, path, ['name', 'weight']),
    ...checkName(resource['name'], `${path}.name`),
    ...checkInteger(resource['weight'], `${path}.weight`, weightMax === 1 ? 1 : 0, weightMax),
  ])
}

function checkRatio(value: unknown, path: string): string[] {
  return checkObject(value ?? {}, path, ({ shape }) => {
    const at = `${path}.shape`
    if (!Array.isArray(shape) || shape.length === 0)
      return [`${at}: Required value: at least one point must be specified`]
    const errors = checkList(shape, at, checkPoint)
    if (errors.length > 0) return errors
    const points = shape as ShapePoint[]
    const unsorted = points.findIndex(({ utilization }, i) => i > 0 && utilization <= (points[i - 1]?.utilization ?? 0))
    if (unsorted < 0) return []
    return [`${at}[${unsorted}].utilization: Invalid value: utilization values must be sorted in increasing order`]
  })
}

function checkPoint(value: unknown, path: string): string[] {
  return checkObject(value, path, ({ utilization, score }) => [
    ...checkInteger(utilization ?? 0, `${path}.utilization`, 0, 100),
    ...checkInteger(score ?? 0, `${path}.score`, 0, 10),
  ])
}

const checkName = (value: unknown, path: string): string[] =>
  typeof value === 'string' && value !== '' ? [] : [`${path}: Invalid value: ${JSON.stringify(value)}: must be a name`]

const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')
