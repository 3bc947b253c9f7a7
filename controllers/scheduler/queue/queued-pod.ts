/** A Pod that waits, with what its earlier attempts left behind. Upstream: scheduler framework/types.go QueuedPodInfo. */
import type { PodInfo } from '../framework/interfaces.ts'
import { podKey, podPriority } from '../framework/pod-info.ts'

export interface QueuedPod {
  /** UID. */
  readonly key: string
  info: PodInfo
  /** When it came to the queue, or back to it (monotonic). */
  queuedMs: number
  /** Keeps Pods of one millisecond in order. */
  order: number
  attempts: number
  /** Attempts that ended in a "no", for the backoff. */
  unschedulableCount: number
  /** Errors in a row, for the backoff after errors. */
  errorCount: number
  backoffUntilMs: number
  firstActiveMs: number | undefined
  /** Plugins that said no in the last attempt. */
  rejectedBy: ReadonlySet<string>
  /** Those among them that wait for something outside: their events skip the backoff. */
  pendingBy: ReadonlySet<string>
  /** It was tried again because it had waited for so long, not because of an event. */
  isFlushed: boolean
  /** The PreEnqueue plugin that keeps it out. */
  gatedBy: string | undefined
}

export const NO_PLUGINS: ReadonlySet<string> = new Set()

export function newQueuedPod(info: PodInfo, nowMs: number, order: number): QueuedPod {
  return {
    key: podKey(info.pod),
    info,
    queuedMs: nowMs,
    order,
    attempts: 0,
    unschedulableCount: 0,
    errorCount: 0,
    backoffUntilMs: 0,
    firstActiveMs: undefined,
    rejectedBy: NO_PLUGINS,
    pendingBy: NO_PLUGINS,
    isFlushed: false,
    gatedBy: undefined,
  }
}

/** PrioritySort: the higher priority first, then who waits longer. */
export function isBefore(a: QueuedPod, b: QueuedPod): boolean {
  const priority = podPriority(b.info.pod) - podPriority(a.info.pod)
  if (priority !== 0) return priority < 0
  return a.queuedMs === b.queuedMs ? a.order < b.order : a.queuedMs < b.queuedMs
}

export const isErrorBackoff = ({ rejectedBy, pendingBy }: QueuedPod): boolean =>
  rejectedBy.size === 0 && pendingBy.size === 0

/** Backoffs that end within one second end together, so that priority decides among them. */
const WINDOW_MS = 1_000

/**
 * When a Pod that came back at `queuedMs` may be tried again (monotonic): at the end of the second its backoff ends in; at
 * once without a backoff. Upstream: backend/queue/backoff_queue.go alignToWindow, isEntityBackingoff.
 */
export function backoffEndMs(pod: QueuedPod, initialMs: number, maxMs: number): number {
  const ms = backoffMs(pod, initialMs, maxMs)
  return ms === 0 ? 0 : (Math.floor((pod.queuedMs + ms) / WINDOW_MS) + 1) * WINDOW_MS
}

/** Upstream: 1 s, doubling per attempt that failed, at most 10 s; errors are counted apart. */
function backoffMs(pod: QueuedPod, initialMs: number, maxMs: number): number {
  const failures = pod.errorCount > 0 ? pod.errorCount : pod.unschedulableCount
  return failures === 0 ? 0 : Math.min(initialMs * 2 ** Math.min(failures - 1, 30), maxMs)
}
