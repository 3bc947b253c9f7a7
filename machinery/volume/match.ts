/**
 * Which of the existing PersistentVolumes serves a claim: one prepared for it, else the smallest that is large enough and
 * fits in class, mode, access modes, selector and node. Pure; used by the scheduler and by the volume binder.
 * Upstream: component-helpers storage/volume/pv_helpers.go FindMatchingVolume, pkg/controller/volume/persistentvolume/index.go.
 */
import type { PersistentVolume } from '#machinery/api/core/v1/types.gen.ts'
import { type Quantity, tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import type { NodeMatcher } from '#machinery/scheduling/node-affinity.ts'
import { nodeSelectorMatcher } from '#machinery/scheduling/node-affinity.ts'
import { EVERYTHING, labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { claimClass, type FrozenClaim, type FrozenVolume, isVolumeBoundToClaim, volumeClass } from './binding.ts'

export interface MatchOptions {
  /** Of a Pod's claims, what an earlier one has taken: names. */
  readonly excluded?: ReadonlySet<string>
  /** The scheduler's question: can the node under test reach the volume? Access modes are then checked here as well. */
  readonly reaches?: (volume: FrozenVolume) => boolean
  /** Only volumes prepared for the claim; the rest waits for the scheduler. */
  readonly preparedOnly?: boolean
}

/** Throws an Error when the claim's selector cannot be parsed. */
export function findMatchingVolume(
  claim: FrozenClaim,
  volumes: Iterable<FrozenVolume>,
  { excluded, reaches, preparedOnly = false }: MatchOptions = {},
): FrozenVolume | undefined {
  const wanted = requestedStorage(claim)
  const isCandidate = candidateCheck(claim)
  let smallest: FrozenVolume | undefined
  let smallestCapacity = ZERO_QUANTITY
  for (const volume of volumes) {
    if (excluded?.has(volume.metadata.name ?? '') || !couldServe(volume, claim)) continue
    const capacity = volumeCapacity(volume)
    if (capacity.compare(wanted) < 0) continue
    if (isVolumeBoundToClaim(volume, claim)) return reaches?.(volume) === false ? undefined : volume
    if (preparedOnly || !isCandidate(volume)) continue
    if (smallest !== undefined && smallestCapacity.compare(capacity) <= 0) continue
    if (reaches !== undefined && !(hasAccessModes(volume, claim) && reaches(volume))) continue
    smallest = volume
    smallestCapacity = capacity
  }
  return smallest
}

/** The binder's question: of the volumes with the fewest access modes that include the claim's, the best match. */
export function findVolumeForClaim(
  claim: FrozenClaim,
  volumes: Iterable<FrozenVolume>,
  options: Pick<MatchOptions, 'preparedOnly'> = {},
): FrozenVolume | undefined {
  const byModes = new Map<string, { readonly modes: number; readonly volumes: FrozenVolume[] }>()
  for (const volume of volumes) {
    if (!hasAccessModes(volume, claim)) continue
    const modes = [...new Set(volume.spec.accessModes)].sort()
    const group = byModes.get(modes.join()) ?? { modes: modes.length, volumes: [] }
    group.volumes.push(volume)
    byModes.set(modes.join(), group)
  }
  for (const group of [...byModes.values()].sort((a, b) => a.modes - b.modes)) {
    const found = findMatchingVolume(claim, group.volumes, options)
    if (found !== undefined) return found
  }
  return undefined
}

export const requestedStorage = ({ spec }: FrozenClaim): Quantity => quantityOf(spec.resources?.requests?.['storage'])

export const volumeCapacity = ({ spec }: FrozenVolume): Quantity => quantityOf(spec.capacity?.['storage'])

/** Every access mode the claim asks for. */
export function hasAccessModes({ spec }: FrozenVolume, claim: FrozenClaim): boolean {
  const modes = spec.accessModes ?? []
  return (claim.spec.accessModes ?? []).every((mode) => modes.includes(mode))
}

export const sameVolumeMode = ({ spec }: FrozenVolume, claim: FrozenClaim): boolean =>
  (spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem')

/** The nodes a volume can be reached from; without node affinity: all. */
export function volumeNodeMatcher({ spec }: DeepReadonly<PersistentVolume>): NodeMatcher {
  const required = spec.nodeAffinity?.required
  return required === undefined ? { matches: () => true } : nodeSelectorMatcher(required)
}

/** Free or meant for this claim, of the same kind, and not on its way out. */
function couldServe(volume: FrozenVolume, claim: FrozenClaim): boolean {
  const { metadata, spec } = volume
  if (metadata.deletionTimestamp !== undefined) return false
  if (spec.claimRef !== undefined && !isVolumeBoundToClaim(volume, claim)) return false
  const sameAttributes = (spec.volumeAttributesClassName ?? '') === (claim.spec.volumeAttributesClassName ?? '')
  return sameAttributes && sameVolumeMode(volume, claim)
}

/** What a volume that nobody prepared must fulfil besides. */
function candidateCheck(claim: FrozenClaim): (volume: FrozenVolume) => boolean {
  const wantedClass = claimClass(claim)
  const selector = claim.spec.selector === undefined ? EVERYTHING : labelSelectorAsMatcher(claim.spec.selector)
  return (volume) =>
    volume.status?.phase === 'Available' &&
    volumeClass(volume) === wantedClass &&
    selector.matches(volume.metadata.labels)
}

const quantityOf = (text: string | undefined): Quantity =>
  text === undefined ? ZERO_QUANTITY : (tryParseQuantity(text) ?? ZERO_QUANTITY)
