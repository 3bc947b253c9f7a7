/** A ClusterEvent whose objects are of a known kind, as a hint reads it after naming the resource. */
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ClusterEvent, FrozenPod } from './interfaces.ts'

export interface Change<T> {
  /** Absent when the object was added. */
  readonly old?: DeepReadonly<T>
  /** Absent when it was deleted. */
  readonly object?: DeepReadonly<T>
}

/** The resource an EventHint registers for determines T. */
export function changeOf<T>({ action, old, object }: ClusterEvent): Change<T> {
  if (action === 'delete') return { old: old ?? object } as Change<T>
  return { ...(action === 'update' ? { old } : {}), object } as Change<T>
}

/** The Pod that waits is what changed. */
export const isSamePod = (pod: FrozenPod, object: unknown): boolean =>
  (object as FrozenPod | undefined)?.metadata.uid === pod.metadata.uid

/** It took part of a node, or one was kept for it. */
export const hadPlace = ({ spec, status }: FrozenPod): boolean =>
  (spec.nodeName ?? '') !== '' || (status?.nominatedNodeName ?? '') !== ''
