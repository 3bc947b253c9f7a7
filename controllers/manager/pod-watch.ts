/**
 * What Pod changes mean to the workloads that own them: expectations met, owners to look at. Runs inside the informer's
 * handler, so it only notes things. Upstream: pkg/controller/replicaset/replica_set.go addPod, updatePod, deletePod, and their
 * likes in daemon and statefulset.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { InformerHandler } from '#machinery/informers/shared-informer.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey } from '#sdk'
import { controllerOf } from '#sdk'
import type { Expectations } from './expectations.ts'

export interface PodWatchDependencies<T extends KubeObject> {
  /** Of the owners. */
  readonly kind: string
  readonly owners: Lister<T>
  readonly expectations: Expectations
  selectorOf(owner: DeepReadonly<T>): LabelSelectorMatcher
  enqueue(key: ObjectKey): void
}

export function podWatch<T extends KubeObject>(dependencies: PodWatchDependencies<T>): InformerHandler<Pod> {
  const { kind, owners, expectations, selectorOf, enqueue } = dependencies
  const ownerKeyOf = (pod: DeepReadonly<Pod>): ObjectKey | undefined => {
    const controller = controllerOf(pod)
    if (controller?.kind !== kind) return undefined
    const key = { namespace: pod.metadata.namespace ?? '', name: controller.name }
    // Another owner of the same name: its Pods are none of ours. An owner not yet seen may be ours.
    const owner = owners.get(key)
    return owner === undefined || owner.metadata.uid === controller.uid ? key : undefined
  }
  const wakeAdopters = (pod: DeepReadonly<Pod>): void => {
    for (const owner of owners.list(pod.metadata.namespace)) {
      if (selectorOf(owner).matches(pod.metadata.labels)) enqueue(objectKeyOf(owner))
    }
  }
  const going = (pod: DeepReadonly<Pod>): void => {
    const key = ownerKeyOf(pod)
    if (key === undefined) return
    expectations.deletionObserved(keyString(key), pod.metadata.uid ?? '')
    enqueue(key)
  }
  const present = (pod: DeepReadonly<Pod>): void => {
    const key = ownerKeyOf(pod)
    if (key !== undefined) enqueue(key)
  }
  return {
    onAdd(pod) {
      if (pod.metadata.deletionTimestamp !== undefined) return going(pod)
      const key = ownerKeyOf(pod)
      if (key !== undefined) {
        expectations.creationObserved(keyString(key))
        enqueue(key)
      } else if (controllerOf(pod) === undefined) wakeAdopters(pod)
    },
    onUpdate(old, pod) {
      if (old.metadata.uid !== pod.metadata.uid) {
        going(old)
        const key = ownerKeyOf(pod)
        // A Pod deleted and made again under its name may come as one change.
        if (key !== undefined) expectations.creationObserved(keyString(key))
      }
      const isMoved = controllerOf(old)?.uid !== controllerOf(pod)?.uid
      if (isMoved) present(old)
      if (pod.metadata.deletionTimestamp !== undefined) return going(pod)
      present(pod)
      const isOrphan = controllerOf(pod) === undefined
      if (isOrphan && (isMoved || hasOtherLabels(old, pod))) wakeAdopters(pod)
    },
    onDelete: going,
  }
}

function hasOtherLabels(a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): boolean {
  const [before, after] = [a.metadata.labels ?? {}, b.metadata.labels ?? {}]
  const names = Object.keys(after)
  return names.length !== Object.keys(before).length || names.some((name) => before[name] !== after[name])
}
