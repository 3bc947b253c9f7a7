/**
 * What one pass over a StatefulSet does: in order and one at a time (OrderedReady), or all at once (Parallel). Pure.
 * Upstream: pkg/controller/statefulset/stateful_set_control.go updateStatefulSet.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { RevisionView } from '../manager/revision-history.ts'
import { isPodAvailable } from '../manager/pod-availability.ts'
import { isPodFinished, isPodReady } from '../manager/pod-control.ts'
import { templateOf } from '../manager/revision-data.ts'
import type { PodView, SetView } from './pod-identity.ts'
import { isInRange, isTerminating, newPod, ordinalOf, replicasOf, revisionOf, startOf } from './pod-identity.ts'

export interface SetFacts {
  readonly set: SetView
  /** The set's own, of any phase. */
  readonly pods: readonly PodView[]
  readonly current: RevisionView
  readonly update: RevisionView
  /** Pods that may be missing during a rolling update; undefined: one is taken at a time, whatever the others do. */
  readonly maxUnavailable: number | undefined
  readonly nowMs: number
  /** The claims of a Pod to be made are about to be deleted. */
  hasStaleClaim(pod: PodView): boolean
  /** Labels, volumes or claim owners are not as they should be. */
  needsRepair(pod: PodView): boolean
  /** The same of a Pod that is to go: its claims alone. */
  needsClaimRepair(pod: PodView): boolean
}

/** Carried out in this order; a later kind only after all of an earlier one have succeeded. */
export interface Plan {
  /** Finished ones, which are made anew once they are gone. */
  readonly removeFinished: readonly PodView[]
  readonly create: readonly Pod[]
  /** Pending ones: claims that are missing keep them from starting. */
  readonly completeClaims: readonly PodView[]
  readonly repair: readonly PodView[]
  readonly repairClaims: readonly PodView[]
  /** Outside of the range of ordinals. */
  readonly removeSurplus: readonly PodView[]
  /** Of another revision, to be made anew. */
  readonly removeOutdated: readonly PodView[]
}

const NOTHING: Plan = {
  removeFinished: [],
  create: [],
  completeClaims: [],
  repair: [],
  repairClaims: [],
  removeSurplus: [],
  removeOutdated: [],
}

/** One ordinal: the Pod that is there, or the one to be made. */
interface Replica {
  readonly pod: PodView
  readonly draft: Pod | undefined
}

export function planPass(facts: SetFacts): Plan {
  if (facts.set.metadata.deletionTimestamp !== undefined) return NOTHING
  const replicas = replicasIn(facts)
  const surplus = facts.pods.filter((pod) => ordinalOf(pod) >= 0 && !isInRange(facts.set, ordinalOf(pod)))
  const condemned = surplus.sort((a, b) => ordinalOf(b) - ordinalOf(a))
  return facts.set.spec.podManagementPolicy === 'Parallel'
    ? planAtOnce(facts, replicas, condemned)
    : planInOrder(facts, replicas, condemned)
}

function replicasIn(facts: SetFacts): readonly Replica[] {
  const { set, pods } = facts
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(pod), pod]))
  return Array.from({ length: replicasOf(set) }, (_, i) => {
    const pod = byOrdinal.get(startOf(set) + i)
    if (pod !== undefined) return { pod, draft: undefined }
    const draft = podOf(facts, startOf(set) + i)
    return { pod: draft as PodView, draft }
  })
}

/** Below the partition Pods come back as they were. */
function podOf({ set, current, update }: SetFacts, ordinal: number): Pod {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {}
  const kept = rollingUpdate === undefined ? (set.status?.currentReplicas ?? 0) : (rollingUpdate.partition ?? 0)
  const isKept = (type === 'RollingUpdate' || rollingUpdate !== undefined) && ordinal < startOf(set) + kept
  const revision = isKept ? current : update
  return newPod(set, templateOf(revision) ?? set.spec.template, revision.metadata.name ?? '', ordinal)
}

