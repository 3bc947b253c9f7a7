/**
 * NodeVolumeLimits: no more volumes of a CSI driver on a node than its CSINode says can be attached.
 *
 * Reads: CSINodes, VolumeAttachments, claims, volumes, classes from the cache.
 * Upstream: plugins/nodevolumelimits/csi.go.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { CSI_NODES, VOLUME_ATTACHMENTS } from '#machinery/api/storage/v1/resources.gen.ts'
import type { CSINode, VolumeAttachment } from '#machinery/api/storage/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { claimMayHelp } from '../volume-binding/hints.ts'
import { claimNamesOf } from '../volume-binding/pod-claims.ts'
import { changeOf, hadPlace } from '../../framework/change.ts'
import type {
  ClusterEvent,
  EventHint,
  FilterPlugin,
  NodeInfo,
  PluginDefinition,
  PluginHandle,
  PodInfo,
  Verdict,
} from '../../framework/interfaces.ts'
import { SKIP, unresolvable, unschedulable } from '../../framework/verdicts.ts'
import { DriverVolumes } from './driver-volumes.ts'

const NODE_INDEX = 'node-name'

export const nodeVolumeLimits: PluginDefinition = {
  name: 'NodeVolumeLimits',
  create: (_args, handle) => new NodeVolumeLimits(handle),
}

/** Volume -> driver, of the Pod to be placed. */
type LimitState = ReadonlyMap<string, string>

const EVENTS: readonly EventHint[] = [
  { resource: 'csinodes', actions: ['add', 'update'], mayHelp: (_pod, event) => limitsMayHelp(event) },
  {
    resource: 'pods',
    actions: ['delete'],
    mayHelp: (_pod, event) => {
      const { old } = changeOf<Pod>(event)
      return old === undefined || (hadPlace(old) && claimNamesOf(old).length > 0)
    },
  },
  { resource: 'persistentvolumeclaims', actions: ['add'], mayHelp: claimMayHelp },
  { resource: 'volumeattachments', actions: ['delete'], mayHelp: (pod) => claimNamesOf(pod).length > 0 },
]

export class NodeVolumeLimits implements FilterPlugin<LimitState> {
  readonly name = 'NodeVolumeLimits'
  readonly events = EVENTS
  readonly #volumes: DriverVolumes
  readonly #csiNodes: Lister<CSINode>
  readonly #attachments: Lister<VolumeAttachment>

  constructor(handle: Pick<PluginHandle, 'lister' | 'informer'>) {
    this.#volumes = new DriverVolumes(handle)
    this.#csiNodes = handle.lister(CSI_NODES)
    const attachments = handle.informer(VOLUME_ATTACHMENTS)
    attachments.addIndex(NODE_INDEX, ({ spec }) => [spec.nodeName])
    this.#attachments = attachments.lister
  }

  preFilter({ pod }: PodInfo): Verdict | { readonly state: LimitState } {
    if (claimNamesOf(pod).length === 0) return SKIP
    const problems: string[] = []
    const state = this.#volumes.of(pod, (problem) => problems.push(problem))
    const [problem] = problems
    if (problem !== undefined) return unresolvable(problem)
    return state.size === 0 ? SKIP : { state }
  }

  filter(wanted: LimitState, _pod: PodInfo, node: NodeInfo): Verdict | undefined {
    const limits = this.#limitsOf(node.name)
    if (![...wanted.values()].some((driver) => limits.has(driver))) return undefined
    const attached = this.#attachedTo(node)
    const counts = new Map<string, number>()
    for (const driver of attached.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1)
    const added = new Set<string>()
    for (const [volume, driver] of wanted) {
      if (attached.has(volume)) continue
      counts.set(driver, (counts.get(driver) ?? 0) + 1)
      added.add(driver)
    }
    const isExceeded = [...added].some((driver) => (counts.get(driver) ?? 0) > (limits.get(driver) ?? Infinity))
    return isExceeded ? unschedulable('node(s) exceed max volume count') : undefined
  }

  #limitsOf(name: string): ReadonlyMap<string, number> {
    const limits = new Map<string, number>()
    for (const driver of this.#csiNodes.get({ name })?.spec.drivers ?? []) {
      const count = driver.allocatable?.count
      if (count !== undefined) limits.set(driver.name, count)
    }
    return limits
  }

  /** By the Pods that are there, and by attachments whose Pods are already gone. */
  #attachedTo(node: NodeInfo): ReadonlyMap<string, string> {
    const attached = new Map<string, string>()
    for (const { pod } of node.pods.values())
      if (pod.spec.volumes !== undefined) for (const [id, driver] of this.#volumes.of(pod)) attached.set(id, driver)
    for (const { spec } of this.#attachments.byIndex(NODE_INDEX, node.name)) {
      const found = this.#volumes.attached(spec.source.persistentVolumeName ?? '')
      if (found !== undefined) attached.set(found.id, found.driver)
    }
    return attached
  }
}

/** The node is new, or some driver of it takes more; one without a limit counts as taking none. */
function limitsMayHelp(event: ClusterEvent): boolean {
  const { old, object } = changeOf<CSINode>(event)
  if (old === undefined) return true
  const limitIn = ({ spec }: DeepReadonly<CSINode>, driver: string): number =>
    spec.drivers.find(({ name }) => name === driver)?.allocatable?.count ?? 0
  return object?.spec.drivers.some(({ name }) => limitIn(object, name) > limitIn(old, name)) ?? false
}
