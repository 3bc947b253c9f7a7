/**
 * Claims as the scheduler must see them: what it has decided and not yet written, what it has written and the cache does
 * not show yet, then the cache. One for all profiles, or two of them would give one device away.
 * Upstream: plugins/dynamicresources/dra_manager.go claimTracker, scheduler util/assumecache.
 */
import type { ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import { keyString, keyStringOf, objectKeyOf } from '#machinery/informers/key.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import { compareResourceVersions } from '#machinery/meta/resource-version.ts'
import type { FrozenPod } from '../../framework/interfaces.ts'
import type { DeviceUse, FrozenAllocation, FrozenClaim } from './allocator/interfaces.ts'
import { CountedDeviceUse } from './device-use.ts'

export class ClaimTracker {
  readonly #informer: Informer<ResourceClaim>
  readonly #use = new CountedDeviceUse()
  /** UID -> what Reserve has chosen. At most one for each claim of the Pods being bound. */
  readonly #pending = new Map<string, FrozenAllocation>()
  /** The API server's answers, newer than the cache. */
  readonly #written = new Map<string, FrozenClaim>()
  /** UID -> what of it is counted in `#use`. */
  readonly #counted = new Map<string, FrozenAllocation>()
  readonly #listeners = new Set<() => void>()

  constructor(informer: Informer<ResourceClaim>) {
    this.#informer = informer
    informer.addHandler({
      onAdd: (claim) => this.#seen(claim),
      onUpdate: (old, claim) => {
        if (old.metadata.uid !== claim.metadata.uid) this.#gone(old)
        this.#seen(claim)
      },
      onDelete: (claim) => this.#gone(claim),
    })
  }

  get use(): DeviceUse {
    return this.#use
  }

  get(key: ObjectKey): FrozenClaim | undefined {
    return this.#written.get(keyString(key)) ?? this.#informer.lister.get(key)
  }

  isPending({ metadata }: FrozenClaim): boolean {
    return this.#pending.has(metadata.uid ?? '')
  }

  /** The devices are the claim's from now on, until `settle` or `abandon`. */
  reserve(claim: FrozenClaim, allocation: FrozenAllocation): void {
    this.#pending.set(claim.metadata.uid ?? '', allocation)
    this.#recount(claim)
  }

  /** `claim` is the API server's answer to a write. */
  settle(claim: FrozenClaim): void {
    const key = keyStringOf(claim)
    const known = this.#informer.lister.get(objectKeyOf(claim))
    // Gone meanwhile, or seen in this state or a later one.
    if (known !== undefined && known.metadata.uid === claim.metadata.uid && isNewer(claim, known))
      this.#written.set(key, claim)
    this.#pending.delete(claim.metadata.uid ?? '')
    this.#recount(claim)
  }

  /** `claim` was made of what was reserved for `inMemory`; the cache may not show it yet. */
  replace(inMemory: FrozenClaim, claim: FrozenClaim): void {
    if (this.#informer.lister.get(objectKeyOf(claim)) === undefined) this.#written.set(keyStringOf(claim), claim)
    this.settle(claim)
    this.abandon(inMemory)
  }

  /** It was deleted, perhaps before the cache ever showed it. */
  forget(claim: FrozenClaim): void {
    if (this.#written.get(keyStringOf(claim))?.metadata.uid === claim.metadata.uid)
      this.#written.delete(keyStringOf(claim))
    this.#recount(claim)
  }

  /** As the cache shows them. */
  ownedBy({ metadata }: FrozenPod): readonly FrozenClaim[] {
    return this.#informer.lister.byIndex('controller-uid', metadata.uid ?? '')
  }

  /** True: the claim had devices that are free again. */
  abandon(claim: FrozenClaim): boolean {
    const wasPending = this.#pending.delete(claim.metadata.uid ?? '')
    if (wasPending) this.#recount(claim)
    return wasPending
  }

  /** Told of every change of a claim. Returns the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #seen(claim: FrozenClaim): void {
    const key = keyStringOf(claim)
    const written = this.#written.get(key)
    if (written !== undefined && !isNewer(written, claim)) this.#written.delete(key)
    this.#recount(claim)
    this.#tell()
  }

  #gone(claim: FrozenClaim): void {
    const key = keyStringOf(claim)
    if (this.#written.get(key)?.metadata.uid === claim.metadata.uid) this.#written.delete(key)
    this.#recount(claim)
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Invariant: `#use` is the sum over all claims of what each has in the end. */
  #recount({ metadata: { namespace = '', name = '', uid = '' } }: FrozenClaim): void {
    const current = this.get({ namespace, name })
    const recorded = current?.metadata.uid === uid ? current.status?.allocation : undefined
    const wanted = this.#pending.get(uid) ?? recorded
    const counted = this.#counted.get(uid)
    if (wanted === counted) return
    if (counted !== undefined) this.#use.remove(counted)
    if (wanted === undefined) this.#counted.delete(uid)
    else {
      this.#use.add(wanted)
      this.#counted.set(uid, wanted)
    }
  }
}

/** Versions that cannot be compared count as older: the cache is believed. */
const isNewer = (a: FrozenClaim, b: FrozenClaim): boolean =>
  (compareResourceVersions(a.metadata.resourceVersion, b.metadata.resourceVersion) ?? -1) > 0
