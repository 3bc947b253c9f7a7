/**
 * From the decision to the binding: Reserve and Permit at once, then PreBind and Bind beside the loop. What fails is undone.
 * Upstream: scheduler schedule_one.go bindingCycle.
 */
import type { PodInfo, Verdict } from '../framework/interfaces.ts'
import { isRejection, isVerdict } from '../framework/verdicts.ts'
import { podKey } from '../framework/pod-info.ts'
import type { Extender } from './extender.ts'
import { WAIT_MAX_MS } from './permit-waits.ts'
import { runPreBinds } from './pre-bind-run.ts'
import type { PreBinds } from './pre-binds.ts'
import type { Profile } from './profile.ts'
import type { PluginTimer } from './recorder.ts'
import { refuse } from './refusal.ts'
import { RejectedError } from './rejected-error.ts'

export interface Decision {
  readonly profile: Profile
  readonly pod: PodInfo
  readonly node: string
  /** Plugin -> what its preFilter returned. */
  readonly states: ReadonlyMap<string, unknown>
  readonly timer: PluginTimer | undefined
  /** The Pod's status may name the node already. */
  isTold: boolean
}

const NO_WAITS: ReadonlyMap<string, number> = new Map()

/** Throws RejectedError or what a plugin threw, with everything undone. Returns who wants to wait, and how long: ms. */
export function reserveAndPermit(decision: Decision): ReadonlyMap<string, number> {
  try {
    decision.profile.recorder.timed('Reserve', () => reserve(decision))
    return permit(decision)
  } catch (err: unknown) {
    unreserve(decision)
    throw err
  }
}

function reserve({ profile, pod, node, states, timer }: Decision): void {
  for (const plugin of profile.reserves) {
    const startedMs = timer?.now() ?? 0
    const verdict = plugin.reserve(states.get(plugin.name), pod, node)
    timer?.ran(plugin.name, 'Reserve', codeOf(verdict), startedMs)
    refuse('Reserve', plugin.name, verdict)
  }
}

function permit(decision: Decision): ReadonlyMap<string, number> {
  const { recorder, permits } = decision.profile
  const run = (): ReadonlyMap<string, number> => (permits.length === 0 ? NO_WAITS : askPermits(decision))
  return recorder.timed('Permit', run, (waits) => (waits.size === 0 ? 'Success' : 'Wait'))
}

function askPermits({ profile, pod, node, timer }: Decision): ReadonlyMap<string, number> {
  const waits = new Map<string, number>()
  for (const plugin of profile.permits) {
    const startedMs = timer?.now() ?? 0
    const answer = plugin.permit(pod, node)
    if (isVerdict(answer)) {
      timer?.ran(plugin.name, 'Permit', answer.code, startedMs)
      refuse('Permit', plugin.name, answer)
    } else {
      timer?.ran(plugin.name, 'Permit', answer === undefined ? 'Success' : 'Wait', startedMs)
      if (answer !== undefined) waits.set(plugin.name, Math.min(answer.waitMs, WAIT_MAX_MS))
    }
  }
  return waits
}

/** In the opposite order; every one, whatever the others do. */
export function unreserve({ profile, pod, node, states }: Decision): void {
  profile.recorder.timed('Unreserve', () => {
    for (const plugin of [...profile.reserves].reverse()) plugin.unreserve(states.get(plugin.name), pod, node)
  })
}

/** What was decided of a Pod that waited on Permit. Throws unless it was allowed. */
export function permitted(verdict: Verdict | undefined): void {
  if (verdict === undefined) return
  if (isRejection(verdict)) throw new RejectedError(verdict)
  throw new Error(`waiting on permit for pod: ${verdict.reasons.join(', ')}`)
}

export interface BindTools {
  readonly extenders: readonly Extender[]
  readonly preBinds: PreBinds
  readonly isPreBindNeeded: boolean
}

/** Rejects when PreBind or Bind fails; nothing is undone here. */
export async function bind(
  decision: Decision,
  { extenders, preBinds, isPreBindNeeded }: BindTools,
  signal: AbortSignal,
): Promise<void> {
  const { profile, pod, node, states } = decision
  const { recorder } = profile
  if (isPreBindNeeded) {
    const run = (): Promise<void> =>
      preBinds.run(podKey(pod.pod), (cancelable) => runPreBinds(decision, cancelable), signal)
    await recorder.timedAsync('PreBind', run)
  }
  await recorder.timedAsync('Bind', async () => {
    if (!(await bindByExtender(decision, extenders, signal))) await bindByPlugin(decision, signal)
  })
  recorder.timed('PostBind', () => {
    for (const plugin of profile.postBinds) plugin.postBind(states.get(plugin.name), pod, node)
  })
}

async function bindByPlugin({ profile, pod, node, timer }: Decision, signal: AbortSignal): Promise<void> {
  for (const plugin of profile.binds) {
    const startedMs = timer?.now() ?? 0
    const verdict = await plugin.bind(pod, node, signal)
    timer?.ran(plugin.name, 'Bind', codeOf(verdict), startedMs)
    if (verdict?.code === 'Skip') continue
    refuse('Bind', plugin.name, verdict)
    return
  }
  throw new Error('all bind plugins skipped the pod')
}

/** Most Pods need none: then there is nothing to take back either. */
export function needsPreBind({ profile, pod, node, states }: Decision): boolean {
  const { preBinds, recorder } = profile
  const startedMs = recorder.now()
  const isNeeded = preBinds.some((plugin) => plugin.isNeeded?.(states.get(plugin.name), pod, node) ?? true)
  recorder.reached('PreBindPreFlight', isNeeded ? 'Success' : 'Skip', startedMs)
  return isNeeded
}

const codeOf = (verdict: Verdict | undefined): string => verdict?.code ?? 'Success'

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
