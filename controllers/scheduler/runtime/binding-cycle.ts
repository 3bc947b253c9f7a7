/**
 * From the decision to the binding: Reserve and Permit at once, then PreBind and Bind beside the loop. What fails is undone.
 * Upstream: scheduler schedule_one.go bindingCycle.
 */
import type { PodInfo, Verdict } from '../framework/interfaces.ts'
import { isRejection, isVerdict } from '../framework/verdicts.ts'
import { podKey } from '../framework/pod-info.ts'
import type { Extender } from './extender.ts'
import { WAIT_MAX_MS } from './permit-waits.ts'
import type { PreBinds } from './pre-binds.ts'
import type { Profile } from './profile.ts'

export interface Decision {
  readonly profile: Profile
  readonly pod: PodInfo
  readonly node: string
  /** Plugin -> what its preFilter returned. */
  readonly states: ReadonlyMap<string, unknown>
}

/** A plugin's "no" after the node was chosen. */
export class RejectedError extends Error {
  override readonly name = 'RejectedError'
  readonly verdict: Verdict

  constructor(verdict: Verdict) {
    super(verdict.reasons.join(', '))
    this.verdict = verdict
  }
}

const NO_WAITS: ReadonlyMap<string, number> = new Map()

/** Throws RejectedError or what a plugin threw, with everything undone. Returns who wants to wait, and how long: ms. */
export function reserveAndPermit(decision: Decision): ReadonlyMap<string, number> {
  const { profile, pod, node, states } = decision
  try {
    for (const plugin of profile.reserves) refuse(plugin.name, plugin.reserve(states.get(plugin.name), pod, node))
    if (profile.permits.length === 0) return NO_WAITS
    const waits = new Map<string, number>()
    for (const plugin of profile.permits) {
      const answer = plugin.permit(pod, node)
      if (isVerdict(answer)) refuse(plugin.name, answer)
      else if (answer !== undefined) waits.set(plugin.name, Math.min(answer.waitMs, WAIT_MAX_MS))
    }
    return waits
  } catch (err: unknown) {
    unreserve(decision)
    throw err
  }
}

/** In the opposite order; every one, whatever the others do. */
export function unreserve({ profile, pod, node, states }: Decision): void {
  for (const plugin of [...profile.reserves].reverse()) plugin.unreserve(states.get(plugin.name), pod, node)
}

/** What was decided of a Pod that waited on Permit. Throws unless it was allowed. */
export function permitted(verdict: Verdict | undefined): void {
  if (verdict === undefined) return
  if (isRejection(verdict)) throw new RejectedError(verdict)
  throw new Error(`waiting on permit for pod: ${verdict.reasons.join(', ')}`)
}

/** Rejects when PreBind or Bind fails; nothing is undone here. */
export async function bind(
  decision: Decision,
  { extenders, preBinds }: { readonly extenders: readonly Extender[]; readonly preBinds: PreBinds },
  signal: AbortSignal,
): Promise<void> {
  const { profile, pod, node } = decision
  if (needsPreBind(decision)) {
    await preBinds.run(podKey(pod.pod), (cancelable) => preBind(decision, cancelable), signal)
  }
  if (await bindByExtender(decision, extenders, signal)) return
  for (const plugin of profile.binds) {
    const verdict = await plugin.bind(pod, node, signal)
    if (verdict?.code === 'Skip') continue
    refuse(plugin.name, verdict)
    return
  }
  throw new Error('all bind plugins skipped the pod')
}

/** Most Pods need none: then there is nothing to take back either. Upstream: PreBindPreFlight. */
function needsPreBind({ profile, pod, node, states }: Decision): boolean {
  return profile.preBinds.some((plugin) => plugin.isNeeded?.(states.get(plugin.name), pod, node) ?? true)
}

async function preBind({ profile, pod, node, states }: Decision, signal: AbortSignal): Promise<void> {
  for (const plugin of profile.preBinds) {
    const state = states.get(plugin.name)
    if (plugin.isNeeded?.(state, pod, node) === false) continue
    refuse(plugin.name, await plugin.preBind(state, pod, node, signal))
  }
}

async function bindByExtender(
  { pod, node }: Decision,
  extenders: readonly Extender[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const extender of extenders) {
    if (!extender.binds || !extender.isInterested(pod.pod)) continue
    try {
      await extender.bind(pod, node, signal)
      return true
    } catch (err: unknown) {
      if (!extender.isIgnorable) throw err
    }
  }
  return false
}

function refuse(plugin: string, verdict: Verdict | undefined): void {
  if (verdict === undefined || verdict.code === 'Skip') return
  if (isRejection(verdict)) throw new RejectedError({ ...verdict, plugin })
  throw new Error(`running plugin "${plugin}": ${verdict.reasons.join(', ')}`, { cause: verdict.error })
}
