/** One simulated container over all its restarts: what a container runtime would know of it. No API types here but its end. */
import type { ContainerStateTerminated } from '#machinery/api/core/v1/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { Random } from '#machinery/util/random.ts'
import type { ContainerRole, RunPlan } from './behaviour.ts'
import type { FailingPull } from './image-pull.ts'
import { BACKOFF_MAX_MS, nextBackoffMs } from './restart-policy.ts'

const RUNTIME = 'simulated://'
const ID_BYTES = 32

/** Times are wall-clock milliseconds. */
export class ContainerRun {
  readonly name: string
  readonly role: ContainerRole
  state: 'none' | 'running' | 'exited' = 'none'
  id = ''
  image = ''
  /** Restarts so far. */
  attempt = 0
  startedMs = 0
  finishedMs = 0
  exitCode = 0
  reason = ''
  /** Of the current run. */
  plan: RunPlan | undefined
  /** How the run before the current one ended. */
  previous: ContainerStateTerminated | undefined
  /** Its image cannot be pulled, which keeps it from starting. */
  pull: FailingPull | undefined
  /** The wait after the next end. */
  backoffMs = 0
  /** The attempt after which users were told of the wait. */
  toldAttempt = -1
  #backoffSetMs = 0

  constructor(name: string, role: ContainerRole) {
    this.name = name
    this.role = role
  }

  get containerID(): string {
    return this.id === '' ? '' : RUNTIME + this.id
  }

  /** When a run that ended may be followed by the next. */
  get restartDueMs(): number {
    return this.finishedMs + this.backoffMs
  }

  get endMs(): number {
    const { exitAfterMs, killedAfterMs } = this.plan ?? {}
    return this.startedMs + Math.min(exitAfterMs ?? Number.POSITIVE_INFINITY, killedAfterMs ?? Number.POSITIVE_INFINITY)
  }

  isStarted(nowMs: number): boolean {
    return this.state === 'running' && nowMs >= this.startedMs + (this.plan?.startedAfterMs ?? 0)
  }

  isReady(nowMs: number): boolean {
    if (this.role === 'init') return this.state === 'exited' && this.exitCode === 0
    const readyAfterMs = this.plan?.readyAfterMs
    return this.isStarted(nowMs) && readyAfterMs !== undefined && nowMs >= this.startedMs + readyAfterMs
  }

  /** The wait that as many restarts have led to, the last of them at `lastMs`. */
  restoreBackoff(restarts: number, lastMs: number): void {
    for (let i = 0; i < restarts && this.backoffMs < BACKOFF_MAX_MS; i++) this.backoffMs = nextBackoffMs(this.backoffMs)
    this.#backoffSetMs = lastMs
  }

  start(plan: RunPlan, image: string, nowMs: number, random: Random): void {
    if (this.state === 'exited') {
      this.previous = this.terminated()
      this.attempt++
      this.backoffMs = nextBackoffMs(this.backoffMs)
      this.#backoffSetMs = nowMs
    }
    this.state = 'running'
    this.pull = undefined
    this.plan = plan
    this.image = image
    this.id = random.bytes(ID_BYTES).toString('hex')
    this.startedMs = nowMs
  }

  exit(exitCode: number, nowMs: number, reason = exitCode === 0 ? 'Completed' : 'Error'): void {
    this.state = 'exited'
    this.exitCode = exitCode
    this.finishedMs = nowMs
    this.reason = reason
    // Long after the last crash the next one is the first again.
    if (nowMs - this.#backoffSetMs > 2 * BACKOFF_MAX_MS) this.backoffMs = 0
  }

  terminated(): ContainerStateTerminated {
    return {
      exitCode: this.exitCode,
      reason: this.reason,
      startedAt: formatTime(new Date(this.startedMs)),
      finishedAt: formatTime(new Date(this.finishedMs)),
      ...(this.id === '' ? {} : { containerID: this.containerID }),
    }
  }
}
