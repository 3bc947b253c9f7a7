/**
 * A Pod's simulated life: containers are started in kubelet's order, end by their plan, are started again with backoff, and
 * stop when the Pod must. Only moves the simulated containers; pod-status.ts says what the API sees of it.
 * Upstream: pkg/kubelet/kuberuntime/kuberuntime_manager.go computePodActions, kubelet.go SyncPod, SyncTerminatingPod.
 */
import type { Container, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ContainerRole, PodBehaviour } from './behaviour.ts'
import { ContainerRun } from './container-run.ts'
import { FailingPull } from './image-pull.ts'
import { restartsAfter } from './restart-policy.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenContainer = DeepReadonly<Container>

export interface StepContext {
  readonly pod: FrozenPod
  readonly behaviour: PodBehaviour
  readonly nowMs: number
  readonly random: Random
}

/** Something users are told of as an Event. */
export interface Happening {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** Why a Pod is made to fail by its node. */
export interface PodFailure {
  readonly reason: string
  readonly message: string
}

const DEADLINE_EXCEEDED: PodFailure = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
}
const KILLED_EXIT_CODE = 137

export class PodRun {
  readonly containers: ContainerRun[] = []
  /** When the node took the Pod up. */
  readonly acceptedMs: number
  /** When its network and images are there. */
  readyToStartMs: number
  /** The node refused or ended it. */
  failure: PodFailure | undefined
  /** Nothing runs any more and nothing will. */
  isStopped = false
  #happenings: Happening[] = []
  /** Its containers have been asked to end. */
  #stop: { readonly askedMs: number; readonly delayMs: number } | undefined

  constructor(acceptedMs: number, startDelayMs: number) {
    this.acceptedMs = acceptedMs
    this.readyToStartMs = acceptedMs + startDelayMs
  }

  container(name: string, role: ContainerRole): ContainerRun {
    const known = this.containers.find((run) => run.name === name)
    if (known !== undefined) return known
    const added = new ContainerRun(name, role)
    this.containers.push(added)
    return added
  }

  /** What happened since the last call. */
  takeHappenings(): readonly Happening[] {
    const taken = this.#happenings
    if (taken.length > 0) this.#happenings = []
    return taken
  }

  hasSandbox(nowMs: number): boolean {
    return nowMs >= this.readyToStartMs && !this.isStopped
  }

  /** Moves to `nowMs`. Returns when there is something to do again, Infinity for never. */
  step(context: StepContext): number {
    if (this.isStopped) return Number.POSITIVE_INFINITY
    const { pod, nowMs } = context
    const deadlineMs = this.acceptedMs + (pod.spec.activeDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1_000
    if (this.failure === undefined && nowMs >= deadlineMs) this.failure = DEADLINE_EXCEEDED
    if (pod.metadata.deletionTimestamp !== undefined || this.failure !== undefined) return this.#end(context)
    if (nowMs < this.readyToStartMs) return Math.min(this.readyToStartMs, deadlineMs)
    return Math.min(this.#run(context), deadlineMs)
  }

  /** Containers end after the Pod's stop delay, never later than its grace period allows. */
  #end({ pod, behaviour, nowMs }: StepContext): number {
    const { deletionGracePeriodSeconds, deletionTimestamp } = pod.metadata
    const graceMs = (deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30) * 1_000
    if (this.#stop === undefined) {
      const isAnyRunning = this.containers.some(({ state }) => state === 'running')
      for (const { name, state } of this.containers)
        if (state === 'running') this.#tell('Normal', 'Killing', `Stopping container ${name}`)
      this.#stop = { askedMs: nowMs, delayMs: isAnyRunning ? behaviour.stopDelayMs() : 0 }
    }
    // A later request may shorten the grace period; it counts from then.
    const limitMs = deletionTimestamp === undefined ? this.#stop.askedMs + graceMs : Date.parse(deletionTimestamp)
    const dueMs = this.#stop.askedMs + this.#stop.delayMs
    const isKilled = dueMs > limitMs
    if (nowMs < Math.min(dueMs, limitMs)) return Math.min(dueMs, limitMs)
    const exitCode = isKilled ? KILLED_EXIT_CODE : behaviour.stopExitCode()
    for (const run of this.containers)
      if (run.state === 'running') run.exit(run.role === 'sidecar' ? 0 : exitCode, nowMs)
    this.isStopped = true
    return Number.POSITIVE_INFINITY
  }

  #run(context: StepContext): number {
    const { pod, nowMs } = context
    let nextMs = Number.POSITIVE_INFINITY
    for (const container of pod.spec.initContainers ?? []) {
      const isSidecar = container.restartPolicy === 'Always'
      const run = this.container(container.name, isSidecar ? 'sidecar' : 'init')
      nextMs = Math.min(nextMs, this.#settle(run, container, context))
      if (
        isSidecar ? !run.isStarted(nowMs) && !this.#hasStartedMain() : !(run.state === 'exited' && run.exitCode === 0)
      ) {
        if (run.state !== 'exited' || isSidecar || restartsAfter(pod, container, run.exitCode)) return nextMs
        return this.#finish(nowMs)
      }
    }
    for (const container of pod.spec.containers)
      nextMs = Math.min(nextMs, this.#settle(this.container(container.name, 'main'), container, context))
    for (const container of pod.spec.ephemeralContainers ?? [])
      nextMs = Math.min(nextMs, this.#settle(this.container(container.name, 'ephemeral'), container, context))
    const isDone = pod.spec.containers.every((container) => {
      const run = this.container(container.name, 'main')
      return run.state === 'exited' && !restartsAfter(pod, container, run.exitCode)
    })
    return isDone ? this.#finish(nowMs) : nextMs
  }

  #tell(type: Happening['type'], reason: string, message: string): void {
    this.#happenings.push({ type, reason, message })
  }

  /** Once a wait, not once a look. */
  #tellBackOff(run: ContainerRun, { metadata }: FrozenPod): void {
    if (run.toldAttempt === run.attempt) return
    run.toldAttempt = run.attempt
    const { name = '', namespace = '', uid = '' } = metadata
    const message = `Back-off restarting failed container ${run.name} in pod ${name}_${namespace}(${uid})`
    this.#tell('Warning', 'BackOff', message)
  }

  #hasStartedMain(): boolean {
    return this.containers.some(({ role, state }) => role === 'main' && state !== 'none')
  }

