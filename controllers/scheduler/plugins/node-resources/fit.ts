/** Whether the Pod's requests fit, and how full the node would be. Upstream: scheduler plugins/noderesources/fit.go. */
import type { ExtendedResources } from '../../framework/extended-resources.ts'
import { extendedResourcesOf } from '../../framework/extended-resources.ts'
import type { FilterPlugin, PluginArgs, PluginDefinition, ScorePlugin } from '../../framework/interfaces.ts'
import type { FitArgs } from './args.ts'
import { checkFitArgs } from './args.ts'
import { fitEvents } from './fit-hints.ts'
import { type IsIgnored, insufficient } from './insufficient.ts'
import { DEFAULT_RESOURCES, ResourceScorer } from './scored-resources.ts'
import type { Scorer } from './strategies.ts'
import { leastAllocated, mostAllocated, requestedToCapacityRatio } from './strategies.ts'

const NAME = 'NodeResourcesFit'

export const nodeResourcesFitPlugin: PluginDefinition = {
  name: NAME,
  checkArgs: checkFitArgs,
  create: (args: PluginArgs, handle) => createFit(args as FitArgs, extendedResourcesOf(handle)),
}

function createFit(args: FitArgs, extended: ExtendedResources): FilterPlugin & ScorePlugin<readonly number[]> {
  const isIgnored = ignoredResources(args)
  // What a node has nothing of may be devices: DynamicResources sees to them.
  const ignored: IsIgnored = (name, all) => isIgnored(name) || (all === 0 && extended.classOf(name) !== undefined)
  const scorer = createScorer(args)
  return {
    name: NAME,
    events: fitEvents(ignored),
    filter: (_state, pod, node) => insufficient(pod.requests, node, ignored),
    preScore: (pod) => ({ state: scorer.requestsOf(pod) }),
    score: (requests, _pod, node) => scorer.score(requests, node),
  }
}

function createScorer({ scoringStrategy }: FitArgs): ResourceScorer {
  const { type = 'LeastAllocated', resources, requestedToCapacityRatio: ratio } = scoringStrategy ?? {}
  const scored = resources === undefined || resources.length === 0 ? DEFAULT_RESOURCES : resources
  const strategies: Record<typeof type, () => Scorer> = {
    LeastAllocated: () => leastAllocated,
    MostAllocated: () => mostAllocated,
    RequestedToCapacityRatio: () => requestedToCapacityRatio(ratio?.shape ?? []),
  }
  const weighed = scored.map(({ name, weight }) => ({
    name,
    weight: weight === undefined || weight === 0 ? 1 : weight,
  }))
  return new ResourceScorer(weighed, strategies[type](), false)
}

/** Only extended resources may be ignored. */
function ignoredResources({ ignoredResources = [], ignoredResourceGroups = [] }: FitArgs): (name: string) => boolean {
  if (ignoredResources.length + ignoredResourceGroups.length === 0) return () => false
  const names = new Set(ignoredResources)
  const groups = new Set(ignoredResourceGroups)
  return (name) => {
    const [group = '', rest] = name.split('/')
    if (rest === undefined || group === 'kubernetes.io' || group.endsWith('.kubernetes.io')) return false
    return names.has(name) || groups.has(group)
  }
}
