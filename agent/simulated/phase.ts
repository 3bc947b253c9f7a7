/** The phase that follows from the containers. Pure. Upstream: pkg/kubelet/kubelet_pods.go getPhase. */
import type { Container, ContainerStatus, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { restartsAfter } from './restart-policy.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenContainer = DeepReadonly<Container>
export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

interface Counts {
  pendingInit: number
  pendingSidecars: number
  failedInit: number
  unknown: number
  running: number
  waiting: number
  stopped: number
  stoppedForGood: number
  succeeded: number
}

/** `isTerminal`: nothing of the Pod will be started again, whatever its restart policy. */
export function podPhase(pod: FrozenPod, statuses: readonly ContainerStatus[], isTerminal: boolean): Phase {
  const counts = countContainers(pod, statuses)
  if (counts.failedInit > 0) return 'Failed'
  const hasStartedMain = pod.spec.containers.some(({ name }) => {
    const state = find(statuses, name)?.state
    return state?.running !== undefined || state?.terminated !== undefined
  })
  const isInitializing = counts.pendingInit > 0 || (counts.pendingSidecars > 0 && !hasStartedMain)
  if (isInitializing || counts.waiting > 0 || counts.unknown > 0) return 'Pending'
  if (counts.running > 0) return 'Running'
  if (counts.stopped === 0) return 'Pending'
  if (!isTerminal && counts.stopped !== counts.stoppedForGood) return 'Running'
  return counts.stopped === counts.succeeded ? 'Succeeded' : 'Failed'
}

function countContainers(pod: FrozenPod, statuses: readonly ContainerStatus[]): Counts {
  const counts: Counts = {
    pendingInit: 0,
    pendingSidecars: 0,
    failedInit: 0,
    unknown: 0,
    running: 0,
    waiting: 0,
    stopped: 0,
    stoppedForGood: 0,
    succeeded: 0,
  }
  for (const container of pod.spec.initContainers ?? []) {
    const status = find(statuses, container.name)
    if (container.restartPolicy === 'Always') countSidecar(status, counts)
    else countInit(pod, container, status, counts)
  }
  for (const container of pod.spec.containers) countMain(pod, container, find(statuses, container.name), counts)
  return counts
}

function countInit(
  pod: FrozenPod,
  container: FrozenContainer,
  status: ContainerStatus | undefined,
  counts: Counts,
): void {
  const ended = status?.state?.terminated ?? (status?.state?.waiting && status.lastState?.terminated)
  if (ended === undefined) counts.pendingInit++
  else if (ended.exitCode !== 0) {
    // One that is going to be started again keeps the Pod pending.
    if (restartsAfter(pod, container, ended.exitCode)) counts.pendingInit++
    else counts.failedInit++
  }
}

function countSidecar(status: ContainerStatus | undefined, counts: Counts): void {
  if (status === undefined) counts.unknown++
  else if (status.state?.running !== undefined) {
    if (status.started !== true) counts.pendingSidecars++
    counts.running++
  } else if (status.state?.waiting !== undefined && status.lastState?.terminated === undefined) {
    counts.pendingSidecars++
    counts.waiting++
  }
}

function countMain(
  pod: FrozenPod,
  container: FrozenContainer,
  status: ContainerStatus | undefined,
  counts: Counts,
): void {
  const { state, lastState } = status ?? {}
  const ended = state?.terminated ?? (state?.waiting && lastState?.terminated)
  if (state === undefined) counts.unknown++
  else if (state.running !== undefined) counts.running++
  else if (ended === undefined) counts.waiting++
  else {
    counts.stopped++
    if (!restartsAfter(pod, container, ended.exitCode)) counts.stoppedForGood++
    if (ended.exitCode === 0) counts.succeeded++
  }
}

const find = (statuses: readonly ContainerStatus[], name: string): ContainerStatus | undefined =>
  statuses.find((status) => status.name === name)
