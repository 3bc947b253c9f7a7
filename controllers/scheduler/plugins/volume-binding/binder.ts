/**
 * Finds volumes for a Pod's claims on a node, keeps the choice in mind, and has it carried out: the scheduler writes which
 * volume a claim shall get, or on which node one shall be made; the volume binder and the provisioner do the rest.
 *
 * Reads: persistentvolumes, claims, classes, CSI drivers and capacities, nodes, pods from the cache.
 * Writes: persistentvolumes (claimRef), claims (selected-node). Upstream: plugins/volumebinding/binder.go. Differs: in-tree
 * volumes are not translated to CSI before their node affinity is read; a binding is looked at when something changes.
 */
import { NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { NodeMatcher } from '#machinery/scheduling/node-affinity.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import { boundToClaim, SELECTED_NODE, volumeClass, claimClass } from '#machinery/volume/binding.ts'
import { findMatchingVolume, requestedStorage, volumeNodeMatcher } from '#machinery/volume/match.ts'
import type { FrozenNode, FrozenPod, PluginHandle } from '../../framework/interfaces.ts'
import { AssumeCache } from './assume-cache.ts'
import { type BindingFacts, bindingProgress } from './binding-progress.ts'
import { ChangeSignal } from './change-signal.ts'
import { type PodClaims, podClaims } from './pod-claims.ts'
import { Provisioning } from './provisioning.ts'

const NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
const BIND_CONFLICT = "node(s) didn't find available persistent volumes to bind"
const NOT_ENOUGH_SPACE = 'node(s) did not have enough free storage'
const NO_SUCH_VOLUME = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'

const CLASS_INDEX = 'storage-class'
const LOOK_AGAIN_MS = 1_000

/** What shall be done for a Pod on one node. */
export interface PodVolumes {
  readonly matched: readonly { readonly volume: FrozenVolume; readonly claim: FrozenClaim }[]
  readonly provisioned: readonly FrozenClaim[]
}

/** The objects as they shall be, made from what the caches held. */
export interface AssumedVolumes {
  readonly volumes: readonly {
    readonly volume: FrozenVolume
    readonly claim: FrozenClaim
    readonly isChanged: boolean
  }[]
  readonly claims: readonly FrozenClaim[]
}

export class VolumeBinder {
  readonly provisioning: Provisioning
  readonly #handle: PluginHandle
  readonly #pods: Lister<Pod>
  readonly #nodes: Lister<Node>
  readonly #volumes: AssumeCache<PersistentVolume>
  readonly #claims: AssumeCache<PersistentVolumeClaim>
  readonly #changes: ChangeSignal
  /** Volumes are frozen and replaced when they change. */
  readonly #reach = new WeakMap<FrozenVolume, NodeMatcher>()

  constructor(handle: PluginHandle) {
    this.#handle = handle
    this.#pods = handle.lister(PODS)
    this.#nodes = handle.lister(NODES)
    this.provisioning = new Provisioning(handle)
    const volumes = handle.informer(PERSISTENT_VOLUMES)
    volumes.addIndex(CLASS_INDEX, (volume) => [volumeClass(volume)])
    const claims = handle.informer(PERSISTENT_VOLUME_CLAIMS)
    this.#volumes = new AssumeCache(volumes)
    this.#claims = new AssumeCache(claims)
    this.#changes = new ChangeSignal(handle.clock)
    const changed = { onUpdate: () => this.#changes.fire(), onDelete: () => this.#changes.fire() }
    volumes.addHandler({ ...changed, onAdd: () => this.#changes.fire() })
    claims.addHandler(changed)
  }

  claimsOf(pod: FrozenPod): PodClaims | string {
    return podClaims(
      pod,
      (key) => this.#claims.get(key),
      (name) => this.provisioning.classOf(name),
    )
  }

  /** What to do on this node, or the reasons why it will not do. */
  find({ bound, delayed }: PodClaims, node: FrozenNode): PodVolumes | readonly string[] {
    const boundProblem = this.#checkBound(bound, node)
    const found = this.#findFor(delayed, node)
    if (typeof found === 'string')
      return boundProblem === NODE_CONFLICT ? [boundProblem, found] : [found, ...list(boundProblem)]
    return boundProblem === undefined ? found : [boundProblem]
  }

  /** Undefined when the caches have moved on since `find`: the Pod is to be scheduled again. */
  assume({ matched, provisioned }: PodVolumes, nodeName: string): AssumedVolumes | undefined {
    const volumes = matched.map(({ volume, claim }) => {
      const bound = boundToClaim(volume, claim)
      return { volume: bound ?? volume, claim, isChanged: bound !== undefined }
    })
    const claims = provisioned.map((claim) => withSelectedNode(claim, nodeName))
    const assumed = { volumes, claims }
    const isCurrent =
      volumes.every(({ volume, isChanged }) => !isChanged || this.#volumes.assume(volume)) &&
      claims.every((claim) => this.#claims.assume(claim))
    if (isCurrent) return assumed
    this.revert(assumed)
    return undefined
  }

  /** Idempotent. What has been written stays written. */
  revert({ volumes, claims }: AssumedVolumes): void {
    for (const { volume, isChanged } of volumes) if (isChanged) this.#volumes.restore(volume)
    for (const claim of claims) this.#claims.restore(claim)
  }

  /** Writes the choice and waits until every claim is bound. Throws an Error that says what went wrong. */
  async bind(
    pod: FrozenPod,
    nodeName: string,
    assumed: AssumedVolumes,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#write(assumed, signal)
    const { clock } = this.#handle
    const deadline = clock.monotonicMs() + timeoutMs
    const facts = this.#facts(pod, nodeName)
    while (!bindingProgress(assumed, facts)) {
      const leftMs = deadline - clock.monotonicMs()
      if (leftMs <= 0) throw new Error('binding volumes: context deadline exceeded')
      await this.#changes.wait(Math.min(LOOK_AGAIN_MS, leftMs), signal)
    }
  }

  async #write({ volumes, claims }: AssumedVolumes, signal: AbortSignal): Promise<void> {
    for (const { volume, isChanged } of volumes)
      if (isChanged)
        await this.#handle.client.update(PERSISTENT_VOLUMES, deepCopy<PersistentVolume>(volume), { signal })
    for (const claim of claims)
      await this.#handle.client.update(PERSISTENT_VOLUME_CLAIMS, deepCopy<PersistentVolumeClaim>(claim), { signal })
  }

  #facts(pod: FrozenPod, nodeName: string): BindingFacts {
    const { namespace = '', name = '', uid } = pod.metadata
    return {
      nodeName,
      podExists: () => this.#pods.get({ namespace, name })?.metadata.uid === uid,
      volume: (volumeName) => this.#volumes.getActual({ name: volumeName }),
      claim: (key) => this.#claims.getActual(key),
      reaches: (volume) => {
        const node = this.#nodes.get({ name: nodeName })
        return node !== undefined && this.#matcherOf(volume).matches(node)
      },
    }
  }

  /** All reachable, or the first problem. */
  #checkBound(bound: readonly FrozenClaim[], node: FrozenNode): string | undefined {
    for (const { spec } of bound) {
      const volume = this.#volumes.get({ name: spec.volumeName ?? '' })
      if (volume === undefined) return NO_SUCH_VOLUME
      if (!this.#matcherOf(volume).matches(node)) return NODE_CONFLICT
    }
    return undefined
  }

  #findFor(delayed: readonly FrozenClaim[], node: FrozenNode): PodVolumes | string {
    const matched: { volume: FrozenVolume; claim: FrozenClaim }[] = []
    const excluded = new Set<string>()
    const rest = delayed.filter(isSelected)
    // A node was chosen before: the provisioner may be at work there.
    if (rest.some(({ metadata }) => metadata.annotations?.[SELECTED_NODE] !== node.metadata.name)) return BIND_CONFLICT
    const reaches = (volume: FrozenVolume): boolean => this.#matcherOf(volume).matches(node)
    for (const claim of bySize(delayed.filter((candidate) => !isSelected(candidate)))) {
      const volume = findMatchingVolume(claim, this.#volumes.byIndex(CLASS_INDEX, claimClass(claim)), {
        excluded,
        reaches,
      })
      if (volume === undefined) {
        rest.push(claim)
        continue
      }
      excluded.add(volume.metadata.name ?? '')
      matched.push({ volume, claim })
    }
    for (const claim of rest) {
      const answer = this.provisioning.check(claim, node)
      if (answer !== 'ok') return answer === 'no-space' ? NOT_ENOUGH_SPACE : BIND_CONFLICT
    }
    return { matched, provisioned: rest }
  }

  #matcherOf(volume: FrozenVolume): NodeMatcher {
    let matcher = this.#reach.get(volume)
    if (matcher === undefined) {
      matcher = volumeNodeMatcher(volume)
      this.#reach.set(volume, matcher)
    }
    return matcher
  }
}

const list = (reason: string | undefined): string[] => (reason === undefined ? [] : [reason])

const isSelected = ({ metadata }: FrozenClaim): boolean => metadata.annotations?.[SELECTED_NODE] !== undefined

/** Small ones first, so that they do not take the volumes that only fit large ones. */
const bySize = (claims: readonly FrozenClaim[]): FrozenClaim[] =>
  [...claims].sort((a, b) => requestedStorage(a).compare(requestedStorage(b)))

function withSelectedNode(claim: FrozenClaim, nodeName: string): PersistentVolumeClaim {
  const draft = deepCopy<PersistentVolumeClaim>(claim)
  draft.metadata.annotations = { ...draft.metadata.annotations, [SELECTED_NODE]: nodeName }
  return draft
}
