/**
 * How long to wait before replacing failed Pods: 10 s doubling to 10 min with every failure since the last success.
 * Kept in memory per Job; lost at restart, as upstream. Upstream: pkg/controller/job/backoff_utils.go.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { finishedMs } from './pod-facts.ts'

const INITIAL_MS = 10_000
const MAX_MS = 600_000

export interface BackoffRecord {
  readonly failuresSinceSuccess: number
  readonly lastFailureMs: number
}

export const NO_FAILURES: BackoffRecord = { failuresSinceSuccess: 0, lastFailureMs: 0 }

/** The record after Pods that have finished since it was made. */
export function nextBackoffRecord(
  record: BackoffRecord,
  succeeded: readonly DeepReadonly<Pod>[],
  failed: readonly DeepReadonly<Pod>[],
): BackoffRecord {
  if (succeeded.length === 0 && failed.length === 0) return record
  const failures = failed.map(finishedMs)
  if (succeeded.length === 0)
    return {
      failuresSinceSuccess: record.failuresSinceSuccess + failures.length,
      lastFailureMs: Math.max(record.lastFailureMs, ...failures),
    }
  const lastSuccessMs = Math.max(...succeeded.map(finishedMs))
  const later = failures.filter((failure) => failure > lastSuccessMs)
  return { failuresSinceSuccess: later.length, lastFailureMs: Math.max(0, ...later) }
}

/** Zero when a Pod may be created now. */
export function backoffRemainingMs({ failuresSinceSuccess, lastFailureMs }: BackoffRecord, nowMs: number): number {
  if (failuresSinceSuccess === 0) return 0
  const waitMs = Math.min(INITIAL_MS * 2 ** (failuresSinceSuccess - 1), MAX_MS)
  return Math.max(0, lastFailureMs + waitMs - nowMs)
}
