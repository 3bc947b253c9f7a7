/**
 * Lets extenders with a preempt verb strike out candidates, or choose other victims on them. Those without one may refuse
 * the node later: then another is found. Upstream: pkg/scheduler/framework/preemption callExtenders.
 */
import { errorMessage } from '#machinery/util/errors.ts'
import type {
  FrozenPod,
  PluginHandle,
  PreemptionCandidate,
  PreemptionExtender,
  Snapshot,
} from '../../framework/interfaces.ts'

type Candidates = readonly PreemptionCandidate[]

/** Rejects when an extender fails that is not ignorable. */
export async function askExtenders(
  { extenders, logger }: Pick<PluginHandle, 'extenders' | 'logger'>,
  pod: FrozenPod,
  candidates: Candidates,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Candidates> {
  let left = candidates
  for (const extender of extenders) {
    if (left.length === 0) break
    if (!extender.preempts || !extender.isInterested(pod)) continue
    try {
      left = withVictims(extender, await extender.processPreemption(pod, left, snapshot, signal))
    } catch (err: unknown) {
      if (!extender.isIgnorable) throw err
      logger.info(
        { extender: extender.name, error: errorMessage(err) },
        'extender failed at preemption and is ignored, as configured',
      )
    }
  }
  return left
}

function withVictims({ isIgnorable }: PreemptionExtender, candidates: Candidates): Candidates {
  const bare = candidates.find(({ victims }) => victims.length === 0)
  if (bare === undefined) return candidates
  if (!isIgnorable) throw new Error(`expected at least one victim pod on node "${bare.node}"`)
  return candidates.filter(({ victims }) => victims.length > 0)
}
