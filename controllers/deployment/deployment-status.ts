/** The status that follows from a Deployment's ReplicaSets, and whether a rollout gets on. Pure. Upstream: progress.go, sync.go. */
import type { DeploymentCondition, DeploymentStatus } from '#machinery/api/apps/v1/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { DeploymentView, Rollout, SetView } from './rollout.ts'
import { allSets, availableOf, fenceposts, hasDeadline, replicasOf, sum, wantedReplicas } from './rollout.ts'

type Conditions = DeploymentCondition[]
type StatusView = DeepReadonly<DeploymentStatus>

export interface NewCondition {
  readonly type: 'Progressing' | 'Available' | 'ReplicaFailure'
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

export function conditionOf(status: StatusView | undefined, type: string) {
  return status?.conditions?.find((condition) => condition.type === type)
}

/** Unchanged when it says the same already. */
export function withCondition(conditions: Conditions, condition: NewCondition, now: Date): Conditions {
  const known = conditions.find(({ type }) => type === condition.type)
  if (known?.status === condition.status && known.reason === condition.reason) return conditions
  const isSame = known?.status === condition.status
  return [
    ...conditions.filter(({ type }) => type !== condition.type),
    {
      ...condition,
      lastUpdateTime: formatTime(now),
      lastTransitionTime: (isSame ? known.lastTransitionTime : undefined) ?? formatTime(now),
    },
  ]
}

/** Counts and availability; conditions start from `conditions`. */
export function countedStatus(
  rollout: Rollout,
  conditions: Conditions,
  collisions: number,
  now: Date,
): DeploymentStatus {
  const { deployment, newSet } = rollout
  const sets = allSets(rollout)
  const available = sum(sets, availableOf)
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(sets, ({ status }) => status?.replicas ?? 0),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(sets, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(sets, replicasOf) - available),
    collisionCount: collisions,
  }
  const status: DeploymentStatus = {}
  for (const [name, count] of Object.entries(counts)) if (count !== 0) Object.assign(status, { [name]: count })
  const terminating = terminatingOf(sets)
  if (terminating !== undefined) status.terminatingReplicas = terminating
  const minAvailable = wantedReplicas(deployment) - fenceposts(deployment).maxUnavailable
  status.conditions = withCondition(conditions, available >= minAvailable ? AVAILABLE : UNAVAILABLE, now)
  return status
}

/** Undefined when a set does not tell; one that nobody has looked at yet has none. */
function terminatingOf(sets: readonly SetView[]): number | undefined {
  const observed = sets.filter(
    ({ status }) => (status?.observedGeneration ?? 0) > 0 || status?.terminatingReplicas !== undefined,
  )
  if (observed.some(({ status }) => status?.terminatingReplicas === undefined)) return undefined
  return sum(observed, ({ status }) => status?.terminatingReplicas ?? 0)
}

const AVAILABLE: NewCondition = {
  type: 'Available',
  status: 'True',
  reason: 'MinimumReplicasAvailable',
  message: 'Deployment has minimum availability.',
}
const UNAVAILABLE: NewCondition = {
  type: 'Available',
  status: 'False',
  reason: 'MinimumReplicasUnavailable',
  message: 'Deployment does not have minimum availability.',
}

export function isComplete(deployment: DeploymentView, status: StatusView): boolean {
  const wanted = wantedReplicas(deployment)
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  )
}

/** countedStatus with what a rollout adds: Progressing and the failures of its sets. */
export function rolloutStatus(
  rollout: Rollout,
  conditions: Conditions,
  collisions: number,
  now: Date,
): DeploymentStatus {
  const status = countedStatus(rollout, conditions, collisions, now)
  status.conditions = progressed(rollout, conditions, status, now)
  const failure = failureOf(rollout)
  if (failure === undefined) status.conditions = status.conditions.filter(({ type }) => type !== 'ReplicaFailure')
  else status.conditions = withFailure(status.conditions, failure)
  return status
}

function progressed(rollout: Rollout, before: Conditions, status: DeploymentStatus, now: Date): Conditions {
  const { deployment, newSet } = rollout
  const conditions = status.conditions ?? []
  if (!hasDeadline(deployment)) return conditions.filter(({ type }) => type !== 'Progressing')
  const current = before.find(({ type }) => type === 'Progressing')
  const isOver =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable'
  if (isOver) return conditions
  const subject =
    newSet === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`
    return withCondition(
      conditions,
      { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message },
      now,
    )
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    // The same reason again: only the time of the last progress moves.
    const message = `${subject} is progressing.`
    const progress = { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message } as const
    const others = conditions.filter(({ type }) => type !== 'Progressing')
    const [added] = withCondition([], progress, now)
    if (added === undefined) return others
    if (current?.status === 'True' && current.lastTransitionTime !== undefined) {
      added.lastTransitionTime = current.lastTransitionTime
    }
    return [...others, added]
  }
  if (hasTimedOut(deployment, current, now)) {
    const message = `${subject} has timed out progressing.`
    return withCondition(
      conditions,
      { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message },
      now,
    )
  }
  return conditions
}

function hasProgressed(before: StatusView, after: StatusView): boolean {
  const old = (status: StatusView): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

type ConditionView = DeepReadonly<DeploymentCondition> | undefined

function hasTimedOut(deployment: DeploymentView, condition: ConditionView, now: Date): boolean {
  if (condition === undefined || condition.reason === 'NewReplicaSetAvailable') return false
  if (condition.reason === 'ProgressDeadlineExceeded') return true
  return deadlineMs(deployment, condition) < now.getTime()
}

const deadlineMs = ({ spec }: DeploymentView, condition: NonNullable<ConditionView>): number =>
  (Date.parse(condition.lastUpdateTime ?? '') || 0) + (spec.progressDeadlineSeconds ?? 0) * 1_000

/** When a rollout that does nothing must be looked at again; undefined when it is over or has been given up. */
export function progressCheckInMs(deployment: DeploymentView, status: StatusView, now: Date): number | undefined {
  const condition = conditionOf(status, 'Progressing')
  if (!hasDeadline(deployment) || condition === undefined) return undefined
  if (isComplete(deployment, status) || condition.reason === 'ProgressDeadlineExceeded') return undefined
  return Math.max(1_000, deadlineMs(deployment, condition) - now.getTime() + 1_000)
}

type SetCondition = NonNullable<NonNullable<SetView['status']>['conditions']>[number]

/** The new set's failure rather than an old one's. */
function failureOf({ newSet, oldSets }: Rollout): SetCondition | undefined {
  for (const set of [...(newSet === undefined ? [] : [newSet]), ...oldSets]) {
    const failure = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
    if (failure !== undefined) return failure
  }
  return undefined
}

function withFailure(conditions: Conditions, failure: SetCondition): Conditions {
  const known = conditions.find(({ type }) => type === 'ReplicaFailure')
  if (known?.status === failure.status && known.reason === failure.reason) return conditions
  const others = conditions.filter(({ type }) => type !== 'ReplicaFailure')
  const { lastTransitionTime: lastUpdateTime } = failure
  const lastTransitionTime = known?.status === failure.status ? known.lastTransitionTime : lastUpdateTime
  return [
    ...others,
    {
      ...deepCopy<DeploymentCondition>(failure),
      ...(lastUpdateTime === undefined ? {} : { lastUpdateTime }),
      ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }),
    },
  ]
}
