/** The whole status a kubelet would write for a simulated Pod. Pure. Upstream: pkg/kubelet/kubelet_pods.go generateAPIPodStatus. */
import type { Container, ContainerStatus, Pod, PodStatus } from '#machinery/api/core/v1/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { PodBehaviour } from './behaviour.ts'
import { podConditions } from './conditions.ts'
import type { ContainerStatusContext } from './container-status.ts'
import { containerStatus } from './container-status.ts'
import type { Phase } from './phase.ts'
import { podPhase } from './phase.ts'
import type { PodFailure, PodRun } from './pod-run.ts'

export interface PodStatusFacts {
  readonly pod: DeepReadonly<Pod>
  readonly run: PodRun
  readonly behaviour: PodBehaviour
  readonly nowMs: number
  readonly hostIP: string
  /** Undefined until the Pod has a network. */
  readonly podIP: string | undefined
}

export function podStatus(facts: PodStatusFacts): PodStatus {
  const { pod, run, behaviour, nowMs, hostIP, podIP } = facts
  const before = deepCopy<PodStatus>(pod.status ?? {})
  const hasSandbox = run.hasSandbox(nowMs)
  const context: ContainerStatusContext = { pod, behaviour, nowMs, hasSandbox, isStopped: run.isStopped }
  const of = (containers: readonly DeepReadonly<Container>[] = []): ContainerStatus[] =>
    containers.map((container) =>
      containerStatus(
        container,
        run.containers.find(({ name }) => name === container.name),
        context,
      ),
    )
  const [init, main] = [of(pod.spec.initContainers), of(pod.spec.containers)]
  const ephemeral = of(pod.spec.ephemeralContainers)
  const phase = run.failure === undefined ? podPhase(pod, [...init, ...main], run.isStopped) : 'Failed'
  return {
    ...before,
    ...observed(pod),
    phase,
    conditions: podConditions({ pod, phase, statuses: [...init, ...main], hasSandbox, nowMs }),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP === undefined ? {} : { podIP, podIPs: [{ ip: podIP }] }),
    startTime: before.startTime ?? formatTime(new Date(run.acceptedMs)),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: main,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    ...run.failure,
  }
}

/** A Pod the node will not run. Upstream: pkg/kubelet/kubelet.go rejectPod. */
export function rejectedStatus(pod: DeepReadonly<Pod>, { reason, message }: PodFailure, nowMs: number): PodStatus {
  const before = deepCopy<PodStatus>(pod.status ?? {})
  const phase: Phase = 'Failed'
  return {
    ...before,
    ...observed(pod),
    phase,
    reason,
    message: `Pod was rejected: ${message}`,
    startTime: before.startTime ?? formatTime(new Date(nowMs)),
  }
}

function observed({ metadata }: DeepReadonly<Pod>): Pick<PodStatus, 'observedGeneration'> {
  return metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }
}
