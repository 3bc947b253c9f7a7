/**
 * What becomes of a Pod that could not be placed: it goes back to the queue, and its events, its status and the metrics say why.
 * Upstream: pkg/scheduler/schedule_one.go handleSchedulingFailure.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { errorMessage, isAbortError, toError } from '#machinery/util/errors.ts'
import type { ApiEventRecorder, ControllerContext } from '#sdk'
import { isNamespaceTerminating } from '#sdk'
import type { FrozenPod, PodInfo } from '../framework/interfaces.ts'
import { createPodInfo, podKey, podName } from '../framework/pod-info.ts'
import type { AttemptResult, SchedulerMetrics } from '../metrics.ts'
import type { QueuedPod } from '../queue/queued-pod.ts'
import { type SchedulingQueue, setRejections } from '../queue/scheduling-queue.ts'
import type { BoundedTasks } from './bounded-tasks.ts'
import type { Failure } from './failure.ts'
import { REFUSED, rejection, shortened } from './failure.ts'
import { patchPodStatus, statusPatch, withdrawal } from './pod-status.ts'
import { RejectedError } from './rejected-error.ts'

interface FailureContext {
  /** What a plugin's "no" means at this point. */
  readonly refusal?: typeof rejection
  /** The node that the Pod's status names, though the cache may not know it yet. */
  readonly told?: string | undefined
}

interface Telling {
  /** Nobody need hear of it. */
  readonly isQuiet?: boolean
  readonly told?: string | undefined
}

export interface OutcomeParts {
  readonly context: ControllerContext
  readonly metrics: SchedulerMetrics | undefined
  readonly pods: Lister<Pod>
  readonly queue: SchedulingQueue
  readonly tasks: BoundedTasks
  /** By the name of the profile. */
  readonly recorders: ReadonlyMap<string, ApiEventRecorder>
}

export class Outcomes {
  lastError: string | undefined
  readonly #parts: OutcomeParts

  constructor(parts: OutcomeParts) {
    this.#parts = parts
  }

  /** An attempt that went wrong, be it a plugin's refusal. */
  failed(
    queued: QueuedPod,
    err: unknown,
    startedMs: number,
    signal: AbortSignal,
    { refusal = rejection, told }: FailureContext = {},
  ): void {
    const { pod } = queued.info
    if (err instanceof RejectedError) {
      this.attempted('unschedulable', pod, startedMs)
      this.giveBack(queued, refusal(err.verdict), signal, { told })
      return
    }
    this.attempted('error', pod, startedMs)
    // Somebody else was faster, or the Pod is gone or about to go: nothing to tell anybody.
    const isQuiet = isConflict(err) || isNotFound(err) || isNamespaceTerminating(err)
    if (!isQuiet && !isAbortError(err)) this.note(err, pod)
    const failure = { ...REFUSED, reason: 'SchedulerError', message: errorMessage(err), nominatedNode: '' } as const
    this.giveBack(queued, failure, signal, { isQuiet, told })
  }

  /** Back to the queue, with its newest state; the user is told why. */
  giveBack(queued: QueuedPod, failure: Failure, signal: AbortSignal, { isQuiet, told }: Telling = {}): void {
    const { namespace = '', name = '', uid } = queued.info.pod.metadata
    const current = this.#parts.pods.get({ namespace, name })
    if (current === undefined || current.metadata.uid !== uid || (current.spec.nodeName ?? '') !== '') {
      this.#parts.queue.done(queued.key)
      this.#parts.queue.nominator.delete(queued.key)
      return
    }
    if (current !== queued.info.pod) queued.info = createPodInfo(current)
    setRejections(queued, failure.rejectedBy, failure.pendingBy)
    this.#parts.queue.putBack(queued)
    this.#nominate(queued.info, failure.nominatedNode)
    if (isQuiet !== true) this.record(current, 'Warning', 'FailedScheduling', shortened(failure.message))
    const { clock } = this.#parts.context
    const patch = isQuiet === true ? withdrawal(current, told) : statusPatch(current, failure, clock, told)
    if (patch !== undefined) this.#parts.tasks.start(() => this.#writeStatus(current, patch, signal))
  }

  #nominate(info: PodInfo, node: string | undefined): void {
    if (node === '') this.#parts.queue.nominator.delete(podKey(info.pod))
    else if (node !== undefined) this.#parts.queue.nominator.set(info, node)
  }

  async #writeStatus(pod: FrozenPod, patch: object, signal: AbortSignal): Promise<void> {
    try {
      await patchPodStatus(this.#parts.context.client, pod, patch, signal)
    } catch (err: unknown) {
      if (signal.aborted || isNotFound(err) || isConflict(err)) return
      this.note(err, pod)
    }
  }

  record(pod: FrozenPod, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#parts.recorders.get(pod.spec.schedulerName ?? '')?.record(pod, type, reason, message)
  }

  note(err: unknown, pod: FrozenPod): void {
    const { namespace, name } = pod.metadata
    this.lastError = `${podName(pod)}: ${errorMessage(err)}`
    this.#parts.context.logger.error({ pod: { namespace, name }, err: toError(err) }, 'scheduling failed, trying again')
  }

  attempted(result: AttemptResult, pod: FrozenPod, startedMs: number): void {
    this.#parts.metrics?.attempted(result, pod.spec.schedulerName ?? '', this.secondsSince(startedMs))
  }

  secondsSince(startedMs: number): number {
    return (this.#parts.context.clock.monotonicMs() - startedMs) / 1000
  }
}
