/**
 * What the scheduler hears: Pods and nodes keep the cache and the queue up to date, everything else only wakes Pods that
 * wait. Upstream: scheduler eventhandlers.go, framework/events.go.
 */
import { NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { DEVICE_CLASSES, RESOURCE_CLAIMS, RESOURCE_SLICES } from '#machinery/api/resource/v1/resources.gen.ts'
import {
  CSI_DRIVERS,
  CSI_NODES,
  CSI_STORAGE_CAPACITIES,
  STORAGE_CLASSES,
  VOLUME_ATTACHMENTS,
} from '#machinery/api/storage/v1/resources.gen.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { ControllerContext } from '#sdk'
import type { AnyPlugin, ClusterEvent } from './framework/interfaces.ts'
import { nodeUpdateKinds } from './framework/update-kinds.ts'
import { addLabel, deleteLabel, type PodTargets, PodWatcher, updateLabel } from './pod-watcher.ts'
import type { EventDurations } from './queue/event-durations.ts'
import { eventLabel } from './queue/event-label.ts'

/** Plugins name resources by their plural. */
const RESOURCES: readonly Resource[] = [
  PERSISTENT_VOLUMES,
  PERSISTENT_VOLUME_CLAIMS,
  STORAGE_CLASSES,
  CSI_NODES,
  CSI_DRIVERS,
  CSI_STORAGE_CAPACITIES,
  VOLUME_ATTACHMENTS,
  RESOURCE_CLAIMS,
  RESOURCE_SLICES,
  DEVICE_CLASSES,
] as readonly Resource[]

export interface WatchTargets extends PodTargets {
  readonly plugins: readonly AnyPlugin[]
  readonly durations: EventDurations
}

/** Adds the handlers. Returns the function that removes them, and when all that matters is known. */
export function watchCluster(
  context: Pick<ControllerContext, 'informer'>,
  targets: WatchTargets,
): { readonly stop: () => void; readonly synced: Promise<void> } {
  const pods = context.informer(PODS)
  const nodes = context.informer(NODES)
  const wanted = new Set(targets.plugins.flatMap(({ events = [] }) => events.map(({ resource }) => resource)))
  const others = RESOURCES.filter(({ resource }) => wanted.has(resource)).map((resource) => context.informer(resource))
  const removals = [
    ...others.map((informer) => watchOther(informer, targets)),
    watchNodes(nodes, targets),
    watchPods(pods, targets),
  ]
  return {
    stop: () => {
      for (const remove of removals) remove()
    },
    synced: Promise.all([pods, nodes, ...others].map(({ synced }) => synced)).then(() => undefined),
  }
}

function watchOther(informer: Informer<KubeObject>, { queue, durations }: WatchTargets): () => void {
  const { resource } = informer.resource
  const tell = (event: ClusterEvent): void => durations.timed(eventLabel(event), () => queue.notify(event))
  return informer.addHandler({
    onAdd: (object) => tell({ resource, action: 'add', object }),
    onUpdate: (old, object) => tell({ resource, action: 'update', old, object }),
    onDelete: (object) => tell({ resource, action: 'delete', old: object, object }),
  })
}

function watchNodes(informer: Informer<Node>, { cache, queue, durations }: WatchTargets): () => void {
  const tell = (event: ClusterEvent, startedMs: number): void => {
    queue.notify(event)
    durations.handled(eventLabel(event), startedMs)
  }
  return informer.addHandler({
    onAdd(object) {
      const startedMs = durations.now()
      cache.setNode(object)
      tell({ resource: 'nodes', action: 'add', object }, startedMs)
    },
    onUpdate(old, object) {
      const startedMs = durations.now()
      cache.setNode(object)
      for (const kind of nodeUpdateKinds(old, object))
        tell({ resource: 'nodes', action: 'update', kind, old, object }, startedMs)
    },
    onDelete(object) {
      tell({ resource: 'nodes', action: 'delete', old: object, object }, durations.now())
      cache.removeNode(object.metadata.name ?? '')
    },
  })
}

function watchPods(informer: Informer<Pod>, targets: WatchTargets): () => void {
  const watcher = new PodWatcher(targets)
  const { durations } = targets
  return informer.addHandler({
    onAdd: (pod) => durations.timed(addLabel(pod), () => watcher.appeared(pod)),
    onUpdate: (old, pod) => durations.timed(updateLabel(old, pod), () => watcher.changed(old, pod)),
    onDelete: (pod) => durations.timed(deleteLabel(pod), () => watcher.gone(pod)),
  })
}
