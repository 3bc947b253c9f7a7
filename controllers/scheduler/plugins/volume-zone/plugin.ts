/**
 * VolumeZone: a Pod goes into the zone and region its bound volumes are labelled with. Kept for volumes that carry labels
 * instead of node affinity.
 *
 * Reads: claims, volumes, classes from the cache. Upstream: plugins/volumezone/volume_zone.go.
 */
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { deepEqual } from '#machinery/util/json.ts'
import { claimClass, type FrozenClaim, type FrozenVolume } from '#machinery/volume/binding.ts'
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
  Verdict,
} from '../../framework/interfaces.ts'
import { SKIP, unresolvable } from '../../framework/verdicts.ts'

export const volumeZone: PluginDefinition = {
  name: 'VolumeZone',
  create: (_args, handle) => new VolumeZone(handle),
}

const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone'
const BETA_REGION = 'failure-domain.beta.kubernetes.io/region'
const ZONE = 'topology.kubernetes.io/zone'
const REGION = 'topology.kubernetes.io/region'

/** Label -> the one that has replaced it. */
const TOPOLOGY_LABELS = new Map([
  [BETA_ZONE, ZONE],
  [BETA_REGION, REGION],
  [ZONE, ZONE],
  [REGION, REGION],
])

/** What a node's label must be one of. */
export interface VolumeTopology {
  readonly key: string
  readonly values: readonly string[]
}

const EVENTS: readonly EventHint[] = [
  {
    resource: 'storageclasses',
    actions: ['add'],
    mayHelp: (_pod, event) => changeOf<StorageClass>(event).object?.volumeBindingMode === 'WaitForFirstConsumer',
  },
  {
    resource: 'nodes',
    actions: ['add', 'update'],
    kinds: ['UpdateNodeLabel'],
  },
  {
    resource: 'persistentvolumeclaims',
    actions: ['add', 'update'],
    mayHelp(pod, event) {
      const { object } = changeOf<PersistentVolumeClaim>(event)
      return (
        object?.metadata.namespace === pod.metadata.namespace && claimNames(pod).includes(object?.metadata.name ?? '')
      )
    },
  },
  { resource: 'persistentvolumes', actions: ['add', 'update'], mayHelp: (_pod, event) => topologyChanged(event) },
]

export class VolumeZone implements FilterPlugin<readonly VolumeTopology[]> {
  readonly name = 'VolumeZone'
  readonly events = EVENTS
  readonly #claims: Lister<PersistentVolumeClaim>
  readonly #volumes: Lister<PersistentVolume>
  readonly #classes: Lister<StorageClass>

  constructor({ lister }: Pick<PluginHandle, 'lister'>) {
    this.#claims = lister(PERSISTENT_VOLUME_CLAIMS)
    this.#volumes = lister(PERSISTENT_VOLUMES)
    this.#classes = lister(STORAGE_CLASSES)
  }

  preFilter({ pod }: PodInfo): Verdict | { readonly state: readonly VolumeTopology[] } {
    const state: VolumeTopology[] = []
    for (const name of claimNames(pod)) {
      if (name === '') return unresolvable('PersistentVolumeClaim had no name')
      const claim = this.#claims.get({ namespace: pod.metadata.namespace ?? '', name })
      if (claim === undefined) return unresolvable(`persistentvolumeclaim "${name}" not found`)
      const { volumeName = '' } = claim.spec
      const problem = volumeName === '' ? this.#unboundProblem(claim) : undefined
      if (problem !== undefined) return unresolvable(problem)
      if (volumeName === '') continue
      const volume = this.#volumes.get({ name: volumeName })
      if (volume === undefined) return unresolvable(`persistentvolume "${volumeName}" not found`)
      state.push(...volumeTopologies(volume))
    }
    return state.length === 0 ? SKIP : { state }
  }

  filter(topologies: readonly VolumeTopology[], _pod: PodInfo, { node }: NodeInfo): Verdict | undefined {
    const { labels = {} } = node.metadata
    // A cluster of one zone need not say so.
    if (![...TOPOLOGY_LABELS.keys()].some((key) => labels[key] !== undefined)) return undefined
    const isInside = ({ key, values }: VolumeTopology): boolean => {
      const value = labels[key] ?? labels[TOPOLOGY_LABELS.get(key) ?? key]
      return value !== undefined && values.includes(value)
    }
    return topologies.every(isInside) ? undefined : unresolvable('node(s) had no available volume zone')
  }

  /** Fine when the claim waits for a node. */
  #unboundProblem(claim: FrozenClaim): string | undefined {
    const name = claimClass(claim)
    if (name === '') return 'PersistentVolumeClaim had no pv name and storageClass name'
    const storageClass = this.#classes.get({ name })
    if (storageClass === undefined) return `storageclass.storage.k8s.io "${name}" not found`
    const { volumeBindingMode } = storageClass
    if (volumeBindingMode === undefined) return `VolumeBindingMode not set for StorageClass "${name}"`
    return volumeBindingMode === 'WaitForFirstConsumer' ? undefined : 'PersistentVolume had no name'
  }
}

/** By its labels; a value may list several zones, `a__b`. A list with an empty zone says nothing. */
function volumeTopologies({ metadata }: FrozenVolume): VolumeTopology[] {
  return [...TOPOLOGY_LABELS.keys()].flatMap((key) => {
    const text = metadata.labels?.[key]
    const values = text?.split('__') ?? []
    return text === undefined || values.some((value) => value.trim() === '') ? [] : [{ key, values }]
  })
}

const claimNames = ({ spec }: FrozenPod): string[] =>
  (spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [])

/** The volume is new, or its zone labels changed. */
function topologyChanged(event: ClusterEvent): boolean {
  const { old, object } = changeOf<PersistentVolume>(event)
  if (old === undefined || object === undefined) return object !== undefined
  return !deepEqual(volumeTopologies(old), volumeTopologies(object))
}
