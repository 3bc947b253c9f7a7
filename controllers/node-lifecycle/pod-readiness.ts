/**
 * Pods of a node that is not ready are not ready either: services must stop sending to them, and their kubelet cannot say so.
 * Upstream: pkg/controller/util/node/controller_utils.go MarkPodsNotReady.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder } from '#sdk'
import { patchPodStatus } from '../manager/pod-conditions.ts'

export interface PodReadinessDependencies {
  readonly client: Client
  readonly clock: Clock
  readonly events: EventRecorder
}

/** Marks those that say they are ready; tries all of them before it throws the first error. */
export async function markPodsNotReady(
  pods: readonly DeepReadonly<Pod>[],
  { client, clock, events }: PodReadinessDependencies,
  signal: AbortSignal,
): Promise<void> {
  let error: unknown
  for (const pod of pods) {
    const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')
    if (ready?.status !== 'True') continue
    try {
      await patchPodStatus(client, pod, { condition: { ...ready, status: 'False' } }, { clock, signal })
      events.record(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
    } catch (err: unknown) {
      // Gone, or another Pod of that name by now.
      if (!isNotFound(err) && !isConflict(err)) error ??= err
    }
  }
  if (error !== undefined) throw error
}
