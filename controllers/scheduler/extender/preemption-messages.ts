/** ExtenderPreemptionArgs and ExtenderPreemptionResult of kube-scheduler extender/v1, which spells fields as Go does. */
import type { FrozenPod, PreemptionCandidate, Snapshot } from '../framework/interfaces.ts'
import type { Answer } from './wire.ts'
import { fieldsOf } from './wire.ts'

type Candidates = readonly PreemptionCandidate[]

/** Whole Pods, or, for an extender that keeps a cache of its own, their UIDs. */
export function preemptionArguments(pod: FrozenPod, candidates: Candidates, isByUid: boolean): object {
  const victimsAs = (written: (victim: FrozenPod) => unknown): object =>
    Object.fromEntries(
      candidates.map(({ node, victims, budgetViolations }) => [
        node,
        { Pods: victims.map(written), NumPDBViolations: budgetViolations },
      ]),
    )
  return {
    Pod: pod,
    NodeNameToVictims: isByUid ? null : victimsAs((victim) => victim),
    NodeNameToMetaVictims: isByUid ? victimsAs(({ metadata }) => ({ UID: metadata.uid ?? '' })) : null,
  }
}

/** Throws when the node or a victim is not there. */
export function candidateOf(extender: string, node: string, answer: Answer, snapshot: Snapshot): PreemptionCandidate {
  const info = snapshot.get(node)
  if (info === undefined) throw new Error(`nodeinfo not found for node name "${node}"`)
  const pods = answer.get('pods')
  const victims = (Array.isArray(pods) ? pods : []).map((named: unknown) => {
    const uid = String(fieldsOf(named).get('uid') ?? '')
    const victim = info.pods.get(uid)?.pod
    if (victim !== undefined) return victim
    throw new Error(
      `extender: ${extender} claims to preempt pod (UID: ${uid}) on node: ${node}, but the pod is not found on that node`,
    )
  })
  return { node, victims, budgetViolations: Number(answer.get('numpdbviolations') ?? 0) }
}
