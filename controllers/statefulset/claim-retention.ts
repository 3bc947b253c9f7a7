/**
 * Who owns the claims of a Pod, by persistentVolumeClaimRetentionPolicy: what owns a claim takes it along when it goes. Pure.
 * Upstream: pkg/controller/statefulset/stateful_set_utils.go isClaimOwnerUpToDate, updateClaimOwnerRefForSetAndPod.
 */
import { STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject, OwnerReference } from '#machinery/api/meta/v1.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { newControllerReference } from '#sdk'
import type { PodView, SetView } from './pod-identity.ts'
import { isInRange, ordinalOf } from './pod-identity.ts'

type ClaimView = DeepReadonly<PersistentVolumeClaim>
type ReferenceView = DeepReadonly<OwnerReference>

/** A possible owner: the set, or the Pod. */
interface Party {
  readonly object: DeepReadonly<KubeObject>
  readonly resource: Resource
}

const partiesOf = (set: SetView, pod: PodView): readonly [Party, Party] => [
  { object: set, resource: STATEFUL_SETS },
  { object: pod, resource: PODS },
]

const referencesOf = ({ metadata }: ClaimView): readonly ReferenceView[] => metadata.ownerReferences ?? []

/** By name and kind; the UID may be of an earlier one. */
function names({ object, resource }: Party, reference: ReferenceView): boolean {
  const { apiVersion, kind, name } = reference
  return apiVersion === apiVersionOf(resource) && kind === resource.kind && name === object.metadata.name
}

/** The claim belongs to an earlier object of that name, which the garbage collector has still to deal with. */
function isStale(claim: ClaimView, party: Party): boolean {
  const reference = referencesOf(claim).find((found) => names(party, found))
  return reference !== undefined && reference.uid !== party.object.metadata.uid
}

/** Scaling down takes the claims along. */
export const goesWithItsPod = ({ spec }: SetView): boolean =>
  spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete'

/** The claim of a Pod that went by scaling down is about to go: no Pod may be made on it. */
export function isStaleForPod(set: SetView, claim: ClaimView, pod: PodView): boolean {
  return goesWithItsPod(set) && isStale(claim, { object: pod, resource: PODS })
}

const isRetained = ({ spec }: SetView): boolean =>
  spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete' &&
  spec.persistentVolumeClaimRetentionPolicy?.whenDeleted !== 'Delete'

/** Somebody else manages the claim: the policy is not applied to it. */
export function hasForeignController(set: SetView, claim: ClaimView, pod: PodView): boolean {
  if (isRetained(set)) return false
  const parties = partiesOf(set, pod)
  return referencesOf(claim).some((reference) => {
    const party = parties.find((candidate) => names(candidate, reference))
    return party === undefined ? reference.controller === true : reference.uid !== party.object.metadata.uid
  })
}

/** The owner references the claim should have; undefined when they are right, or not ours to change. */
export function wantedOwners(set: SetView, claim: ClaimView, pod: PodView): ReferenceView[] | undefined {
  const parties = partiesOf(set, pod)
  if (parties.some((party) => isStale(claim, party))) return undefined
  const references = referencesOf(claim)
  const others = references.filter((reference) => !parties.some((party) => names(party, reference)))
  const owner = hasForeignController(set, claim, pod) ? undefined : ownerByPolicy(set, pod)
  const wanted = owner === undefined ? others : [...others, newControllerReference(owner.object, owner.resource)]
  const ours = references.filter((reference) => !others.includes(reference))
  const isRight =
    owner === undefined
      ? ours.length === 0
      : ours.length === 1 && ours[0]?.uid === owner.object.metadata.uid && ours[0]?.controller === true
  return isRight ? undefined : wanted
}

/** A Pod that is scaled away takes its claims along, the set those of the Pods it has. */
function ownerByPolicy(set: SetView, pod: PodView): Party | undefined {
  const { whenScaled, whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {}
  const [setParty, podParty] = partiesOf(set, pod)
  const isScaledAway = !isInRange(set, ordinalOf(pod))
  if (whenScaled === 'Delete' && isScaledAway) return podParty
  return whenDeleted === 'Delete' ? setParty : undefined
}
