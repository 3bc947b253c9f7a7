/**
 * VolumeRestrictions: no two Pods of a node on one disk that only one may have, and no two Pods anywhere on one
 * ReadWriteOncePod claim.
 *
 * Reads: claims from the cache. Upstream: plugins/volumerestrictions/volume_restrictions.go.
 */
import { PERSISTENT_VOLUME_CLAIMS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { changeOf } from '../../framework/change.ts'
import type {
  ClusterEvent,
  EventHint,
  FilterPlugin,
  FrozenPod,
  NodeInfo,
  PluginDefinition,
  PluginHandle,
  PodInfo,
  Snapshot,
  Verdict,
} from '../../framework/interfaces.ts'
import { SKIP, unresolvable, unschedulable } from '../../framework/verdicts.ts'
import { isDiskConflict, namesDisk } from './disk-conflict.ts'

export const volumeRestrictions: PluginDefinition = {
  name: 'VolumeRestrictions',
  create: (_args, handle) => new VolumeRestrictions(handle),
}

interface RestrictionState {
  /** `namespace/claim` of the Pod's ReadWriteOncePod claims. */
  readonly exclusive: ReadonlySet<string>
  /** How often Pods in the cluster use them. */
  uses: number
}

const IN_USE =
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod'

const EVENTS: readonly EventHint[] = [
  { resource: 'pods', actions: ['delete'], mayHelp: deletedPodMayHelp },
  { resource: 'nodes', actions: ['add'] },
  {
    resource: 'persistentvolumeclaims',
    actions: ['add'],
    mayHelp(pod, event) {
      const { object } = changeOf<PersistentVolumeClaim>(event)
      return object !== undefined && claimsOf(pod).includes(`${object.metadata.namespace}/${object.metadata.name}`)
    },
  },
]

export class VolumeRestrictions implements FilterPlugin<RestrictionState> {
  readonly name = 'VolumeRestrictions'
  readonly events = EVENTS
  readonly #claims: Lister<PersistentVolumeClaim>

  constructor({ lister }: Pick<PluginHandle, 'lister'>) {
    this.#claims = lister(PERSISTENT_VOLUME_CLAIMS)
  }

  preFilter({ pod }: PodInfo, snapshot: Snapshot): Verdict | { readonly state: RestrictionState } {
    const exclusive = new Set<string>()
    const { namespace = '' } = pod.metadata
    for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
      if (persistentVolumeClaim === undefined) continue
      const name = persistentVolumeClaim.claimName
      const claim = this.#claims.get({ namespace, name })
      if (claim === undefined) return unresolvable(`persistentvolumeclaim "${name}" not found`)
      if (claim.spec.accessModes?.includes('ReadWriteOncePod')) exclusive.add(`${namespace}/${name}`)
    }
    const uses = exclusive.size === 0 ? 0 : countUses(exclusive, snapshot)
    const isAtRest = uses === 0 && !(pod.spec.volumes ?? []).some(namesDisk)
    return isAtRest ? SKIP : { state: { exclusive, uses } }
  }

  filter({ uses }: RestrictionState, { pod }: PodInfo, node: NodeInfo): Verdict | undefined {
    if (hasConflict(pod, node)) return unschedulable('node(s) had no available disk')
    if (uses === 0) return undefined
    return unschedulable(IN_USE)
  }

  cloneState(state: RestrictionState): RestrictionState {
    return { ...state }
  }

  addPod(state: RestrictionState, _pod: PodInfo, { pod }: PodInfo): void {
    state.uses += claimsOf(pod).filter((claim) => state.exclusive.has(claim)).length
  }

  removePod(state: RestrictionState, _pod: PodInfo, { pod }: PodInfo): void {
    state.uses -= claimsOf(pod).filter((claim) => state.exclusive.has(claim)).length
  }
}

function countUses(claims: ReadonlySet<string>, { nodes }: Snapshot): number {
  let uses = 0
  for (const { claimUses } of nodes) for (const claim of claims) uses += claimUses.get(claim) ?? 0
  return uses
}

function hasConflict({ spec }: FrozenPod, { pods }: NodeInfo): boolean {
  const disks = (spec.volumes ?? []).filter(namesDisk)
  if (disks.length === 0) return false
  for (const { pod } of pods.values())
    for (const other of pod.spec.volumes ?? []) if (disks.some((disk) => isDiskConflict(disk, other))) return true
  return false
}

/** `namespace/claim`. */
const claimsOf = ({ metadata, spec }: FrozenPod): string[] =>
  (spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) =>
    persistentVolumeClaim === undefined ? [] : [`${metadata.namespace}/${persistentVolumeClaim.claimName}`],
  )

/** It had a claim of the Pod's, or a disk it wants. */
function deletedPodMayHelp(pod: FrozenPod, event: ClusterEvent): boolean {
  const { old } = changeOf<Pod>(event)
  if (old === undefined) return true
  if (old.metadata.namespace !== pod.metadata.namespace) return false
  const claims = claimsOf(pod)
  if (claimsOf(old).some((claim) => claims.includes(claim))) return true
  const disks = (pod.spec.volumes ?? []).filter(namesDisk)
  return disks.some((disk) => (old.spec.volumes ?? []).some((other) => isDiskConflict(disk, other)))
}
