/**
 * How many Pods a Job should have now, and which to create or remove. `planScale` is pure; JobScaler carries it out.
 * Upstream: pkg/controller/job/job_controller.go manageJob.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isNamespaceTerminating, newControllerReference } from '#sdk'
import type { Expectations } from '../manager/expectations.ts'
import type { PodControl } from '../manager/pod-control.ts'
import { comparePodsForRemoval, isPodReady, isPodTerminating } from '../manager/pod-control.ts'
import { slowStart } from '../manager/slow-start.ts'
import { CompletionIndexes, firstPendingIndexes } from './completion-indexes.ts'
import type { JobSync } from './job-sync.ts'
import { failuresOf, lookAgain } from './job-sync.ts'
import { backoffRemainingMs } from './pod-backoff.ts'
import {
  completionIndexOf,
  finishedMs,
  hasBackoffLimitPerIndex,
  hasTrackingFinalizer,
  isIndexed,
  isSuspended,
  replacesOnlyFailedPods,
  TRACKING_FINALIZER,
} from './pod-facts.ts'
import { podTemplateFor, sharedTemplate } from './pod-template.ts'

const PODS_PER_SYNC_MAX = 500

/** undefined index = a non-indexed Pod. */
export type ScalePlan =
  | { readonly type: 'none' }
  | { readonly type: 'wait'; readonly delayMs: number }
  | { readonly type: 'delete'; readonly pods: readonly DeepReadonly<Pod>[] }
  | { readonly type: 'create'; readonly indexes: readonly (number | undefined)[] }

/** Removing goes before creating: never both at once. */
export function planScale(sync: JobSync, nowMs: number): ScalePlan {
  const { job, activePods } = sync
  if (isSuspended(job)) return activePods.length === 0 ? { type: 'none' } : { type: 'delete', pods: activePods }
  const wanted = wantedActive(sync)
  const surplus = podsForRemoval(sync, Math.max(0, activePods.length - wanted))
  if (surplus.length > 0) return { type: 'delete', pods: surplus.slice(0, PODS_PER_SYNC_MAX) }
  const terminating = replacesOnlyFailedPods(job) ? sync.terminating : 0
  const missing = Math.min(wanted - terminating - activePods.length, PODS_PER_SYNC_MAX)
  if (missing <= 0) return { type: 'none' }
  if (!hasBackoffLimitPerIndex(job)) {
    const delayMs = backoffRemainingMs(sync.backoff, nowMs)
    if (delayMs > 0) return { type: 'wait', delayMs }
  }
  if (!isIndexed(job)) return { type: 'create', indexes: new Array<undefined>(missing).fill(undefined) }
  return planIndexes(sync, missing, nowMs)
}

function wantedActive({ job, activePods, succeeded }: JobSync): number {
  const parallelism = job.spec.parallelism ?? 1
  // Without completions one success means: let what runs come to its end, start nothing new.
  if (job.spec.completions === undefined) return succeeded > 0 ? activePods.length : parallelism
  return Math.max(0, Math.min(job.spec.completions - succeeded, parallelism))
}

function planIndexes(sync: JobSync, missing: number, nowMs: number): ScalePlan {
  const { job, completions } = sync
  const stillThere = replacesOnlyFailedPods(job)
    ? [...sync.activePods, ...sync.pods.filter(isPodTerminating)]
    : sync.activePods
  const taken = CompletionIndexes.NONE.with(
    stillThere.map((pod) => completionIndexOf(pod)).filter((index) => index !== undefined),
  )
  const failed = sync.failedIndexes ?? CompletionIndexes.NONE
  const indexes = firstPendingIndexes([sync.succeededIndexes, taken, failed], missing, completions)
  if (indexes.length === 0) return { type: 'none' }
  const waits = indexes.map((index) => indexBackoffMs(sync, index, nowMs))
  const ready = indexes.filter((_index, i) => waits[i] === 0)
  return ready.length > 0 ? { type: 'create', indexes: ready } : { type: 'wait', delayMs: Math.min(...waits) }
}

function indexBackoffMs(sync: JobSync, index: number, nowMs: number): number {
  const last = sync.keptPods.get(index)
  if (last === undefined) return 0
  return backoffRemainingMs({ failuresSinceSuccess: failuresOf(last) + 1, lastFailureMs: finishedMs(last) }, nowMs)
}

