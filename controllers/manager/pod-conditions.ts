/** Patches of a Pod's status that controllers make. Upstream: pkg/api/v1/pod/util.go UpdatePodCondition, pkg/util/pod. */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, PodCondition, PodStatus } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenPod = DeepReadonly<Pod>

/** Why a Pod is about to be deleted by the control plane. */
export interface Disruption {
  readonly reason: string
  readonly message: string
}

/** The condition as it has to be written, or undefined when the Pod has it already. */
function changedCondition(pod: FrozenPod, wanted: PodCondition, now: Date): PodCondition | undefined {
  const current = pod.status?.conditions?.find(({ type }) => type === wanted.type)
  const isSame =
    current?.status === wanted.status && current.reason === wanted.reason && current.message === wanted.message
  if (isSame && current.observedGeneration === wanted.observedGeneration) return undefined
  const isTransition = current?.status !== wanted.status
  const since = isTransition ? formatTime(now) : current.lastTransitionTime
  return since === undefined ? wanted : { ...wanted, lastTransitionTime: since }
}

/** The condition `DisruptionTarget`, as written by whoever deletes the Pod. */
export function disruptionTarget(pod: FrozenPod, { reason, message }: Disruption): PodCondition {
  return { type: 'DisruptionTarget', ...observedGeneration(pod), status: 'True', reason, message }
}

/** Of which spec a status or condition speaks; nothing for Pods from before there were generations. */
export function observedGeneration({ metadata }: FrozenPod): { observedGeneration?: number } {
  const { generation = 0 } = metadata
  return generation === 0 ? {} : { observedGeneration: generation }
}

/** Merges into the status; bound to the Pod's UID. Nothing to change: no request. */
export async function patchPodStatus(
  client: Client,
  pod: FrozenPod,
  changes: { readonly phase?: string; readonly condition?: PodCondition },
  options: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const condition =
    changes.condition === undefined ? undefined : changedCondition(pod, changes.condition, options.clock.now())
  const status: Partial<PodStatus> = {
    ...(changes.phase === undefined ? {} : { phase: changes.phase, ...observedGeneration(pod) }),
    ...(condition === undefined ? {} : { conditions: [condition] }),
  }
  if (Object.keys(status).length === 0) return
  const body = { metadata: { uid: pod.metadata.uid }, status }
  await client.patch(
    PODS,
    objectKeyOf(pod),
    { type: 'strategic', body },
    { subresource: 'status', signal: options.signal },
  )
}
