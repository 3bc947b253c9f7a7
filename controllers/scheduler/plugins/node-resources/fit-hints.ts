/** What may help a Pod that no node had room for. Upstream: plugins/noderesources/fit.go EventsToRegister (v1.36). */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeviceClass } from '#machinery/api/resource/v1/types.gen.ts'
import { type Change, changeOf, hadPlace, isSamePod } from '../../framework/change.ts'
import { resourceNamesOf } from '../../framework/extended-resources.ts'
import type { EventHint, FrozenNode, FrozenPod, ResourceAmounts } from '../../framework/interfaces.ts'
import { nodeAllocatable, podAmounts } from '../../framework/resource-amounts.ts'
import { type IsIgnored, insufficient } from './insufficient.ts'

export const fitEvents = (isIgnored: IsIgnored): readonly EventHint[] => [
  {
    resource: 'pods',
    actions: ['delete'],
    mayHelp: (_pod, { old }) => old === undefined || hadPlace(old as FrozenPod),
  },
  {
    resource: 'pods',
    actions: ['update'],
    kinds: ['UpdatePodScaleDown'],
    mayHelp: (pod, event) => isSamePod(pod, event.object) || freesWanted(pod, changeOf<Pod>(event)),
  },
  {
    resource: 'nodes',
    actions: ['add', 'update'],
    kinds: ['UpdateNodeAllocatable'],
    mayHelp: (pod, event) => fitsNow(pod, changeOf<Node>(event), isIgnored),
  },
  {
    resource: 'deviceclasses',
    actions: ['add', 'update'],
    mayHelp: (pod, event) => standsForWanted(pod, changeOf<DeviceClass>(event)),
  },
]

/** A waiting Pod is asked about many nodes. */
const requestsByPod = new WeakMap<FrozenPod, ResourceAmounts>()

function requestsOf(pod: FrozenPod): ResourceAmounts {
  const known = requestsByPod.get(pod)
  if (known !== undefined) return known
  const { requests } = podAmounts(pod)
  requestsByPod.set(pod, requests)
  return requests
}

/** An assigned Pod takes less of something that the waiting one asks for. */
function freesWanted(pod: FrozenPod, { old, object }: Change<Pod>): boolean {
  if (old === undefined || object === undefined || (object.spec.nodeName ?? '') === '') return false
  return hasMoreOfWanted(requestsOf(pod), podAmounts(old).requests, podAmounts(object).requests)
}

/** A node with nothing on it would do, and it is new or has more than before of what is asked for. */
function fitsNow(pod: FrozenPod, { old, object }: Change<Node>, isIgnored: IsIgnored): boolean {
  const wanted = requestsOf(pod)
  if (object === undefined || !fitsEmpty(wanted, object, isIgnored)) return false
  if (old === undefined) return true
  const [before, after] = [nodeAllocatable(old), nodeAllocatable(object)]
  if (after.pods > before.pods || hasMoreOfWanted(wanted, after, before)) return true
  return [...wanted.scalar].some(([name, amount]) => amount > 0 && isDevice(name, after, isIgnored))
}

/** The node has none of it, and it fits nevertheless: devices stand for it, and who has them is not told by the node. */
const isDevice = (name: string, { scalar }: ResourceAmounts, isIgnored: IsIgnored): boolean =>
  (scalar.get(name) ?? 0) === 0 && isIgnored(name, 0)

function hasMoreOfWanted(wanted: ResourceAmounts, more: ResourceAmounts, less: ResourceAmounts): boolean {
  return (
    (wanted.milliCpu > 0 && more.milliCpu > less.milliCpu) ||
    (wanted.memory > 0 && more.memory > less.memory) ||
    (wanted.ephemeralStorage > 0 && more.ephemeralStorage > less.ephemeralStorage) ||
    [...wanted.scalar].some(
      ([name, amount]) => amount > 0 && (more.scalar.get(name) ?? 0) > (less.scalar.get(name) ?? 0),
    )
  )
}

const NOTHING: Readonly<ResourceAmounts> = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalar: new Map() }

function fitsEmpty(wanted: Readonly<ResourceAmounts>, node: FrozenNode, isIgnored: IsIgnored): boolean {
  const state = { allocatable: nodeAllocatable(node), requested: NOTHING, pods: { size: 0 } }
  return insufficient(wanted, state, isIgnored) === undefined
}

/** A class came that stands for something the Pod asks for, or one that is there does so now. */
function standsForWanted(pod: FrozenPod, { old, object }: Change<DeviceClass>): boolean {
  if (
    object === undefined ||
    (old?.spec.extendedResourceName === object.spec.extendedResourceName && old !== undefined)
  )
    return false
  const names = old === undefined ? resourceNamesOf(object) : [object.spec.extendedResourceName ?? '']
  return names.some((name) => requestsOf(pod).scalar.has(name))
}
