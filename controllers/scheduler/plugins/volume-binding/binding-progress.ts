/**
 * Is everything that was asked for done, and has nothing been undone? Pure; asked again at each change.
 * Upstream: plugins/volumebinding/binder.go checkBindings.
 */
import type { ObjectKey } from '#machinery/meta/resource.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import { isClaimFullyBound, SELECTED_NODE } from '#machinery/volume/binding.ts'
import type { AssumedVolumes } from './binder.ts'

export interface BindingFacts {
  readonly nodeName: string
  podExists(): boolean
  /** As the API server says. */
  volume(name: string): FrozenVolume | undefined
  claim(key: ObjectKey): FrozenClaim | undefined
  /** From the chosen node, as it is now. */
  reaches(volume: FrozenVolume): boolean
}

/** True: all bound. False: not yet. Throws an Error when the Pod must be scheduled again. */
export function bindingProgress({ volumes, claims }: AssumedVolumes, facts: BindingFacts): boolean {
  if (!facts.podExists()) throw new Error('binding volumes: pod does not exist any more')
  const isMatched = ({ volume, claim, isChanged }: AssumedVolumes['volumes'][number]): boolean =>
    isVolumeTaken(volume, isChanged, facts) && isClaimFullyBound(actualClaim(claim, facts))
  return volumes.every(isMatched) && claims.every((claim) => isProvisioned(claim, facts))
}

function isVolumeTaken({ metadata }: FrozenVolume, isChanged: boolean, facts: BindingFacts): boolean {
  const { name = '', resourceVersion } = metadata
  const actual = facts.volume(name)
  if (actual === undefined) throw new Error(`binding volumes: could not find pv "${name}"`)
  // Our write was made from this state: the cache has not seen it yet.
  if (isChanged && actual.metadata.resourceVersion === resourceVersion) return false
  checkReach(actual, facts)
  if ((actual.spec.claimRef?.uid ?? '') === '') throw new Error(`binding volumes: ClaimRef got reset for pv "${name}"`)
  return true
}

function isProvisioned(claim: FrozenClaim, facts: BindingFacts): boolean {
  const actual = actualClaim(claim, facts)
  const { name = '', annotations, resourceVersion } = actual.metadata
  if (resourceVersion === claim.metadata.resourceVersion) return false
  if (annotations?.[SELECTED_NODE] === undefined)
    throw new Error(`binding volumes: selectedNode annotation reset for PVC "${name}"`)
  // The provisioner takes the annotation away when it cannot make the volume there.
  if (annotations[SELECTED_NODE] !== facts.nodeName)
    throw new Error(`binding volumes: provisioning failed for PVC "${name}"`)
  const { volumeName = '' } = actual.spec
  if (volumeName !== '') {
    const volume = facts.volume(volumeName)
    if (volume === undefined) return false
    checkReach(volume, facts)
  }
  return isClaimFullyBound(actual)
}

function actualClaim({ metadata }: FrozenClaim, facts: BindingFacts): FrozenClaim {
  const { namespace = '', name = '' } = metadata
  const claim = facts.claim({ namespace, name })
  if (claim === undefined) throw new Error(`binding volumes: could not find pvc "${namespace}/${name}"`)
  return claim
}

function checkReach(volume: FrozenVolume, facts: BindingFacts): void {
  if (facts.reaches(volume)) return
  const { name } = volume.metadata
  throw new Error(`binding volumes: pv "${name}" node affinity doesn't match node "${facts.nodeName}"`)
}