/** At least `atLeast` Pods; for indexed Jobs also those with a repeated, impossible or missing index. */
function podsForRemoval({ job, activePods, completions }: JobSync, atLeast: number): DeepReadonly<Pod>[] {
  const ordered = [...activePods].sort(comparePodsForRemoval)
  if (!isIndexed(job)) return ordered.slice(0, atLeast)
  const kept = new Map<number, DeepReadonly<Pod>>()
  const removed: DeepReadonly<Pod>[] = []
  // The last in removal order is the best of its index: it stays.
  for (const pod of ordered) {
    const index = completionIndexOf(pod, completions)
    const worse = index === undefined ? pod : kept.get(index)
    if (worse !== undefined) removed.push(worse)
    if (index !== undefined) kept.set(index, pod)
  }
  const left = [...kept.values()].sort(comparePodsForRemoval)
  return [...removed, ...left.slice(0, Math.max(0, atLeast - removed.length))]
}

export interface JobScalerDependencies {
  readonly pods: PodControl
  readonly expectations: Expectations
  readonly clock: Clock
}

export class JobScaler {
  readonly #pods: PodControl
  readonly #expectations: Expectations
  readonly #clock: Clock

  constructor({ pods, expectations, clock }: JobScalerDependencies) {
    this.#pods = pods
    this.#expectations = expectations
    this.#clock = clock
  }

  /** Carries out the plan and keeps the sync's counts; returns the first error after doing all it can. */
  async scale(sync: JobSync, signal: AbortSignal): Promise<unknown> {
    const plan = planScale(sync, this.#clock.nowMs())
    if (plan.type === 'delete') return this.#deleteSurplus(sync, plan.pods, signal)
    if (plan.type === 'create') return this.#create(sync, plan.indexes, signal)
    if (plan.type === 'wait') lookAgain(sync, plan.delayMs)
    return undefined
  }

  /** Ends the Pods of a Job that is over; their finalizers stay until they are counted. Returns the first error. */
  async deleteActive(sync: JobSync, signal: AbortSignal): Promise<unknown> {
    let firstError: unknown
    await Promise.all(
      sync.activePods.map(async (pod) => {
        try {
          await this.#pods.delete(sync.job, pod, signal)
        } catch (err: unknown) {
          if (!isNotFound(err)) {
            firstError ??= err
            return
          }
        }
        countRemoved(sync, pod)
      }),
    )
    return firstError
  }

  /** Pods that are not to be counted: the finalizer goes first. */
  async #deleteSurplus(sync: JobSync, pods: readonly DeepReadonly<Pod>[], signal: AbortSignal): Promise<unknown> {
    const key = sync.job.metadata.uid ?? ''
    const uids = pods.map((pod) => pod.metadata.uid ?? '')
    this.#expectations.expectDeletions(key, uids)
    let firstError: unknown
    await Promise.all(
      pods.map(async (pod) => {
        try {
          if (hasTrackingFinalizer(pod)) await this.#pods.patch(pod, REMOVE_FINALIZER, signal)
          await this.#pods.delete(sync.job, pod, signal)
        } catch (err: unknown) {
          this.#expectations.deletionObserved(key, pod.metadata.uid ?? '')
          if (!isNotFound(err)) {
            firstError ??= err
            return
          }
        }
        countRemoved(sync, pod)
      }),
    )
    return firstError
  }

  async #create(sync: JobSync, indexes: readonly (number | undefined)[], signal: AbortSignal): Promise<unknown> {
    const key = sync.job.metadata.uid ?? ''
    this.#expectations.expectCreations(key, indexes.length)
    const template = sharedTemplate(sync.job)
    const reference = newControllerReference(sync.job, JOBS)
    const { attempted, error } = await slowStart(indexes.length, async (i) => {
      const index = indexes[i]
      const kept = index === undefined ? undefined : sync.keptPods.get(index)
      const made = podTemplateFor(sync.job, template, index, kept)
      try {
        await this.#pods.create(sync.job, made.template, reference, { generateName: made.generateName, signal })
        sync.active++
      } catch (err: unknown) {
        this.#expectations.creationObserved(key)
        if (!isNamespaceTerminating(err)) throw err
      }
    })
    // What was never tried will never be seen.
    for (let i = attempted; i < indexes.length; i++) this.#expectations.creationObserved(key)
    return error
  }
}

export const REMOVE_FINALIZER = { metadata: { '$deleteFromPrimitiveList/finalizers': [TRACKING_FINALIZER] } }

function countRemoved(sync: JobSync, pod: DeepReadonly<Pod>): void {
  sync.active--
  sync.terminating++
  if (isPodReady(pod)) sync.ready--
}
