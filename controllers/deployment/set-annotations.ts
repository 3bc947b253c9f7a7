/** What a Deployment writes on its ReplicaSets: its own annotations, the revision and its history, the sizes. Pure. */
import type { DeploymentView } from './rollout.ts'
import {
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  maxReplicas,
  REVISION,
  REVISION_HISTORY,
  ROLLBACK_TO,
  wantedReplicas,
} from './rollout.ts'

type Annotations = Readonly<Record<string, string>>

const HISTORY_LENGTH_MAX = 2000
const OWN: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  ROLLBACK_TO,
])

export function sizeAnnotations(deployment: DeploymentView): Record<string, string> {
  return {
    [DESIRED_REPLICAS]: String(wantedReplicas(deployment)),
    [MAX_REPLICAS]: String(maxReplicas(deployment)),
  }
}

/** `before`: the set's annotations. A set that already had a smaller revision is one that was rolled back to. */
export function newSetAnnotations(
  deployment: DeploymentView,
  before: Annotations | undefined,
  revision: bigint,
): Record<string, string> {
  const annotations = { ...before, ...copied(deployment.metadata.annotations) }
  const known = before?.[REVISION]
  if (known !== undefined && !/^\d+$/.test(known)) return annotations
  if (BigInt(known ?? 0) >= revision) return annotations
  annotations[REVISION] = String(revision)
  const history = known === undefined ? undefined : historyWith(before?.[REVISION_HISTORY], known)
  if (history !== undefined) annotations[REVISION_HISTORY] = history
  return annotations
}

/** The Deployment's annotations after a rollback: those of the set it goes back to, and its own bookkeeping. */
export function rolledBackAnnotations(
  deployment: Annotations | undefined,
  set: Annotations | undefined,
): Record<string, string> {
  const kept = Object.entries(deployment ?? {}).filter(([name]) => OWN.has(name) && name !== ROLLBACK_TO)
  return { ...Object.fromEntries(kept), ...copied(set) }
}

function copied(annotations: Annotations | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([name]) => !OWN.has(name)))
}

/** The oldest revisions fall out when it gets too long. */
function historyWith(history: string | undefined, revision: string): string | undefined {
  const revisions = history === undefined || history === '' ? [] : history.split(',')
  revisions.push(revision)
  while (revisions.length > 1 && revisions.join(',').length > HISTORY_LENGTH_MAX) revisions.shift()
  return revisions.join(',')
}
