/**
 * Pods that were to be disrupted (condition DisruptionTarget) and after two minutes are not being deleted: the condition
 * becomes False. Upstream: pkg/controller/disruption/disruption.go syncStalePodDisruption.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Result } from '#sdk'
import { DONE, requeueAfter } from '#sdk'
import { observedGeneration } from '../manager/pod-conditions.ts'

const DISRUPTION_TARGET = 'DisruptionTarget'
const STALE_MS = 2 * 60_000

/** How long until the condition is stale: 0 when it is, undefined when it never will be. */
export function staleInMs(pod: DeepReadonly<Pod>, nowMs: number): number | undefined {
  const { metadata, status } = pod
  if (metadata.deletionTimestamp !== undefined || status?.phase === 'Succeeded' || status?.phase === 'Failed')
    return undefined
  const condition = status?.conditions?.find(({ type }) => type === DISRUPTION_TARGET)
  // The kubelet takes the time it needs.
  if (condition?.status !== 'True' || condition.reason === 'TerminationByKubelet') return undefined
  return Math.max(0, (Date.parse(condition.lastTransitionTime ?? '') || 0) + STALE_MS - nowMs)
}

export async function resetStaleCondition(
  pod: DeepReadonly<Pod> | undefined,
  client: Client,
  clock: Clock,
  signal: AbortSignal,
): Promise<Result> {
  const delayMs = pod === undefined ? undefined : staleInMs(pod, clock.nowMs())
  if (pod === undefined || delayMs === undefined) return DONE
  if (delayMs > 0) return requeueAfter(delayMs)
  const draft = deepCopy<Pod>(pod)
  const lastTransitionTime = formatTime(clock.now())
  draft.status = {
    ...draft.status,
    conditions: (draft.status?.conditions ?? []).map((condition) =>
      condition.type === DISRUPTION_TARGET
        ? { type: DISRUPTION_TARGET, ...observedGeneration(pod), status: 'False', lastTransitionTime }
        : condition,
    ),
  }
  await client.update(PODS, draft, { subresource: 'status', signal })
  return DONE
}

/** Pods are keys beside the budgets', marked as no object's name can be. */
const POD_MARK = '!'

export function podKeyOf(pod: DeepReadonly<Pod>): ObjectKey {
  const { namespace = '', name } = objectKeyOf(pod)
  return { namespace, name: `${POD_MARK}${name}` }
}

/** The Pod a key stands for; undefined for the key of a budget. */
export function podOf({ namespace = '', name }: ObjectKey): ObjectKey | undefined {
  return name.startsWith(POD_MARK) ? { namespace, name: name.slice(POD_MARK.length) } : undefined
}
