/**
 * Carries a preemption out: victims are told why (condition DisruptionTarget, event) and deleted gracefully; Pods of lower
 * priority that wait for the same node are told to wait no longer.
 *
 * Writes: pods/status, pods (delete), events. Upstream: pkg/scheduler/framework/preemption/executor.go (v1.36).
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { FrozenPod, PluginHandle } from '../../framework/interfaces.ts'
import { podKey } from '../../framework/pod-info.ts'

type Tools = Pick<PluginHandle, 'client' | 'clock' | 'events' | 'waitingPod' | 'podInPreBind'>

export const PLUGIN = 'DefaultPreemption'

const CONDITION = 'DisruptionTarget'
const REASON = 'PreemptionByScheduler'

/** On its way out because the scheduler wanted its place. */
export function isLeavingForPreemption({ metadata, status }: FrozenPod): boolean {
  if (metadata.deletionTimestamp === undefined) return false
  const condition = status?.conditions?.find(({ type }) => type === CONDITION)
  return condition?.status === 'True' && condition.reason === REASON
}

/** Resolves when the victims are marked and being deleted, or taken back. One that is gone already is as good. */
export async function evict(
  tools: Tools,
  victims: readonly FrozenPod[],
  preemptor: FrozenPod,
  nodeName: string,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(victims.map((victim) => evictOne(tools, victim, preemptor, nodeName, signal)))
}

async function evictOne(
  tools: Tools,
  victim: FrozenPod,
  preemptor: FrozenPod,
  nodeName: string,
  signal: AbortSignal,
): Promise<void> {
  const message = `Preempted by pod ${preemptor.metadata.uid} on node ${nodeName}`
  if (takeBack(tools, victim))
    tools.events.record(victim, 'Normal', 'Preempted', `${message} (in kube-scheduler memory).`)
  else if (await deleteVictim(tools, victim, preemptor, signal))
    tools.events.record(victim, 'Normal', 'Preempted', message)
}

/** True: the victim was not on its node yet, and will not come. */
function takeBack({ waitingPod, podInPreBind }: Tools, victim: FrozenPod): boolean {
  const key = podKey(victim)
  const waiting = waitingPod(key)
  if (waiting !== undefined) return waiting.preempt(PLUGIN, 'preempted')
  const binding = podInPreBind(key)
  binding?.cancel(`preempted by ${PLUGIN}`)
  return binding !== undefined
}

/** False: it is gone already. */
async function deleteVictim(
  { client, clock }: Tools,
  victim: FrozenPod,
  preemptor: FrozenPod,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace = '', name = '', uid = '' } = victim.metadata
  const key = { namespace, name }
  const patch = conditionPatch(victim, preemptor.spec.schedulerName ?? 'default-scheduler', clock.now())
  const marked = await client
    .patch(PODS, key, { type: 'strategic', body: patch }, { subresource: 'status', signal })
    .catch(undefinedIfNotFound)
  if (marked === undefined) return false
  const deleted = await client.delete(PODS, key, { preconditions: { uid }, signal }).catch(undefinedIfNotFound)
  return deleted !== undefined
}

/** With the UID, so that a Pod that took the name meanwhile is not marked. */
function conditionPatch({ metadata, status }: FrozenPod, schedulerName: string, now: Date): object {
  const old = status?.conditions?.find(({ type }) => type === CONDITION)
  const lastTransitionTime = old?.status === 'True' ? old.lastTransitionTime : formatTime(now)
  const condition = {
    type: CONDITION,
    status: 'True',
    reason: REASON,
    message: `${schedulerName}: preempting to accommodate a higher priority pod`,
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }),
  }
  return { metadata: { uid: metadata.uid }, status: { conditions: [condition] } }
}

/** They may not fit any more when the preemptor has come, and look for another place sooner this way. */
export async function clearNominations(
  { client }: Pick<Tools, 'client'>,
  pods: readonly FrozenPod[],
  signal: AbortSignal,
): Promise<void> {
  const body = { status: { nominatedNodeName: null } }
  const nominated = pods.filter(({ status }) => (status?.nominatedNodeName ?? '') !== '')
  await Promise.all(
    nominated.map(({ metadata }) => {
      const key = { namespace: metadata.namespace ?? '', name: metadata.name ?? '' }
      const options = { subresource: 'status', signal }
      return client.patch(PODS, key, { type: 'merge', body }, options).catch(undefinedIfNotFound)
    }),
  )
}
