/**
 * What Pods' comings, changes and goings mean to the scheduler's cache and queue. Upstream: scheduler eventhandlers.go.
 */
import type { SchedulerCache } from './cache/scheduler-cache.ts'
import { isSameSize } from './cache/scheduler-cache.ts'
import type { ClusterEvent, FrozenPod } from './framework/interfaces.ts'
import { createPodInfo, podKey, podPriority } from './framework/pod-info.ts'
import { podUpdateKinds } from './framework/update-kinds.ts'
import type { SchedulingQueue } from './queue/scheduling-queue.ts'

export interface PodTargets {
  readonly cache: SchedulerCache
  readonly queue: SchedulingQueue
  /** The Pod's scheduler is one of ours. */
  isOurs(pod: FrozenPod): boolean
  /** A Pod that was placed, and not bound yet, is on its way out. */
  isGone(key: string): void
}

const isAssigned = ({ spec }: FrozenPod): boolean => (spec.nodeName ?? '') !== ''
/** What has come to its end takes nothing any more. */
const isTerminal = ({ status }: FrozenPod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

export class PodWatcher {
  readonly #targets: PodTargets

  constructor(targets: PodTargets) {
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
    const { cache, queue, isGone, isOurs } = this.#targets
    const key = podKey(pod)
    queue.delete(key)
    isGone(key)
    // The API may not know yet on which node it was.
    const placed = cache.get(key)?.pod
    cache.removePod(key)
    if (placed !== undefined) queue.notify(deletion(placed))
    else if ((pod.status?.nominatedNodeName ?? '') !== '' && isOurs(pod)) this.#nominationEnded(pod)
  }

  /** Pods of its priority and below had counted it in. */
  #nominationEnded(pod: FrozenPod): void {
    this.#targets.queue.notify(deletion(pod), (other) => podPriority(other) <= podPriority(pod))
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
    this.#nominationEnded(old)
  }
}

const deletion = (pod: FrozenPod): ClusterEvent => ({ resource: 'pods', action: 'delete', old: pod, object: pod })

const kindOf = (pod: FrozenPod): string => (isAssigned(pod) ? 'AssignedPod' : 'UnschedulablePod')

/** Of the metrics. */
export const addLabel = (pod: FrozenPod): string => `${kindOf(pod)}Add`
export const deleteLabel = (pod: FrozenPod): string => `${kindOf(pod)}Delete`
/** A binding counts as an addition. */
export const updateLabel = (old: FrozenPod, pod: FrozenPod): string =>
  isAssigned(pod) && !isAssigned(old) ? addLabel(pod) : `${kindOf(pod)}Update`
