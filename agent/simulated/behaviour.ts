/**
 * How the containers of one Pod behave: from its annotations, from the command where that says it (`false`, `sleep 5`), from
 * its probes' delays. Pure but for the dice. docs/simulated-nodes.md is the list for users.
 */
import type { Container, Pod, Probe } from '#machinery/api/core/v1/types.gen.ts'
import { parseDurationMs } from '#machinery/util/go-duration.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { commandOutcome } from './command.ts'
import { isImageOfNobody } from './image-pull.ts'
import { ANNOTATION_PREFIX } from './interfaces.ts'

export type ContainerRole = 'init' | 'sidecar' | 'main' | 'ephemeral'

type FrozenPod = DeepReadonly<Pod>
type FrozenContainer = DeepReadonly<Container>
type FrozenProbe = DeepReadonly<Probe>

/** What one run of a container will do. Times are counted from its start. */
export interface RunPlan {
  /** Undefined: runs until it is stopped. */
  readonly exitAfterMs: number | undefined
  readonly exitCode: number
  /** Its startup probe passes. */
  readonly startedAfterMs: number
  /** Undefined: never ready. */
  readonly readyAfterMs: number | undefined
  /** Its liveness or startup probe has failed often enough to have it killed. */
  readonly killedAfterMs: number | undefined
}

export interface BehaviourOptions {
  readonly random: Random
  readonly jobDurationMs: number
}

const FAILED_EXIT_CODE = 1
/** What ends without finishing its work must not count as a success. */
const INTERRUPTED_EXIT_CODE = 143

export class PodBehaviour {
  /** As it is now. */
  pod: FrozenPod
  readonly #options: BehaviourOptions
  /** Annotations that could not be read, as sentences. */
  readonly problems: string[] = []

  constructor(pod: FrozenPod, options: BehaviourOptions) {
    this.pod = pod
    this.#options = options
  }

  /** From admission to the first container: network, volumes, image pulls. */
  startDelayMs(): number {
    return this.#delay('start-delay') ?? 0
  }

  /** From the request to stop until the containers have ended. */
  stopDelayMs(): number {
    return this.#delay('stop-delay') ?? 0
  }

  stopExitCode(): number {
    const isLongRunning = (this.pod.spec.restartPolicy ?? 'Always') === 'Always'
    return this.#integer('stop-exit-code') ?? (isLongRunning ? 0 : INTERRUPTED_EXIT_CODE)
  }

  /** The image of this container cannot be pulled: its Pod says so, or else its name. */
  isImageMissing({ name, image = '' }: FrozenContainer): boolean {
    const declared = this.#text('image-pull', name)
    if (declared === 'fail' || declared === 'succeed') return declared === 'fail'
    if (declared !== undefined)
      this.problems.push(`${ANNOTATION_PREFIX}image-pull: "${declared}" is neither fail nor succeed`)
    return isImageOfNobody(image)
  }

  /** May change at any time. */
  isHeldBack({ name }: FrozenContainer): boolean {
    return this.#text('ready', name) === 'false'
  }

  /** `attempt` counts restarts from 0. */
  plan(container: FrozenContainer, role: ContainerRole, attempt: number): RunPlan {
    const { exitAfterMs, exitCode } = this.#exit(container, role, attempt)
    const { startupProbe, readinessProbe, livenessProbe } = container
    const startedAfterMs = passesAfterMs(startupProbe)
    const killedAfterMs =
      startedAfterMs === undefined ? failsAfterMs(startupProbe) : killedByLiveness(livenessProbe, startedAfterMs)
    return {
      exitAfterMs,
      exitCode,
      startedAfterMs: startedAfterMs ?? Number.POSITIVE_INFINITY,
      readyAfterMs: this.#readyAfterMs(container, readinessProbe, startedAfterMs),
      killedAfterMs,
    }
  }

