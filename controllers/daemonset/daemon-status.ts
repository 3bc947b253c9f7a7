/** The status that follows from a DaemonSet's Pods on its nodes. Pure. Upstream: daemon_controller.go updateDaemonSetStatus. */
import type { DaemonSetStatus } from '#machinery/api/apps/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { isPodReady } from '../manager/pod-control.ts'
import { isUpdated } from './daemon-pod.ts'
import type { Daemons } from './placement.ts'
import { isAvailable, scheduledThenOldest } from './placement.ts'

export interface StatusOptions {
  readonly collisions: number
  /** The generation that was acted upon; undefined: only counted. */
  readonly observedGeneration: number | undefined
}

export function daemonStatus(daemons: Daemons, { collisions, observedGeneration }: StatusOptions): DaemonSetStatus {
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 }
  for (const node of daemons.nodes) {
    const [first] = [...(daemons.podsByNode.get(node.metadata.name ?? '') ?? [])].sort(scheduledThenOldest)
    if (!daemons.rules(node).shouldRun) {
      if (first !== undefined) counts.misscheduled++
      continue
    }
    counts.desired++
    if (first === undefined) continue
    counts.current++
    if (isPodReady(first)) counts.ready++
    if (isAvailable(daemons, first)) counts.available++
    if (isUpdated(first, daemons)) counts.updated++
  }
  const before = daemons.daemonSet.status
  const optional = {
    observedGeneration: observedGeneration ?? before?.observedGeneration ?? 0,
    updatedNumberScheduled: counts.updated,
    numberAvailable: counts.available,
    numberUnavailable: counts.desired - counts.available,
  }
  return {
    currentNumberScheduled: counts.current,
    numberMisscheduled: counts.misscheduled,
    desiredNumberScheduled: counts.desired,
    numberReady: counts.ready,
    ...withoutZeros(optional),
    // A pointer in Go: printed once it has been set.
    ...(collisions === 0 && before?.collisionCount === undefined ? {} : { collisionCount: collisions }),
    ...(before?.conditions === undefined ? {} : { conditions: deepCopy<Conditions>(before.conditions) }),
  }
}

type Conditions = NonNullable<DaemonSetStatus['conditions']>

const withoutZeros = (counts: Readonly<Record<string, number>>): Partial<DaemonSetStatus> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