/** Ends at the first Pod that has to be waited for, or after the first change. */
function planInOrder(facts: SetFacts, replicas: readonly Replica[], condemned: readonly PodView[]): Plan {
  const completeClaims: PodView[] = []
  const repair: PodView[] = []
  for (const { pod, draft } of replicas) {
    if (draft !== undefined) {
      return { ...NOTHING, completeClaims, repair, create: facts.hasStaleClaim(pod) ? [] : [draft] }
    }
    if (isPodFinished(pod)) return { ...NOTHING, completeClaims, repair, removeFinished: goingFrom([pod]) }
    if (pod.status?.phase === 'Pending') completeClaims.push(pod)
    if (isTerminating(pod) || !isRunning(facts, pod)) return { ...NOTHING, completeClaims, repair }
    if (facts.needsRepair(pod)) repair.push(pod)
  }
  const repairClaims = condemned.filter((pod) => facts.needsClaimRepair(pod))
  const settled = { ...NOTHING, completeClaims, repair, repairClaims }
  const [last] = condemned
  if (last !== undefined) {
    const isRemovable = !isTerminating(last) && (isRunning(facts, last) || last === firstUnavailable(facts, condemned))
    return { ...settled, removeSurplus: isRemovable ? [last] : [] }
  }
  return { ...settled, removeOutdated: outdated(facts, replicas) }
}

function planAtOnce(facts: SetFacts, replicas: readonly Replica[], condemned: readonly PodView[]): Plan {
  const present = replicas.filter(({ draft }) => draft === undefined).map(({ pod }) => pod)
  const alive = present.filter((pod) => !isPodFinished(pod))
  return {
    removeFinished: goingFrom(present.filter(isPodFinished)),
    create: replicas.flatMap(({ pod, draft }) => (draft === undefined || facts.hasStaleClaim(pod) ? [] : [draft])),
    completeClaims: alive.filter(({ status }) => status?.phase === 'Pending'),
    repair: alive.filter((pod) => facts.needsRepair(pod)),
    repairClaims: condemned.filter((pod) => facts.needsClaimRepair(pod)),
    removeSurplus: goingFrom(condemned),
    removeOutdated: outdated(facts, replicas),
  }
}

const goingFrom = (pods: readonly PodView[]): readonly PodView[] => pods.filter((pod) => !isTerminating(pod))

function isRunning({ set, nowMs }: SetFacts, pod: PodView): boolean {
  return pod.status?.phase === 'Running' && isPodReady(pod) && isPodAvailable(pod, set.spec.minReadySeconds, nowMs)
}

function isUnavailable({ set, nowMs }: SetFacts, pod: PodView): boolean {
  return isTerminating(pod) || !isPodAvailable(pod, set.spec.minReadySeconds, nowMs)
}

/** All within the range are available when this is asked: only surplus ones, the lowest first. */
function firstUnavailable(facts: SetFacts, condemned: readonly PodView[]): PodView | undefined {
  return condemned.findLast((pod) => isUnavailable(facts, pod))
}

/** From the highest ordinal down to the partition. */
function outdated(facts: SetFacts, replicas: readonly Replica[]): readonly PodView[] {
  const { set, update, maxUnavailable } = facts
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {}
  if (type === 'OnDelete') return []
  const newest = replicas.map(({ pod }) => pod).reverse()
  const candidates = newest.slice(0, Math.max(0, replicas.length - (rollingUpdate?.partition ?? 0)))
  if (maxUnavailable === undefined) return oneOutdated(facts, candidates)
  const missing = newest.filter((pod) => isUnavailable(facts, pod)).length
  const stale = candidates.filter((pod) => revisionOf(pod) !== update.metadata.name && !isTerminating(pod))
  // Those that do not work are missed by nobody, and keep the others waiting for as long as they are there.
  const broken = stale.filter((pod) => isUnavailable(facts, pod))
  const working = stale.filter((pod) => !broken.includes(pod))
  return [...broken, ...working.slice(0, Math.max(0, maxUnavailable - missing))]
}

/** The highest outdated one, unless one above it is not available yet. An outdated Pod goes whether or not it works. */
function oneOutdated(facts: SetFacts, candidates: readonly PodView[]): readonly PodView[] {
  for (const pod of candidates) {
    if (revisionOf(pod) !== facts.update.metadata.name && !isTerminating(pod)) return [pod]
    if (isUnavailable(facts, pod)) return []
  }
  return []
}
