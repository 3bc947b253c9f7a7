/**
 * What says that a PersistentVolume and a PersistentVolumeClaim belong together: classes, references, annotations. Shared
 * by the scheduler (static and delayed binding) and the volume binder.
 * Upstream: component-helpers storage/volume/pv_helpers.go, helpers.go.
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type FrozenVolume = DeepReadonly<PersistentVolume>
export type FrozenClaim = DeepReadonly<PersistentVolumeClaim>

/** On a claim: the first setup is over, so a missing volume means the data is lost. Any value. */
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed'
/** On claims and volumes: a controller made the binding, not a user, so it may be undone. Any value. */
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller'
/** On a claim: the node the scheduler chose; asks the provisioner to work. Removed by it when it cannot. */
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
/** The provisioner of classes whose volumes are made by hand. */
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner'

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class'

/** The class's name, '' for none. The beta annotation wins over the field. */
export const claimClass = ({ metadata, spec }: FrozenClaim): string =>
  metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? ''

export const volumeClass = ({ metadata, spec }: FrozenVolume): string =>
  metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? ''

/** Pre-bound or bound: same name and namespace; the UID counts when the volume names one. */
export function isVolumeBoundToClaim({ spec }: FrozenVolume, { metadata }: FrozenClaim): boolean {
  const { claimRef } = spec
  if (claimRef === undefined || claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace)
    return false
  return (claimRef.uid ?? '') === '' || claimRef.uid === metadata.uid
}

/** Both sides are written: the claim may be used. */
export const isClaimFullyBound = ({ metadata, spec }: FrozenClaim): boolean =>
  (spec.volumeName ?? '') !== '' && metadata.annotations?.[BIND_COMPLETED] !== undefined

/**
 * The volume with its reference to the claim, ready to be written; undefined when nothing would change. A binding that
 * the user did not prepare is marked as the controller's.
 */
export function boundToClaim(volume: FrozenVolume, claim: FrozenClaim): PersistentVolume | undefined {
  const { namespace, name, uid, resourceVersion } = claim.metadata
  const { claimRef } = volume.spec
  const isReferred = claimRef?.name === name && claimRef?.namespace === namespace && claimRef?.uid === uid
  const isMarked = volume.metadata.annotations?.[BOUND_BY_CONTROLLER] !== undefined
  const mustMark = !isVolumeBoundToClaim(volume, claim) && !isMarked
  if (isReferred && !mustMark) return undefined
  const draft = deepCopy<PersistentVolume>(volume)
  if (!isReferred) {
    draft.spec.claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1' }
    Object.assign(draft.spec.claimRef, { namespace, name, uid, resourceVersion })
  }
  if (mustMark) draft.metadata.annotations = { ...draft.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' }
  return draft
}

/** The claim's class says that binding waits for a Pod to be scheduled. A missing class is bound at once. */
export function isDelayedBinding(
  claim: FrozenClaim,
  classOf: (name: string) => DeepReadonly<StorageClass> | undefined,
): boolean {
  const name = claimClass(claim)
  return name !== '' && classOf(name)?.volumeBindingMode === 'WaitForFirstConsumer'
}

/** The claim a Pod's volume stands for: its own name or, for a generic ephemeral volume, the derived one. */
export function claimNameOf(pod: DeepReadonly<Pod>, volume: DeepReadonly<Volume>): string | undefined {
  if (volume.ephemeral !== undefined) return `${pod.metadata.name}-${volume.name}`
  return volume.persistentVolumeClaim?.claimName
}
