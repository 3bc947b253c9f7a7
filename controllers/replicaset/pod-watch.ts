/**
 * What Pod changes mean to owners of replicas: expectations met, owners to look at. Runs inside the informer's handler, so it
 * only notes things. Upstream: pkg/controller/replicaset/replica_set.go addPod, updatePod, deletePod.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { InformerHandler } from '#machinery/informers/shared-informer.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey } from '#sdk'
import { controllerOf } from '#sdk'
import type { Expectations } from '../manager/expectations.ts'
import type { ReplicaKind, ReplicaOwner } from './replica-kind.ts'

export interface PodWatchDependencies {
  readonly kind: ReplicaKind
  readonly owners: Lister<ReplicaOwner>
  readonly expectations: Expectations
  enqueue(key: ObjectKey): void
}

export function podWatch({ kind, owners, expectations, enqueue }: PodWatchDependencies): InformerHandler<Pod> {
  const ownerKeyOf = (pod: DeepReadonly<Pod>): ObjectKey | undefined => {
    const controller = controllerOf(pod)
    if (controller?.kind !== kind.resource.kind) return undefined
    const key = { namespace: pod.metadata.namespace ?? '', name: controller.name }
    // Another owner of the same name: its Pods are none of ours. An owner not yet seen may be ours.
    const owner = owners.get(key)
    return owner === undefined || owner.metadata.uid === controller.uid ? key : undefined
  }
  const wakeAdopters = (pod: DeepReadonly<Pod>): void => {
    for (const owner of owners.list(pod.metadata.namespace)) {
      if (kind.selectorOf(owner).matches(pod.metadata.labels)) enqueue(objectKeyOf(owner))
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
      if (old.metadata.uid !== pod.metadata.uid) going(old)
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
