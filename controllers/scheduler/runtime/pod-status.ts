/**
 * The condition PodScheduled and status.nominatedNodeName, written only when they change.
 * Upstream: scheduler schedule_one.go updatePod; api/v1/pod UpdatePodCondition.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PodCondition } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { FrozenPod } from '../framework/interfaces.ts'

const CONDITION = 'PodScheduled'

export interface PodStatusChange {
  readonly reason: 'Unschedulable' | 'SchedulerError'
  readonly message: string
  /** '' takes a nomination back; undefined leaves it. */
  readonly nominatedNode: string | undefined
}

/**
 * A strategic merge patch of the status; undefined: nothing would change. `told`: the node it names by now, if that is not
 * what `pod` says.
 */
export function statusPatch(pod: FrozenPod, change: PodStatusChange, clock: Clock, told?: string): object | undefined {
  const condition = changedCondition(pod, change, clock)
  const nominated = told ?? pod.status?.nominatedNodeName ?? ''
  const isNomination = change.nominatedNode !== undefined && change.nominatedNode !== nominated
  if (condition === undefined && !isNomination) return undefined
  return {
    // Another Pod of the same name must not get it.
    metadata: { uid: pod.metadata.uid },
    status: {
      ...(condition === undefined ? {} : { conditions: [condition] }),
      ...(isNomination ? { nominatedNodeName: change.nominatedNode === '' ? null : change.nominatedNode } : {}),
    },
  }
}

/** Takes back what was told, and says nothing else. */
export const withdrawal = ({ metadata }: FrozenPod, told: string | undefined): object | undefined =>
  told === undefined ? undefined : { metadata: { uid: metadata.uid }, status: { nominatedNodeName: null } }

function changedCondition(
  pod: FrozenPod,
  { reason, message }: PodStatusChange,
  clock: Clock,
): PodCondition | undefined {
  const old = pod.status?.conditions?.find(({ type }) => type === CONDITION)
  const { generation } = pod.metadata
  const isSame =
    old?.status === 'False' && old.reason === reason && old.message === message && old.observedGeneration === generation
  if (isSame) return undefined
  const isTransition = old?.status !== 'False' || old.lastTransitionTime === undefined
  return {
    type: CONDITION,
    status: 'False',
    reason,
    message,
    lastTransitionTime: isTransition ? formatTime(clock.now()) : (old.lastTransitionTime ?? ''),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  }
}

export async function patchPodStatus(
  client: Client,
  pod: FrozenPod,
  patch: object,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = '', name = '' } = pod.metadata
  await client.patch(PODS, { namespace, name }, { type: 'strategic', body: patch }, { subresource: 'status', signal })
}
