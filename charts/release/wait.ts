/** Waiting for hooks and definitions. Upstream: helm pkg/kube (WatchUntilReady), rules of status only. */
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'
import { isObject } from '#machinery/util/json.ts'
import type { MappedObject } from './kube-objects.ts'

const POLL_MS = 50

export interface WaitDependencies {
  readonly client: Client
  readonly clock: Clock
}

/** Throws when `deadlineMs` (monotonic) passes. `isDone` may throw to fail early. */
async function waitFor(
  { client, clock }: WaitDependencies,
  { resource, key }: MappedObject,
  isDone: (object: unknown) => boolean,
  deadlineMs: number,
  what: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const live = await client.get(resource, key, { signal }).catch(undefinedIfNotFound)
    if (isDone(live)) return
    if (clock.monotonicMs() > deadlineMs)
      throw new Error(`timed out waiting for ${what}: ${resource.kind} "${key.name}"`)
    await sleep(clock, POLL_MS, signal)
  }
}

/** Job complete or failed, Pod succeeded or failed; anything else counts as soon as it exists. */
export async function waitUntilHookDone(
  dependencies: WaitDependencies,
  item: MappedObject,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { kind } = item.resource
  const isDone = kind === 'Job' ? isJobDone : kind === 'Pod' ? isPodDone : () => true
  await waitFor(dependencies, item, isDone, deadlineMs, 'the condition', signal)
}

export async function waitUntilGone(
  dependencies: WaitDependencies,
  item: MappedObject,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  await waitFor(dependencies, item, (live) => live === undefined, deadlineMs, 'deletion', signal)
}

export async function waitUntilEstablished(
  dependencies: WaitDependencies,
  item: MappedObject,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const isEstablished = (live: unknown): boolean => conditionStatus(live, 'Established') === 'True'
  await waitFor(dependencies, item, isEstablished, deadlineMs, 'the definition to be established', signal)
}

function isJobDone(live: unknown): boolean {
  if (conditionStatus(live, 'Failed') === 'True') throw new Error(`job failed: ${conditionReason(live, 'Failed')}`)
  return conditionStatus(live, 'Complete') === 'True'
}

function isPodDone(live: unknown): boolean {
  const phase = statusOf(live)['phase']
  if (phase === 'Failed') throw new Error('pod failed')
  return phase === 'Succeeded'
}

function statusOf(live: unknown): Record<string, unknown> {
  const status = isObject(live) ? live['status'] : undefined
  return isObject(status) ? status : {}
}

function condition(live: unknown, type: string): Record<string, unknown> | undefined {
  const conditions = statusOf(live)['conditions']
  return Array.isArray(conditions) ? conditions.filter(isObject).find((item) => item['type'] === type) : undefined
}

const conditionStatus = (live: unknown, type: string): unknown => condition(live, type)?.['status']
const conditionReason = (live: unknown, type: string): string => String(condition(live, type)?.['reason'] ?? 'unknown')
