/**
 * The one claim for all extended resources of a Pod that device classes stand for. It exists in memory until the Pod is being
 * bound: what it asks for depends on what the node itself has. Upstream: plugins/dynamicresources/extendeddynamicresources.go.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ContainerExtendedResourceRequest } from '#machinery/api/core/v1/types.gen.ts'
import { RESOURCE_CLAIMS } from '#machinery/api/resource/v1/resources.gen.ts'
import type { AllocationResult, ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import { DELETE_PROTECTION, EXTENDED_RESOURCE_CLAIM } from '#machinery/devices/pod-claims.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { newControllerReference } from '#sdk'
import type { ExtendedResources } from '../../framework/extended-resources.ts'
import type { FrozenPod, NodeInfo, PluginHandle, PodInfo } from '../../framework/interfaces.ts'
import { patchPodStatus } from '../../runtime/pod-status.ts'
import type { FrozenClaim } from './allocator/interfaces.ts'
import type { ClaimTracker } from './claim-tracker.ts'
import type { ClaimWriter } from './claim-writer.ts'
import { extendedRequests } from './extended-requests.ts'

/** No name a claim can have. */
const IN_MEMORY = '<extended-resources>'

/** Of a Pod, in one cycle. */
export interface ExtendedClaim {
  /** Without requests; or one of an earlier attempt, which has to go first. */
  readonly claim: FrozenClaim
  readonly isStale: boolean
}

/** For one node. */
export interface NodeClaim {
  readonly claim: FrozenClaim
  readonly mappings: readonly ContainerExtendedResourceRequest[]
}

export class ExtendedClaims {
  readonly #handle: PluginHandle
  readonly #resources: ExtendedResources
  readonly #tracker: ClaimTracker
  readonly #writer: ClaimWriter

  constructor(handle: PluginHandle, resources: ExtendedResources, tracker: ClaimTracker, writer: ClaimWriter) {
    this.#handle = handle
    this.#resources = resources
    this.#tracker = tracker
    this.#writer = writer
  }

  /** Undefined: no class stands for anything the Pod asks for. */
  of({ pod, requests }: PodInfo): ExtendedClaim | undefined {
    if (this.#resources.of(requests).length === 0) return undefined
    const known = this.#tracker.ownedBy(pod).find(isExtendedResourceClaim)
    if (known !== undefined) return { claim: known, isStale: true }
    return { claim: newClaim(pod, this.#handle.random.uuid()), isStale: false }
  }

  /** What the node does not have itself; undefined: it has all. */
  forNode({ claim }: ExtendedClaim, { pod, requests }: PodInfo, { allocatable }: NodeInfo): NodeClaim | undefined {
    const missing = this.#resources.of(requests).filter((name) => (allocatable.scalar.get(name) ?? 0) === 0)
    if (missing.length === 0) return undefined
    const made = extendedRequests(pod, missing, (name) => this.#resources.classOf(name))
    return { claim: { ...claim, spec: { devices: { requests: made.requests } } }, mappings: made.mappings }
  }

  /** Makes the claim, with its devices and for this Pod, and names it in the Pod's status. `created` is told at once. */
  async write(
    { claim, mappings }: NodeClaim,
    pod: FrozenPod,
    allocation: AllocationResult,
    created: (claim: FrozenClaim) => void,
    signal: AbortSignal,
  ): Promise<FrozenClaim> {
    const { client } = this.#handle
    const made = await client.create(RESOURCE_CLAIMS, withoutIdentity(claim), { signal })
    created(made)
    const written = await this.#writer.bind(made, pod, allocation, signal)
    this.#tracker.replace(claim, written)
    const status = { extendedResourceClaimStatus: { requestMappings: mappings, resourceClaimName: made.metadata.name } }
    await patchPodStatus(client, pod, { metadata: { uid: pod.metadata.uid }, status }, signal)
    return written
  }

  async remove(claim: FrozenClaim, signal?: AbortSignal): Promise<void> {
    const { client } = this.#handle
    const options = signal === undefined ? {} : { signal }
    const live = await client.get(RESOURCE_CLAIMS, objectKeyOf(claim), options).catch(undefinedIfNotFound)
    if (live === undefined || live.metadata.uid !== claim.metadata.uid) return
    const draft = deepCopy<ResourceClaim>(live)
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((name) => name !== DELETE_PROTECTION)
    await client.update(RESOURCE_CLAIMS, draft, options)
    await client.delete(RESOURCE_CLAIMS, objectKeyOf(claim), options).catch(undefinedIfNotFound)
  }

  /** After a failure; the next attempt finds what could not be removed. */
  async discard(claim: FrozenClaim): Promise<void> {
    try {
      await this.remove(claim)
      this.#tracker.forget(claim)
    } catch (err: unknown) {
      const { namespace, name } = claim.metadata
      const fields = { resourceclaim: { namespace, name }, error: errorMessage(err) }
      this.#handle.logger.warn(fields, 'cannot remove the claim of a pod that was not bound')
    }
  }
}

const isExtendedResourceClaim = ({ metadata }: FrozenClaim): boolean =>
  metadata.annotations?.[EXTENDED_RESOURCE_CLAIM] === 'true'

function newClaim(pod: FrozenPod, uid: string): FrozenClaim {
  const { namespace = '', name = '' } = pod.metadata
  const { blockOwnerDeletion: _blocks, ...owner } = newControllerReference(pod, PODS)
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: {
      namespace,
      name: IN_MEMORY,
      uid,
      generateName: `${name}-extended-resources-`,
      ownerReferences: [owner],
      annotations: { [EXTENDED_RESOURCE_CLAIM]: 'true' },
    },
    spec: {},
  }
}

function withoutIdentity(claim: FrozenClaim): ResourceClaim {
  const { metadata, ...rest } = deepCopy<ResourceClaim>(claim)
  const { name: _name, uid: _uid, ...kept } = metadata
  return { ...rest, metadata: kept }
}
