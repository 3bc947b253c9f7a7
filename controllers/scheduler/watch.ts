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
import type { SchedulerCache } from './cache/scheduler-cache.ts'
import { isSameSize } from './cache/scheduler-cache.ts'
import type { AnyPlugin, ClusterEvent, FrozenPod } from './framework/interfaces.ts'
import { createPodInfo, podKey, podPriority } from './framework/pod-info.ts'
import { nodeUpdateKinds, podUpdateKinds } from './framework/update-kinds.ts'
import type { SchedulingQueue } from './queue/scheduling-queue.ts'

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

export interface WatchTargets {
  readonly cache: SchedulerCache
  readonly queue: SchedulingQueue
  /** The Pod's scheduler is one of ours. */
  isOurs(pod: FrozenPod): boolean
  /** A Pod that was placed, and not bound yet, is on its way out. */
  isGone(key: string): void
  readonly plugins: readonly AnyPlugin[]
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
    ...others.map((informer) => watchOther(informer, targets.queue)),
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

function watchOther(informer: Informer<KubeObject>, queue: SchedulingQueue): () => void {
  const { resource } = informer.resource
  return informer.addHandler({
    onAdd: (object) => queue.notify({ resource, action: 'add', object }),
    onUpdate: (old, object) => queue.notify({ resource, action: 'update', old, object }),
    onDelete: (object) => queue.notify({ resource, action: 'delete', old: object, object }),
  })
}

function watchNodes(informer: Informer<Node>, { cache, queue }: WatchTargets): () => void {
  return informer.addHandler({
    onAdd(object) {
      cache.setNode(object)
      queue.notify({ resource: 'nodes', action: 'add', object })
    },
    onUpdate(old, object) {
      cache.setNode(object)
      for (const kind of nodeUpdateKinds(old, object))
        queue.notify({ resource: 'nodes', action: 'update', kind, old, object })
    },
    onDelete(object) {
      queue.notify({ resource: 'nodes', action: 'delete', old: object, object })
      cache.removeNode(object.metadata.name ?? '')
    },
  })
}

function watchPods(informer: Informer<Pod>, targets: WatchTargets): () => void {
  const watcher = new PodWatcher(targets)
  return informer.addHandler({
    onAdd: (pod) => watcher.appeared(pod),
    onUpdate: (old, pod) => watcher.changed(old, pod),
    onDelete: (pod) => watcher.gone(pod),
  })
}

const isAssigned = ({ spec }: FrozenPod): boolean => (spec.nodeName ?? '') !== ''
/** What has come to its end takes nothing any more. */
const isTerminal = ({ status }: FrozenPod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

class PodWatcher {
  readonly #targets: WatchTargets

  constructor(targets: WatchTargets) {
    this.#targets = targets
  }

  appeared(pod: FrozenPod): void {
    const { cache, queue, isOurs } = this.#targets
    if (isTerminal(pod)) return
    if (isAssigned(pod)) {
      cache.setPod(pod)
      queue.notify({ resource: 'pods', action: 'add', object: pod })
    } else if (isOurs(pod)) queue.add(createPodInfo(pod))
  }

  changed(old: FrozenPod, pod: FrozenPod): void {
    if (old.metadata.uid !== pod.metadata.uid || (isTerminal(pod) && !isTerminal(old))) {
      this.gone(old)
      this.appeared(pod)
    } else if (isTerminal(pod)) return
    else if (isAssigned(old)) this.#assignedChanged(old, pod)
    else if (isAssigned(pod)) this.#bound(pod)
    else if (this.#targets.isOurs(pod)) this.#waitingChanged(old, pod)
  }

  gone(pod: FrozenPod): void {
    const { cache, queue, isGone } = this.#targets
    const key = podKey(pod)
    queue.delete(key)
    isGone(key)
    // The API may not know yet on which node it was.
    const placed = cache.get(key)?.pod
    cache.removePod(key)
    if (placed !== undefined || (pod.status?.nominatedNodeName ?? '') !== '') queue.notify(deletion(placed ?? pod))
  }

  /** By us or by somebody else. */
  #bound(pod: FrozenPod): void {
    const { cache, queue } = this.#targets
    queue.delete(podKey(pod))
    cache.setPod(pod)
    queue.notify({ resource: 'pods', action: 'add', object: pod })
  }

  #assignedChanged(old: FrozenPod, pod: FrozenPod): void {
    const { cache, queue } = this.#targets
    cache.setPod(pod)
    for (const kind of podUpdateKinds(old, pod, isSameSize(old, pod)))
      queue.notify({ resource: 'pods', action: 'update', kind, old, object: pod })
  }

  #waitingChanged(old: FrozenPod, pod: FrozenPod): void {
    const { cache, queue, isGone } = this.#targets
    const key = podKey(pod)
    if (cache.isAssumed(key)) {
      // Deleted while being bound: what it holds is free at once, the binding will fail.
      if (pod.metadata.deletionTimestamp === undefined || old.metadata.deletionTimestamp !== undefined) return
      const placed = cache.get(key)?.pod ?? pod
      cache.forget(key)
      isGone(key)
      queue.notify(deletion(placed))
      return
    }
    queue.update(createPodInfo(pod), podUpdateKinds(old, pod, isSameSize(old, pod)))
    const nominated = old.status?.nominatedNodeName ?? ''
    if (nominated === '' || nominated === pod.status?.nominatedNodeName) return
    // Pods of its priority and below had counted it in.
    queue.notify(deletion(old), (other) => podPriority(other) <= podPriority(old))
  }
}

const deletion = (pod: FrozenPod): ClusterEvent => ({ resource: 'pods', action: 'delete', old: pod, object: pod })