  #exit(
    container: FrozenContainer,
    role: ContainerRole,
    attempt: number,
  ): { readonly exitAfterMs: number | undefined; readonly exitCode: number } {
    const isShared = role === 'main'
    const durationMs = this.#delay(
      role === 'init' ? 'init-duration' : 'run-duration',
      container.name,
      isShared || role === 'init',
    )
    const exitCode = this.#integer('exit-code', container.name, isShared)
    const failures = this.#integer('fail-attempts', container.name, isShared) ?? 0
    if (attempt < failures) return { exitAfterMs: durationMs ?? 0, exitCode: exitCode || FAILED_EXIT_CODE }
    const isOutcomeDeclared = durationMs !== undefined || (exitCode !== undefined && failures === 0)
    if (isOutcomeDeclared) return { exitAfterMs: durationMs ?? 0, exitCode: failures > 0 ? 0 : (exitCode ?? 0) }
    const known = commandOutcome(container)
    if (known !== undefined)
      return { exitAfterMs: Number.isFinite(known.afterMs) ? known.afterMs : undefined, exitCode: known.exitCode }
    if (role === 'init') return { exitAfterMs: 0, exitCode: 0 }
    const isJob = role === 'main' && isOfJob(this.pod)
    if (isJob || (failures > 0 && isShared && !this.#isLongRunning()))
      return { exitAfterMs: this.#options.jobDurationMs, exitCode: 0 }
    return { exitAfterMs: undefined, exitCode: 0 }
  }

  #isLongRunning(): boolean {
    return (this.pod.spec.restartPolicy ?? 'Always') === 'Always'
  }

  #readyAfterMs(
    container: FrozenContainer,
    probe: FrozenProbe | undefined,
    startedAfterMs: number | undefined,
  ): number | undefined {
    if (startedAfterMs === undefined) return undefined
    const probeMs = passesAfterMs(probe)
    if (probeMs === undefined) return undefined
    const declaredMs = this.#delay('ready-delay', container.name)
    return declaredMs ?? Math.max(startedAfterMs, probeMs)
  }

  /** `<name>.<container>` before `<name>`. */
  #text(name: string, container?: string, isShared = true): string | undefined {
    const annotations = this.pod.metadata.annotations ?? {}
    const own = container === undefined ? undefined : annotations[`${ANNOTATION_PREFIX}${name}.${container}`]
    return own ?? (isShared ? annotations[ANNOTATION_PREFIX + name] : undefined)
  }

  /** Milliseconds, with the Pod's jitter on top. */
  #delay(name: string, container?: string, isShared = true): number | undefined {
    const declaredMs = this.#duration(name, container, isShared)
    if (declaredMs === undefined) return undefined
    const jitterMs = Math.floor(this.#duration('jitter') ?? 0)
    return declaredMs + (jitterMs > 0 ? this.#options.random.int(jitterMs + 1) : 0)
  }

  #duration(name: string, container?: string, isShared = true): number | undefined {
    const text = this.#text(name, container, isShared)
    if (text === undefined) return undefined
    try {
      return Math.max(0, parseDurationMs(text))
    } catch {
      this.problems.push(`${ANNOTATION_PREFIX}${name}: "${text}" is no duration such as 1.5s`)
      return undefined
    }
  }

  #integer(name: string, container?: string, isShared = true): number | undefined {
    const text = this.#text(name, container, isShared)
    if (text === undefined) return undefined
    if (/^\d{1,9}$/.test(text)) return Number(text)
    this.problems.push(`${ANNOTATION_PREFIX}${name}: "${text}" is no whole number`)
    return undefined
  }
}

function isOfJob({ metadata }: FrozenPod): boolean {
  return metadata.ownerReferences?.some(({ kind, controller }) => kind === 'Job' && controller === true) ?? false
}

/** A probe passes at its first try unless it runs a command known to fail. Undefined: never. */
function passesAfterMs(probe: FrozenProbe | undefined): number | undefined {
  if (probe === undefined) return 0
  if (isFailing(probe)) return undefined
  const { initialDelaySeconds = 0, periodSeconds = 10, successThreshold = 1 } = probe
  return (initialDelaySeconds + (successThreshold - 1) * periodSeconds) * 1_000
}

function failsAfterMs(probe: FrozenProbe | undefined): number | undefined {
  if (probe === undefined || !isFailing(probe)) return undefined
  const { initialDelaySeconds = 0, periodSeconds = 10, failureThreshold = 3 } = probe
  return (initialDelaySeconds + (failureThreshold - 1) * periodSeconds) * 1_000
}

function killedByLiveness(probe: FrozenProbe | undefined, startedAfterMs: number): number | undefined {
  const failedMs = failsAfterMs(probe)
  return failedMs === undefined ? undefined : Math.max(failedMs, startedAfterMs)
}

function isFailing({ exec }: FrozenProbe): boolean {
  if (exec?.command === undefined) return false
  const outcome = commandOutcome({ command: exec.command })
  return outcome !== undefined && outcome.exitCode !== 0
}
