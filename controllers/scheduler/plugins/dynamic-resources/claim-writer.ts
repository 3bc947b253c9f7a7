/**
 * Writes what was decided into claims: finalizer, allocation, reservation. Upstream: plugins/dynamicresources bindClaim,
 * PostFilter, Unreserve.
 */
import { RESOURCE_CLAIMS } from '#machinery/api/resource/v1/resources.gen.ts'
import type { AllocationResult, ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import { DELETE_PROTECTION } from '#machinery/devices/pod-claims.ts'
import { keyStringOf, objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict } from '#machinery/meta/errors.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { FrozenPod, PluginHandle } from '../../framework/interfaces.ts'
import type { FrozenClaim } from './allocator/interfaces.ts'

/** Upstream: retry.DefaultRetry. */
const ATTEMPTS_MAX = 5

export class ClaimWriter {
  readonly #handle: PluginHandle

  constructor(handle: PluginHandle) {
    this.#handle = handle
  }

  /** Resolves with the claim as it was stored. `allocation` undefined: it has one already. */
  async bind(
    claim: FrozenClaim,
    pod: FrozenPod,
    allocation: AllocationResult | undefined,
    signal: AbortSignal,
  ): Promise<FrozenClaim> {
    let current = claim
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#tryBind(current, pod, allocation, signal)
      } catch (err: unknown) {
        if (!isConflict(err)) throw new Error(problemOf(claim, allocation, err), { cause: err })
        if (attempt === ATTEMPTS_MAX) throw err
        current = await this.#handle.client.get(RESOURCE_CLAIMS, objectKeyOf(claim), { signal })
      }
    }
  }

  async #tryBind(
    claim: FrozenClaim,
    { metadata: { name = '', uid = '' } }: FrozenPod,
    allocation: AllocationResult | undefined,
    signal: AbortSignal,
  ): Promise<FrozenClaim> {
    const { client, clock } = this.#handle
    const where = `claim ${keyStringOf(claim)}`
    if (claim.metadata.deletionTimestamp !== undefined) throw new Error(`${where} got deleted in the meantime`)
    let draft = deepCopy<ResourceClaim>(claim)
    if (allocation !== undefined) {
      if (claim.status?.allocation !== undefined) throw new Error(`${where} got allocated elsewhere in the meantime`)
      if (claim.metadata.finalizers?.includes(DELETE_PROTECTION) !== true) {
        draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), DELETE_PROTECTION]
        draft = deepCopy<ResourceClaim>(await client.update(RESOURCE_CLAIMS, draft, { signal }))
      }
    }
    const recorded = allocation ?? draft.status?.allocation
    if (recorded === undefined) throw new Error(`${where} got deallocated elsewhere in the meantime`)
    const reservedFor = [...(draft.status?.reservedFor ?? []), { resource: 'pods', name, uid }]
    const allocationTimestamp = recorded.allocationTimestamp ?? formatTime(clock.now())
    draft.status = { ...draft.status, allocation: { ...recorded, allocationTimestamp }, reservedFor }
    return await client.update(RESOURCE_CLAIMS, draft, { subresource: 'status', signal })
  }

  /** Nobody uses it: its devices may be somebody else's, or others its own. */
  async deallocate(claim: FrozenClaim, signal: AbortSignal): Promise<void> {
    const draft = deepCopy<ResourceClaim>(claim)
    draft.status = {}
    await this.#handle.client.update(RESOURCE_CLAIMS, draft, { subresource: 'status', signal })
  }

  /** Needs no newer state of the claim than its UID. A failure is logged: the next attempt comes here again. */
  async release(claim: FrozenClaim, pod: FrozenPod): Promise<void> {
    const body = {
      metadata: { uid: claim.metadata.uid },
      status: { reservedFor: [{ $patch: 'delete', uid: pod.metadata.uid }] },
    }
    try {
      const options = { subresource: 'status' }
      await this.#handle.client.patch(RESOURCE_CLAIMS, objectKeyOf(claim), { type: 'strategic', body }, options)
    } catch (err: unknown) {
      const { namespace, name } = claim.metadata
      const fields = { resourceclaim: { namespace, name }, error: errorMessage(err) }
      this.#handle.logger.warn(fields, 'cannot release a claim whose pod was not bound')
    }
  }
}

function problemOf(claim: FrozenClaim, allocation: AllocationResult | undefined, err: unknown): string {
  const what = allocation === undefined ? 'add reservation' : 'add allocation and reservation'
  return `${what} to claim ${keyStringOf(claim)}: ${errorMessage(err)}`
}
