/** The status that follows from an owner's Pods. Pure. Upstream: pkg/controller/replicaset/replica_set_utils.go calculateStatus. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { matcherOfSet } from '#machinery/selectors/label.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { availableInMs } from '../manager/pod-availability.ts'
import { isPodReady } from '../manager/pod-control.ts'
import type { ReplicaOwner, ReplicaStatus } from './replica-kind.ts'

const REPLICA_FAILURE = 'ReplicaFailure'

export interface ReplicaFacts {
  readonly owner: DeepReadonly<ReplicaOwner>
  /** Active ones. */
  readonly pods: readonly DeepReadonly<Pod>[]
  /** Undefined: not counted for this kind. */
  readonly terminating: number | undefined
  /** Why Pods could not be created or deleted. */
  readonly error: unknown
}

export interface StatusResult {
  readonly status: ReplicaStatus
  /** When a ready Pod will have been ready for minReadySeconds. */
  readonly nextAvailableMs: number | undefined
}

export function replicaStatus({ owner, pods, terminating, error }: ReplicaFacts, now: Date): StatusResult {
  const template = matcherOfSet(owner.spec?.template?.metadata?.labels)
  const { minReadySeconds } = owner.spec ?? {}
  const waits = pods.filter(isPodReady).map((pod) => availableInMs(pod, minReadySeconds, now.getTime()))
  const pending = waits.filter((ms) => ms > 0)
  const status: ReplicaStatus = { replicas: pods.length }
  const counts = {
    fullyLabeledReplicas: pods.filter(({ metadata }) => template.matches(metadata.labels)).length,
    readyReplicas: waits.length,
    availableReplicas: waits.length - pending.length,
    observedGeneration: owner.metadata.generation ?? 0,
  }
  // As Go prints them: zeros are left out.
  for (const [name, count] of Object.entries(counts)) if (count !== 0) Object.assign(status, { [name]: count })
  if (terminating !== undefined) status.terminatingReplicas = terminating
  const conditions = conditionsOf(owner, pods.length, error, now)
  if (conditions.length > 0) status.conditions = conditions
  return { status, nextAvailableMs: pending.length === 0 ? undefined : Math.min(...pending) }
}

type Conditions = NonNullable<ReplicaStatus['conditions']>

function conditionsOf(owner: DeepReadonly<ReplicaOwner>, count: number, error: unknown, now: Date): Conditions {
  const before = deepCopy<Conditions>(owner.status?.conditions ?? [])
  const others = before.filter(({ type }) => type !== REPLICA_FAILURE)
  if (error === undefined) return others
  const known = before.find(({ type }) => type === REPLICA_FAILURE)
  const reason = count < (owner.spec?.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete'
  if (known !== undefined && known.status === 'True') return before
  const failure = { type: REPLICA_FAILURE, status: 'True', lastTransitionTime: formatTime(now), reason }
  const message = errorMessage(error)
  return [...others, { ...failure, message: reason === 'FailedDelete' ? `unable to delete pods: ${message}` : message }]
}