  /** Its work is over: sidecars and debuggers end. */
  #finish(nowMs: number): number {
    for (const run of this.containers) if (run.state === 'running') run.exit(0, nowMs)
    this.isStopped = true
    return Number.POSITIVE_INFINITY
  }

  /** Another image is pulled anew, without the waits of the one before. */
  #failPull(run: ContainerRun, { image = '' }: FrozenContainer, nowMs: number): number {
    if (run.pull?.image !== image) run.pull = new FailingPull(image)
    const { pull } = run
    const happened = pull.step(nowMs)
    if (happened === 'attempt') {
      this.#tell('Normal', 'Pulling', `Pulling image "${image}"`)
      this.#tell('Warning', 'Failed', `Failed to pull image "${image}": ${pull.error}`)
      this.#tell('Warning', 'Failed', 'Error: ErrImagePull')
    } else if (happened === 'backoff') {
      this.#tell('Normal', 'BackOff', `Back-off pulling image "${image}"`)
      this.#tell('Warning', 'Failed', 'Error: ImagePullBackOff')
    }
    return pull.nextMs(nowMs)
  }

  /** Brings one container to `nowMs`. A main container never ends in the step that started it: the API sees it run. */
  #settle(run: ContainerRun, container: FrozenContainer, context: StepContext): number {
    const { pod, behaviour, nowMs, random } = context
    const start = (): void => {
      const attempt = run.state === 'none' ? 0 : run.attempt + 1
      run.start(behaviour.plan(container, run.role, attempt), container.image ?? '', nowMs, random)
      this.#tell('Normal', 'Started', 'Container started')
    }
    if (run.state === 'none') {
      if (behaviour.isImageMissing(container)) return this.#failPull(run, container, nowMs)
      start()
      if (run.role !== 'init') return nextOf(run, nowMs)
    }
    // Another image is another container, and nobody's failure.
    const isReplaced = run.state === 'running' && container.image !== undefined && run.image !== container.image
    if (isReplaced || (run.state === 'running' && nowMs >= run.endMs)) {
      if (isReplaced) this.#tell('Normal', 'Killing', `Container ${run.name} definition changed, will be restarted`)
      run.exit(...endOf(run, isReplaced), nowMs)
      if (isReplaced) run.backoffMs = 0
    }
    if (run.state === 'running') return nextOf(run, nowMs)
    if (run.role === 'ephemeral' || !restarts(pod, container, run)) return Number.POSITIVE_INFINITY
    if (!isReplaced && nowMs < run.restartDueMs) {
      this.#tellBackOff(run, pod)
      return run.restartDueMs
    }
    if (behaviour.isImageMissing(container)) return this.#failPull(run, container, nowMs)
    start()
    return nextOf(run, nowMs)
  }
}

function restarts(pod: FrozenPod, container: FrozenContainer, run: ContainerRun): boolean {
  if (run.role === 'init' && run.exitCode === 0) return false
  return restartsAfter(pod, container, run.exitCode)
}

function endOf(run: ContainerRun, isReplaced: boolean): [exitCode: number] {
  const { exitAfterMs, killedAfterMs, exitCode = 0 } = run.plan ?? {}
  if (isReplaced) return [0]
  const isKilled = (killedAfterMs ?? Number.POSITIVE_INFINITY) < (exitAfterMs ?? Number.POSITIVE_INFINITY)
  return [isKilled ? KILLED_EXIT_CODE : exitCode]
}

/** The next moment at which something of a running container changes. */
function nextOf(run: ContainerRun, nowMs: number): number {
  const { startedAfterMs = 0, readyAfterMs = Number.POSITIVE_INFINITY } = run.plan ?? {}
  const moments = [run.startedMs + startedAfterMs, run.startedMs + readyAfterMs].filter((ms) => ms > nowMs)
  return Math.min(...moments, run.endMs)
}
