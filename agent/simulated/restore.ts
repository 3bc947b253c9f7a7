/** A simulated Pod's life as its status tells it: what a process that starts anew knows of Pods it ran before. */
import type { Container, ContainerStatus, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ContainerRole, PodBehaviour } from './behaviour.ts'
import { PodRun } from './pod-run.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenStatus = DeepReadonly<ContainerStatus>
type FrozenContainer = DeepReadonly<Container>

/** Only for a Pod that has a startTime. */
export function restorePodRun(pod: FrozenPod, behaviour: PodBehaviour): PodRun {
  const { status = {}, spec } = pod
  const run = new PodRun(Date.parse(status.startTime ?? ''), behaviour.startDelayMs())
  const hadSandbox = status.conditions?.find(({ type }) => type === 'PodReadyToStartContainers')?.status === 'True'
  if (hadSandbox) run.readyToStartMs = run.acceptedMs
  const restore = (containers: readonly FrozenContainer[] = [], statuses: readonly FrozenStatus[] = []): void => {
    for (const container of containers) {
      const known = statuses.find(({ name }) => name === container.name)
      if (known !== undefined) restoreContainer(run, container, known, pod, behaviour)
    }
  }
  restore(spec.initContainers, status.initContainerStatuses)
  restore(spec.containers, status.containerStatuses)
  restore(spec.ephemeralContainers, status.ephemeralContainerStatuses)
  return run
}

function restoreContainer(
  pod: PodRun,
  container: FrozenContainer,
  status: FrozenStatus,
  { spec }: FrozenPod,
  behaviour: PodBehaviour,
): void {
  const run = pod.container(container.name, roleOf(spec, container))
  const { running, waiting } = status.state ?? {}
  const ended = status.state?.terminated ?? (waiting && status.lastState?.terminated)
  if (running === undefined && ended === undefined) return
  run.attempt = status.restartCount
  run.id = idOf(running === undefined ? ended?.containerID : status.containerID)
  run.image = status.image
  run.plan = behaviour.plan(container, run.role, run.attempt)
  if (running !== undefined) {
    run.state = 'running'
    run.startedMs = Date.parse(running.startedAt ?? '')
    run.restoreBackoff(run.attempt, run.startedMs)
    if (status.lastState?.terminated !== undefined) run.previous = { ...status.lastState.terminated }
    return
  }
  if (ended === undefined) return
  run.state = 'exited'
  run.exitCode = ended.exitCode
  run.reason = ended.reason ?? ''
  run.startedMs = Date.parse(ended.startedAt ?? '')
  run.restoreBackoff(run.attempt, run.startedMs)
  run.finishedMs = Date.parse(ended.finishedAt ?? '')
  const isPrevious = status.state?.terminated !== undefined && status.lastState?.terminated !== undefined
  if (isPrevious) run.previous = { ...status.lastState.terminated }
}

function roleOf(spec: FrozenPod['spec'], container: FrozenContainer): ContainerRole {
  if (spec.containers.some(({ name }) => name === container.name)) return 'main'
  if (spec.initContainers?.some(({ name }) => name === container.name))
    return container.restartPolicy === 'Always' ? 'sidecar' : 'init'
  return 'ephemeral'
}

const idOf = (containerID = ''): string => containerID.slice(containerID.indexOf('://') + 3)
