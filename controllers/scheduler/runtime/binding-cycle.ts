/**
 * From the decision to the binding: Reserve and Permit at once, then PreBind and Bind beside the loop. What fails is undone.
 * Upstream: scheduler schedule_one.go bindingCycle.
 */
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'
import type { PodInfo, Verdict } from '../framework/interfaces.ts'
import { isRejection, isVerdict } from '../framework/verdicts.ts'
import type { Extender } from './extender.ts'
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

/** Throws RejectedError or what a plugin threw, with everything undone. Returns how long the binding has to wait. */
export function reserveAndPermit(decision: Decision): number {
  const { profile, pod, node, states } = decision
  try {
    for (const plugin of profile.reserves) refuse(plugin.name, plugin.reserve(states.get(plugin.name), pod, node))
    let waitMs = 0
    for (const plugin of profile.permits) {
      const answer = plugin.permit(pod, node)
      if (isVerdict(answer)) refuse(plugin.name, answer)
      else waitMs = Math.max(waitMs, answer?.waitMs ?? 0)
    }
    return waitMs
  } catch (err: unknown) {
    unreserve(decision)
    throw err
  }
}

/** In the opposite order; every one, whatever the others do. */
export function unreserve({ profile, pod, node, states }: Decision): void {
  for (const plugin of [...profile.reserves].reverse()) plugin.unreserve(states.get(plugin.name), pod, node)
}

/** Nobody can say yes to a Pod that waits on Permit yet, so waiting ends in a "no". */
export async function waitOnPermit(
  { pod }: Decision,
  waitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (waitMs === 0) return
  await sleep(clock, waitMs, signal)
  const reason = `pod "${pod.pod.metadata.name}" rejected while waiting on permit: timeout`
  throw new RejectedError({ code: 'Unschedulable', reasons: [reason] })
}

/** Rejects when PreBind or Bind fails; nothing is undone here. */
export async function bind(decision: Decision, extenders: readonly Extender[], signal: AbortSignal): Promise<void> {
  const { profile, pod, node, states } = decision
  for (const plugin of profile.preBinds)
    refuse(plugin.name, await plugin.preBind(states.get(plugin.name), pod, node, signal))
  if (await bindByExtender(decision, extenders, signal)) return
  for (const plugin of profile.binds) {
    const verdict = await plugin.bind(pod, node, signal)
    if (verdict?.code === 'Skip') continue
    refuse(plugin.name, verdict)
    return
  }
  throw new Error('all bind plugins skipped the pod')
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
