/** Whether the Pod's requests fit, and how full the node would be. Upstream: scheduler plugins/noderesources/fit.go. */
import type { DeviceClass } from '#machinery/api/resource/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ExtendedResources } from '../../framework/extended-resources.ts'
import { extendedResourcesOf, resourceNamesOf } from '../../framework/extended-resources.ts'
import type {
  FilterPlugin,
  FrozenNode,
  FrozenPod,
  NodeInfo,
  PluginArgs,
  PluginDefinition,
  ResourceAmounts,
  ScorePlugin,
  Verdict,
} from '../../framework/interfaces.ts'
import { nodeAllocatable, podAmounts } from '../../framework/resource-amounts.ts'
import type { FitArgs } from './args.ts'
import { checkFitArgs } from './args.ts'
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
    events: [
      { resource: 'pods', actions: ['delete', 'update'], mayHelp: freesResources },
      {
        resource: 'nodes',
        actions: ['add', 'update'],
        mayHelp: (pod, { object }) => fitsEmpty(requestsOf(pod), object as FrozenNode, ignored),
      },
      {
        resource: 'deviceclasses',
        actions: ['add', 'update'],
        mayHelp: (pod, { object }) =>
          resourceNamesOf(object as DeepReadonly<DeviceClass>).some((name) => requestsOf(pod).scalar.has(name)),
      },
    ],
    filter: (_state, pod, node) => insufficient(pod.requests, node, ignored),
    preScore: (pod) => ({ state: scorer.requestsOf(pod) }),
    score: (requests, _pod, node) => scorer.score(requests, node),
  }
}

/** `all`: what the node has of it. */
type IsIgnored = (name: string, all: number) => boolean

/** Every reason, not only the first. */
function insufficient(
  wanted: Readonly<ResourceAmounts>,
  node: Pick<NodeInfo, 'allocatable' | 'requested'> & { readonly pods: { readonly size: number } },
  isIgnored: IsIgnored,
): Verdict | undefined {
  const { allocatable, requested } = node
  // Most nodes fit most Pods, and this is asked more often than anything else.
  if (
    node.pods.size < allocatable.pods &&
    isWithin(wanted.milliCpu, requested.milliCpu, allocatable.milliCpu) &&
    isWithin(wanted.memory, requested.memory, allocatable.memory) &&
    isWithin(wanted.ephemeralStorage, requested.ephemeralStorage, allocatable.ephemeralStorage) &&
    wanted.scalar.size === 0
  )
    return undefined
  let reasons: string[] | undefined
  let isUnresolvable = false
  const check = (name: string, amount: number, used: number, all: number): void => {
    if (isWithin(amount, used, all)) return
    reasons ??= []
    reasons.push(`Insufficient ${name}`)
    if (amount > all) isUnresolvable = true
  }
  if (node.pods.size + 1 > allocatable.pods) reasons = ['Too many pods']
  check('cpu', wanted.milliCpu, requested.milliCpu, allocatable.milliCpu)
  check('memory', wanted.memory, requested.memory, allocatable.memory)
  check('ephemeral-storage', wanted.ephemeralStorage, requested.ephemeralStorage, allocatable.ephemeralStorage)
  for (const [name, amount] of wanted.scalar) {
    const all = allocatable.scalar.get(name) ?? 0
    if (!isIgnored(name, all)) check(name, amount, requested.scalar.get(name) ?? 0, all)
  }
  if (reasons === undefined) return undefined
  return { code: isUnresolvable ? 'UnschedulableAndUnresolvable' : 'Unschedulable', reasons }
}

/** A node that is overcommitted already takes what asks for nothing. */
const isWithin = (amount: number, used: number, all: number): boolean => amount === 0 || amount <= all - used

const NOTHING: Readonly<ResourceAmounts> = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalar: new Map() }

function fitsEmpty(wanted: Readonly<ResourceAmounts>, node: FrozenNode, isIgnored: IsIgnored): boolean {
  const state = { allocatable: nodeAllocatable(node), requested: NOTHING, pods: { size: 0 } }
  return insufficient(wanted, state, isIgnored) === undefined
}

/** A waiting Pod is asked about many nodes. */
const requestsByPod = new WeakMap<FrozenPod, ResourceAmounts>()

function requestsOf(pod: FrozenPod): ResourceAmounts {
  const known = requestsByPod.get(pod)
  if (known !== undefined) return known
  const { requests } = podAmounts(pod)
  requestsByPod.set(pod, requests)
  return requests
}

const freesResources: NonNullable<NonNullable<FilterPlugin['events']>[number]['mayHelp']> = (pod, event) => {
  const changed = (event.object ?? event.old) as FrozenPod | undefined
  if (event.action === 'delete' || changed === undefined) return true
  const old = event.old as FrozenPod | undefined
  if (old === undefined) return true
  // Another Pod that waits takes nothing.
  if ((changed.spec.nodeName ?? '') === '' && changed.metadata.uid !== pod.metadata.uid) return false
  return isScaledDown(podAmounts(old).requests, podAmounts(changed).requests)
}

function isScaledDown(old: ResourceAmounts, now: ResourceAmounts): boolean {
  if (now.milliCpu < old.milliCpu || now.memory < old.memory || now.ephemeralStorage < old.ephemeralStorage) return true
  return [...old.scalar].some(([name, amount]) => (now.scalar.get(name) ?? 0) < amount)
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
