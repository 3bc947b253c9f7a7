/** What must hold at every write of the simulated cluster. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'

export interface Change<T> {
  readonly before: T | undefined
  readonly after: T | undefined
}

/** The whole truth, just after the change. */
export interface Cluster {
  /** Nothing but rollouts takes Pods away: only then availability is a promise. */
  readonly isCalm: boolean
  /** Writes that happened may be taken for ones that did not. */
  readonly answersAreLost: boolean
  /** A write of a controller that died since the cluster was at rest may have come after its successor looked. */
  readonly hasCrashed: boolean
  /** Controllers may see what happened seconds ago for what is. */
  readonly areEventsLate: boolean
  /** Only evictions take Pods away. */
  readonly isEvicting: boolean
  objects<T extends KubeObject>(resource: GroupResource): T[]
  violated(what: string): void
}

export interface Invariant {
  readonly resources: readonly GroupResource[]
  onChange(change: Change<KubeObject>, cluster: Cluster): void
  /** What is asked for and what is have met. */
  atRest?(cluster: Cluster): void
}

/** An invariant of one kind that remembers nothing. */
export function invariantOf<T extends KubeObject>(
  resource: GroupResource,
  check: (change: Change<T>, cluster: Cluster) => void,
): Invariant {
  return { resources: [resource], onChange: (change, cluster) => check(change as Change<T>, cluster) }
}
