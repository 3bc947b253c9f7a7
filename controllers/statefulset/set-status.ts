/** The status that follows from a StatefulSet's Pods and revisions. Pure. Upstream: stateful_set_control.go updateStatus. */
import type { StatefulSetCondition, StatefulSetStatus } from '#machinery/api/apps/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isPodAvailable } from '../manager/pod-availability.ts'
import { isPodReady } from '../manager/pod-control.ts'
import type { Plan, SetFacts } from './plan.ts'
import { isTerminating, ordinalOf, replicasOf, revisionOf } from './pod-identity.ts'

/** `plan`: what was carried out; an outdated Pod that was deleted is no current one any more. */
export function setStatus(facts: SetFacts, plan: Plan, collisions: number): StatefulSetStatus {
  const { set, current, update, nowMs } = facts
  const [currentRevision = '', updateRevision = ''] = [current.metadata.name, update.metadata.name]
  const pods = facts.pods.filter((pod) => ordinalOf(pod) >= 0)
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod))
  const present = pods.filter((pod) => !isTerminating(pod))
  const countOf = (revision: string): number => present.filter((pod) => revisionOf(pod) === revision).length
  const leaving = plan.removeOutdated.filter((pod) => revisionOf(pod) === currentRevision).length
  const { conditions } = set.status ?? {}
  const status: Required<Omit<StatefulSetStatus, 'conditions'>> = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isPodAvailable(pod, set.spec.minReadySeconds, nowMs)).length,
    currentReplicas: countOf(currentRevision) - leaving,
    updatedReplicas: countOf(updateRevision),
    currentRevision,
    updateRevision,
    collisionCount: collisions,
  }
  if (isRolledOut(facts, status)) {
    status.currentReplicas = status.updatedReplicas
    status.currentRevision = updateRevision
  }
  return {
    ...withoutZeros(status),
    ...(conditions === undefined ? {} : { conditions: deepCopy<StatefulSetCondition[]>(conditions) }),
  }
}

function isRolledOut({ set }: SetFacts, status: DeepReadonly<StatefulSetStatus>): boolean {
  const wanted = replicasOf(set)
  return (
    set.spec.updateStrategy?.type === 'RollingUpdate' &&
    status.updatedReplicas === wanted &&
    status.readyReplicas === wanted &&
    status.replicas === wanted
  )
}

const PRINTED: ReadonlySet<string> = new Set(['replicas', 'availableReplicas', 'collisionCount'])

/** As Go prints it. */
function withoutZeros(status: Required<Omit<StatefulSetStatus, 'conditions'>>): StatefulSetStatus {
  const kept = Object.entries(status).filter(([name, value]) => PRINTED.has(name) || (value !== 0 && value !== ''))
  return Object.fromEntries(kept) as unknown as StatefulSetStatus
}
