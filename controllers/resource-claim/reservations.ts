/**
 * For whom a claim is reserved: Pods that are done leave the list, the last one takes the allocation with it, and a claim
 * made for a Pod that is done goes. Upstream: pkg/controller/resourceclaim syncClaim.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { RESOURCE_CLAIMS } from '#machinery/api/resource/v1/resources.gen.ts'
import type { ResourceClaim, ResourceClaimConsumerReference } from '#machinery/api/resource/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { FrozenResourceClaim } from '#machinery/devices/pod-claims.ts'
import { DELETE_PROTECTION } from '#machinery/devices/pod-claims.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isPodDone, owningPod } from './pod-state.ts'

type Consumer = DeepReadonly<ResourceClaimConsumerReference>

export class Reservations {
  readonly #client: Client
  readonly #pods: Lister<Pod>

  constructor(client: Client, pods: Lister<Pod>) {
    this.#client = client
    this.#pods = pods
  }

  /** For a Pod that was bound without it: by hand, or by a scheduler that does not know claims. */
  async reserve(claim: FrozenResourceClaim, pod: DeepReadonly<Pod>, signal: AbortSignal): Promise<void> {
    const { name = '', uid = '' } = pod.metadata
    const draft = deepCopy<ResourceClaim>(claim)
    const reservedFor = [...(draft.status?.reservedFor ?? []), { resource: 'pods', name, uid }]
    draft.status = { ...draft.status, reservedFor }
    await this.#client.update(RESOURCE_CLAIMS, draft, { subresource: 'status', signal })
  }

  async clean(claim: FrozenResourceClaim, signal: AbortSignal): Promise<void> {
    const before = claim.status?.reservedFor ?? []
    const valid: Consumer[] = []
    for (const consumer of before) if (await this.#isStillThere(claim, consumer, signal)) valid.push(consumer)
    const isProtected = claim.metadata.finalizers?.includes(DELETE_PROTECTION) === true
    const isGoing = claim.metadata.deletionTimestamp !== undefined
    if (valid.length < before.length) await this.#shrink(claim, valid, isProtected, signal)
    else if (valid.length === 0 && isProtected && isGoing) await this.#deallocate(claim, signal)
    if (valid.length === 0 && !isGoing && this.#isOwnerDone(claim)) await this.#remove(claim, signal)
  }

  /** A Pod the cache does not have may be new: only the server's word removes it. Other consumers are not ours to judge. */
  async #isStillThere(
    { metadata: { namespace = '' } }: FrozenResourceClaim,
    { apiGroup = '', resource, name, uid }: Consumer,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (apiGroup !== '' || resource !== 'pods') return true
    const key = { namespace, name }
    const cached = this.#pods.get(key)
    if (cached !== undefined) return cached.metadata.uid === uid && !isPodDone(cached)
    const live = await this.#client.get(PODS, key, { signal }).catch(undefinedIfNotFound)
    return live?.metadata.uid === uid
  }

  /** Not a patch: it must fail when anything has changed. */
  async #shrink(
    claim: FrozenResourceClaim,
    valid: readonly Consumer[],
    isProtected: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    if (valid.length === 0 && isProtected) {
      await this.#deallocate(claim, signal)
      return
    }
    const draft = deepCopy<ResourceClaim>(claim)
    draft.status = { ...draft.status, reservedFor: deepCopy<ResourceClaimConsumerReference[]>(valid) }
    if (valid.length === 0) delete draft.status.reservedFor
    await this.#client.update(RESOURCE_CLAIMS, draft, { subresource: 'status', signal })
  }

  /** The devices first, then the finalizer that stood for them. */
  async #deallocate(claim: FrozenResourceClaim, signal: AbortSignal): Promise<void> {
    let draft = deepCopy<ResourceClaim>(claim)
    if (draft.status?.allocation !== undefined || (draft.status?.reservedFor ?? []).length > 0) {
      const { allocation: _allocation, reservedFor: _reservedFor, ...status } = draft.status ?? {}
      draft.status = status
      draft = deepCopy<ResourceClaim>(
        await this.#client.update(RESOURCE_CLAIMS, draft, { subresource: 'status', signal }),
      )
    }
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((name) => name !== DELETE_PROTECTION)
    await this.#client.update(RESOURCE_CLAIMS, draft, { signal })
  }

  /** Unknown Pods are left to the garbage collector: the cache may not have them yet. */
  #isOwnerDone(claim: FrozenResourceClaim): boolean {
    const owner = owningPod(claim)
    if (owner === undefined) return false
    const pod = this.#pods.get({ namespace: claim.metadata.namespace ?? '', name: owner.name })
    return pod !== undefined && (pod.metadata.uid !== owner.uid || isPodDone(pod))
  }

  async #remove(claim: FrozenResourceClaim, signal: AbortSignal): Promise<void> {
    const { uid = '' } = claim.metadata
    const deletion = this.#client.delete(RESOURCE_CLAIMS, objectKeyOf(claim), { preconditions: { uid }, signal })
    await deletion.catch(undefinedIfNotFound)
  }
}
