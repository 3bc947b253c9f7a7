/** What the API sees of a simulated container. Upstream: pkg/kubelet/kubelet_pods.go convertToAPIContainerStatuses, prober/prober_manager.go UpdatePodStatus. */
import type { Container, ContainerState, ContainerStatus, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { PodBehaviour } from './behaviour.ts'
import type { ContainerRun } from './container-run.ts'
import type { FailingPull } from './image-pull.ts'
import { restartsAfter } from './restart-policy.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenContainer = DeepReadonly<Container>

export interface ContainerStatusContext {
  readonly pod: FrozenPod
  readonly behaviour: PodBehaviour
  readonly nowMs: number
  /** The Pod's network and images are there. */
  readonly hasSandbox: boolean
  readonly isStopped: boolean
}

/** `run` is undefined for a container nobody has looked at yet. */
export function containerStatus(
  container: FrozenContainer,
  run: ContainerRun | undefined,
  context: ContainerStatusContext,
): ContainerStatus {
  const { nowMs } = context
  const { state, lastState } = statesOf(container, run, context)
  const image = run !== undefined && run.image !== '' ? run.image : (container.image ?? '')
  const resources = container.resources === undefined ? {} : deepCopy<object>(container.resources)
  const requests = container.resources?.requests
  const mounts = container.volumeMounts ?? []
  const isCreated = run !== undefined && run.id !== ''
  return {
    name: container.name,
    state,
    lastState,
    ready: (run?.isReady(nowMs) ?? false) && (run?.role === 'init' || !context.behaviour.isHeldBack(container)),
    restartCount: run?.attempt ?? 0,
    image,
    imageID: isCreated ? `simulated://${image}` : '',
    ...(isCreated ? { containerID: run.containerID } : {}),
    started: run?.isStarted(nowMs) ?? false,
    ...(requests === undefined ? {} : { allocatedResources: { ...requests } }),
    resources,
    ...(mounts.length === 0 ? {} : { volumeMounts: mounts.map(mountStatus) }),
  }
}

function mountStatus({
  name,
  mountPath,
  readOnly,
  recursiveReadOnly,
}: NonNullable<FrozenContainer['volumeMounts']>[number]) {
  if (readOnly !== true) return { name, mountPath }
  const isRecursive = recursiveReadOnly === 'Enabled' || recursiveReadOnly === 'IfPossible'
  return { name, mountPath, readOnly, recursiveReadOnly: isRecursive ? 'Enabled' : 'Disabled' }
}

function statesOf(
  container: FrozenContainer,
  run: ContainerRun | undefined,
  context: ContainerStatusContext,
): { readonly state: ContainerState; readonly lastState: ContainerState } {
  const { pod, hasSandbox, isStopped, nowMs } = context
  const lastState = run?.previous === undefined ? {} : { terminated: run.previous }
  if (run?.state === 'running')
    return { state: { running: { startedAt: formatTime(new Date(run.startedMs)) } }, lastState }
  if (hasSandbox && run?.pull !== undefined) {
    const isAfterRun = run.state === 'exited'
    return {
      state: { waiting: pullFailure(run.pull, nowMs) },
      lastState: isAfterRun ? { terminated: run.terminated() } : lastState,
    }
  }
  if (run?.state === 'exited') {
    const isRestarting =
      !isStopped && run.role !== 'ephemeral' && nowMs < run.restartDueMs && willRestart(pod, container, run)
    if (!isRestarting) return { state: { terminated: run.terminated() }, lastState }
    return { state: { waiting: backOff(pod, run) }, lastState: { terminated: run.terminated() } }
  }
  const hasInit = (pod.spec.initContainers ?? []).length > 0
  return { state: { waiting: { reason: hasInit ? 'PodInitializing' : 'ContainerCreating' } }, lastState }
}

function pullFailure(pull: FailingPull, nowMs: number): { readonly reason: string; readonly message: string } {
  if (!pull.isWaiting(nowMs)) return { reason: 'ErrImagePull', message: pull.error }
  return { reason: 'ImagePullBackOff', message: `Back-off pulling image "${pull.image}": ErrImagePull: ${pull.error}` }
}

function willRestart(pod: FrozenPod, container: FrozenContainer, run: ContainerRun): boolean {
  return !(run.role === 'init' && run.exitCode === 0) && restartsAfter(pod, container, run.exitCode)
}

function backOff({ metadata }: FrozenPod, run: ContainerRun): { readonly reason: string; readonly message: string } {
  const { name = '', namespace = '', uid = '' } = metadata
  const wait = durationText(run.backoffMs / 1_000)
  const message = `back-off ${wait} restarting failed container=${run.name} pod=${name}_${namespace}(${uid})`
  return { reason: 'CrashLoopBackOff', message }
}

/** As Go prints a time.Duration of whole seconds. */
function durationText(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
