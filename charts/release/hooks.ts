/** Runs the hooks of one event in order: delete the old, create, wait, record. Upstream: helm pkg/action/hooks.go. */
import { NODES } from '#machinery/api/core/v1/resources.gen.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { KubeDependencies, MappedObject } from './kube-objects.ts'
import { mapObject, parseObjects } from './kube-objects.ts'
import type { RecordedHook, Release } from './record.ts'
import { waitUntilGone, waitUntilHookDone } from './wait.ts'

export type HookEvent = 'pre-install' | 'post-install' | 'pre-upgrade' | 'post-upgrade' | 'pre-delete' | 'post-delete'

export interface HookDependencies extends KubeDependencies {
  readonly clock: Clock
  /** Saves the release before a hook that runs something. */
  record(release: Release): Promise<void>
}

/** Kinds whose hooks run something, and so need a node. */
const RUNNING_KINDS: ReadonlySet<string> = new Set(['Job', 'Pod'])

const DEFAULT_POLICY = ['before-hook-creation']

/**
 * Throws at the first hook that fails; the release then holds its phase `Failed`. Returns the hooks that were created but
 * not awaited because the cluster has no node to run them: Helm would wait until its timeout, for nothing.
 */
export async function runHooks(
  dependencies: HookDependencies,
  release: Release,
  event: HookEvent,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string[]> {
  const hooks = (release.hooks ?? []).filter((hook) => hook.events.includes(event)).sort(byWeight)
  const notAwaited: string[] = []
  for (const hook of hooks) {
    const isAwaited = await runHook(dependencies, release, hook, event, timeoutMs, signal)
    if (!isAwaited) notAwaited.push(`${hook.kind} ${hook.name}`)
  }
  // What was not awaited may still run and need the accounts and roles of its fellow hooks.
  if (notAwaited.length > 0) return notAwaited
  for (const hook of hooks) await deleteByPolicy(dependencies, release, hook, 'hook-succeeded', signal)
  return []
}

/** Hooks that were to be deleted when they succeed and are still there. */
export async function deleteLeftHooks(
  dependencies: HookDependencies,
  release: Release,
  signal: AbortSignal,
): Promise<void> {
  for (const hook of release.hooks ?? []) await deleteByPolicy(dependencies, release, hook, 'hook-succeeded', signal)
}

function byWeight(a: RecordedHook, b: RecordedHook): number {
  if ((a.weight ?? 0) !== (b.weight ?? 0)) return (a.weight ?? 0) - (b.weight ?? 0)
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

async function runHook(
  dependencies: HookDependencies,
  release: Release,
  hook: RecordedHook,
  event: HookEvent,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { client, clock } = dependencies
  await deleteByPolicy(dependencies, release, hook, 'before-hook-creation', signal)
  // Still there only when it was not awaited last time: it would be in the way.
  await deleteByPolicy(dependencies, release, hook, 'hook-succeeded', signal)
  hook.last_run = { started_at: clock.now().toISOString(), phase: 'Running' }
  // A record is the whole compressed chart: it is renewed for hooks that take time, not for an account or a role.
  if (RUNNING_KINDS.has(hook.kind)) await dependencies.record(release)
  const deadlineMs = clock.monotonicMs() + timeoutMs
  try {
    const items = await hookObjects(dependencies, release, hook, signal)
    for (const { resource, object } of items) await client.create(resource, object, { fieldManager: 'helm', signal })
    if (RUNNING_KINDS.has(hook.kind) && !(await hasNodes(dependencies, signal))) {
      hook.last_run = { ...hook.last_run, phase: 'Unknown' }
      return false
    }
    for (const item of items) await waitUntilHookDone(dependencies, item, deadlineMs, signal)
    hook.last_run = { ...hook.last_run, completed_at: clock.now().toISOString(), phase: 'Succeeded' }
    return true
  } catch (err: unknown) {
    hook.last_run = { ...hook.last_run, completed_at: clock.now().toISOString(), phase: 'Failed' }
    await deleteByPolicy(dependencies, release, hook, 'hook-failed', signal)
    const reason = err instanceof Error ? err.message : String(err)
    throw new Error(`${event} hooks failed: ${hook.path}: ${reason}`, { cause: err })
  }
}

async function hasNodes({ client }: HookDependencies, signal: AbortSignal): Promise<boolean> {
  return (await client.list(NODES, { limit: 1, signal })).items.length > 0
}

async function deleteByPolicy(
  dependencies: HookDependencies,
  release: Release,
  hook: RecordedHook,
  policy: string,
  signal: AbortSignal,
): Promise<void> {
  const policies =
    hook.delete_policies === undefined || hook.delete_policies.length === 0 ? DEFAULT_POLICY : hook.delete_policies
  // Deleting a definition would delete all objects of its kind.
  if (!policies.includes(policy) || hook.kind === 'CustomResourceDefinition') return
  const deadlineMs = dependencies.clock.monotonicMs() + 60_000
  for (const item of await hookObjects(dependencies, release, hook, signal)) {
    const { resource, key } = item
    await dependencies.client
      .delete(resource, key, { propagationPolicy: 'Background', signal })
      .catch(undefinedIfNotFound)
    await waitUntilGone(dependencies, item, deadlineMs, signal)
  }
}

async function hookObjects(
  dependencies: HookDependencies,
  release: Release,
  hook: RecordedHook,
  signal: AbortSignal,
): Promise<MappedObject[]> {
  const objects = parseObjects(hook.manifest, hook.path)
  return Promise.all(objects.map((object) => mapObject(dependencies, object, release.namespace, signal)))
}
