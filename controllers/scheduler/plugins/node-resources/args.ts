/** NodeResourcesFitArgs, NodeResourcesBalancedAllocationArgs. Upstream: apis/config/validation/validation_pluginargs.go. */
import { isObject } from '#machinery/util/json.ts'
import {
  checkInteger,
  checkLabelName,
  checkList,
  checkObject,
  duplicate,
  invalid,
  notSupported,
  required,
  unknownFields,
} from '../../framework/args.ts'
import type { PluginArgs } from '../../framework/interfaces.ts'
import type { ShapePoint } from './strategies.ts'

const STRATEGIES = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'] as const

export interface FitArgs extends PluginArgs {
  readonly ignoredResources?: readonly string[]
  readonly ignoredResourceGroups?: readonly string[]
  readonly scoringStrategy?: {
    readonly type: (typeof STRATEGIES)[number]
    readonly resources?: readonly { readonly name: string; readonly weight?: number }[]
    readonly requestedToCapacityRatio?: { readonly shape: readonly ShapePoint[] }
  }
}

export function checkFitArgs(args: PluginArgs, path: string): string[] {
  const { ignoredResources, ignoredResourceGroups, scoringStrategy } = args
  return [
    ...unknownFields(args, path, ['ignoredResources', 'ignoredResourceGroups', 'scoringStrategy']),
    ...checkList(ignoredResources, `${path}.ignoredResources`, checkLabelName),
    ...checkList(ignoredResourceGroups, `${path}.ignoredResourceGroups`, checkGroup),
    ...(scoringStrategy === undefined ? [] : checkStrategy(scoringStrategy, `${path}.scoringStrategy`)),
  ]
}

function checkGroup(value: unknown, path: string): string[] {
  const hasSlash = String(value).includes('/')
  return [
    ...(hasSlash ? [invalid(path, value, "resource group name can't contain '/'")] : []),
    ...checkLabelName(value, path),
  ]
}

export function checkBalancedAllocationArgs(args: PluginArgs, path: string): string[] {
  const { resources } = args
  const nameAt = (place: number): unknown => {
    const resource: unknown = Array.isArray(resources) ? resources[place] : undefined
    return isObject(resource) ? resource['name'] : undefined
  }
  return [
    ...unknownFields(args, path, ['resources']),
    ...checkList(resources, `${path}.resources`, (value, at, place) =>
      checkObject(value, at, (resource) => {
        const { name, weight } = resource
        const isSeen = Array.from({ length: place }, (_, i) => nameAt(i)).includes(name)
        return [
          ...unknownFields(resource, at, ['name', 'weight']),
          ...(isSeen ? [duplicate(`${at}.name`, String(name))] : []),
          ...checkInteger(weight || 1, `${at}.weight`, { min: 1, max: 1 }, 'must be 1'),
        ]
      }),
    ),
  ]
}

function checkStrategy(value: unknown, path: string): string[] {
  return checkObject(value, path, (strategy) => {
    const { type = '', resources, requestedToCapacityRatio: ratio } = strategy
    const errors = unknownFields(strategy, path, ['type', 'resources', 'requestedToCapacityRatio'])
    if (!STRATEGIES.some((name) => name === type)) errors.push(notSupported(`${path}.type`, type, STRATEGIES))
    errors.push(...checkList(resources, `${path}.resources`, checkResource))
    // Upstream crashes when the strategy lacks its shape.
    if (ratio !== undefined || type === 'RequestedToCapacityRatio')
      errors.push(...checkObject(ratio ?? {}, path, ({ shape }) => checkShape(shape, `${path}.shape`)))
    return errors
  })
}

function checkResource(value: unknown, path: string): string[] {
  return checkObject(value, path, (resource) => {
    const { name, weight } = resource
    const detail = `resource weight of ${String(name ?? '')} not in valid range (0, 100]`
    return [
      ...unknownFields(resource, path, ['name', 'weight']),
      ...checkInteger(weight || 1, `${path}.weight`, { min: 1, max: 100 }, detail),
    ]
  })
}

function checkShape(shape: unknown, path: string): string[] {
  if (!Array.isArray(shape) || shape.length === 0) return [required(path, 'at least one point must be specified')]
  const utilizations = shape.map((point: unknown) => Number((isObject(point) ? point['utilization'] : undefined) ?? 0))
  const unsorted = utilizations.findIndex((utilization, i) => i > 0 && utilization <= (utilizations[i - 1] ?? 0))
  const order = 'values must be sorted in increasing order'
  return [
    ...(unsorted < 0 ? [] : [invalid(`${path}[${unsorted}].utilization`, utilizations[unsorted], order)]),
    ...checkList(shape, path, checkPoint),
  ]
}

function checkPoint(value: unknown, path: string): string[] {
  const range = (max: number): string => `not in valid range [0, ${max}]`
  return checkObject(value, path, ({ utilization = 0, score = 0 }) => [
    ...checkInteger(utilization, `${path}.utilization`, { min: 0, max: 100 }, range(100)),
    ...checkInteger(score, `${path}.score`, { min: 0, max: 10 }, range(10)),
  ])
}
